//! `vector_analysis.txt`: the conclusions with their evidence. Needs no model.
//!
//! In: a report, its outline, names of faults, a language. Out: Markdown: how complete the day is, each conclusion marked as read from a log or inferred with
//! its evidence ids, the alternatives considered, what is missing, what the model did. The same values give the same text.

use std::fmt::Write;

use crate::model::{
    Lang, LogKind,
    report::{Claim, ClaimKind, LlmNote, Report},
};

use super::{
    outline::{Outline, Slot},
    report::{NameOf, heading, kind_name, notes, nothing, title},
    words::plain,
};

/// `vector_analysis.txt`: conclusions with evidence ids, alternatives, what is missing, coverage.
#[must_use]
pub fn analysis(report: &Report, outline: &Outline, name_of: NameOf<'_>, lang: Lang) -> String {
    let mut text = lang.pick(
        format!("# {} 分析结论（{}）\n", report.date, report.owner),
        format!("# Analysis of {} ({})\n", report.date, report.owner),
    );
    coverage(&mut text, report, lang);
    heading(&mut text, lang.pick("结论", "Conclusions"));
    if report.incidents.is_empty() {
        let _ = writeln!(text, "- {}", nothing(report, lang));
    }
    for i in &report.incidents {
        let cause = i.root.detail.as_ref().unwrap_or(&i.root.cause);
        let _ = writeln!(
            text,
            "\n### {} {} · `{}` · {:.2}",
            i.id,
            title(i, name_of, lang),
            plain(cause),
            i.confidence
        );
        for (slot, claim) in outline.of(&i.id).into_iter().flat_map(|s| &s.items) {
            let mark = match slot {
                Slot::RuledOut => lang.pick("排除", "ruled out"),
                Slot::Rollback => lang.pick("回滚", "rollback"),
                _ if claim.by_model && claim.kind == ClaimKind::Inferred => {
                    lang.pick("模型推测", "model, inferred")
                }
                _ if claim.by_model => lang.pick("模型", "model"),
                _ if claim.kind == ClaimKind::Inferred => lang.pick("推测", "inferred"),
                _ => lang.pick("日志", "log"),
            };
            let _ = writeln!(text, "- [{mark}] {} {}", claim.text, ids(claim));
        }
        for m in &i.missing {
            let _ = writeln!(text, "- [{}] {}", lang.pick("缺少", "missing"), plain(m));
        }
    }
    if !outline.chronic.is_empty() {
        heading(&mut text, lang.pick("天天都有、没有变化的", "As every day"));
        for claim in &outline.chronic {
            let _ = writeln!(text, "- {} {}", claim.text, ids(claim));
        }
    }
    if let Some(note) = &report.llm {
        heading(&mut text, lang.pick("模型", "Model"));
        model(&mut text, note, lang);
    }
    text
}

/// Who was asked, what it cost, and what did not go as it should.
fn model(text: &mut String, note: &LlmNote, lang: Lang) {
    let mut line = |said: String| {
        let _ = writeln!(text, "{said}");
    };
    if !note.model.is_empty() {
        let cost = note
            .cost
            .as_ref()
            .map(|c| format!(" · {} {}", c.amount, c.currency));
        line(format!(
            "- {} · {} + {} tokens{} · {} ms · {} {}",
            plain(&note.model),
            note.input_tokens,
            note.output_tokens,
            cost.unwrap_or_default().trim_end(),
            note.ms,
            note.dropped_claims,
            lang.pick("句没有证据，已删去", "sentences without evidence left out")
        ));
    }
    for agent in &note.agents {
        line(format!(
            "  - `{}`: {}",
            plain(&agent.name),
            plain(&agent.text)
        ));
    }
    if let Some(why) = &note.embed_fallback {
        let said = lang.pick(
            "向量模型用不了，改用内置的：",
            "the embedder failed, the built-in one was used: ",
        );
        line(format!("- {said}{}", plain(why)));
    }
    if note.embed_begun {
        let said = lang.pick(
            "预算内没有算完所有向量，较早的留到以后的夜里",
            "the budget ended before every text had a vector; the older ones follow on later nights",
        );
        line(format!("- {said}"));
    }
    if let Some(why) = &note.fallback {
        let said = lang.pick("改用不靠模型的文本：", "written without the model: ");
        line(format!("- {said}{}", plain(why)));
    }
}

fn coverage(text: &mut String, report: &Report, lang: Lang) {
    heading(text, lang.pick("数据覆盖", "Coverage"));
    for kind in LogKind::ALL {
        let Some(c) = report.coverage.get(&kind) else {
            continue;
        };
        let _ = writeln!(
            text,
            "- {}: {} {} · {} {} · {} {} · {} {}",
            kind_name(kind, lang),
            c.objects,
            lang.pick("个对象", "objects"),
            c.records,
            lang.pick("条记录", "records"),
            c.rejected,
            lang.pick("行无法识别", "lines rejected"),
            c.duplicates,
            lang.pick("行重复", "duplicates"),
        );
        for p in &c.problems {
            let _ = writeln!(text, "  - `{}`: {}", plain(&p.key), plain(&p.reason));
        }
    }
    let b = &report.baseline;
    let _ = writeln!(
        text,
        "- {}: {} / {}",
        lang.pick("对比的天数", "earlier days compared"),
        b.days,
        b.of
    );
    for note in notes(report, lang) {
        let _ = writeln!(text, "- {note}");
    }
}

fn ids(claim: &Claim) -> String {
    let ids: Vec<_> = claim
        .evidence
        .iter()
        .take(4)
        .map(ToString::to_string)
        .collect();
    format!("`{}`", ids.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        agents::outline::{Records, outline},
        model::{report::Verdict, sample},
    };

    #[test]
    fn a_day_that_was_not_read_is_not_called_a_good_one() {
        let mut report = sample::report();
        report.incidents.clear();
        for (verdict, said) in [
            (Verdict::Unknown, "没有读到日志，无法判断"),
            (Verdict::Healthy, "没有发现新的异常"),
        ] {
            report.verdict = verdict;
            let outline = outline(&report, &Records::new(), &[], Lang::Zh);
            let text = analysis(&report, &outline, &|_| None, Lang::Zh);
            assert!(text.contains(said), "{text}");
            assert_eq!(text.contains("新的异常"), verdict == Verdict::Healthy);
        }
    }
}
