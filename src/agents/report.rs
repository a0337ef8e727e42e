//! The two files of a day, rendered from claims. Needs no model.
//!
//! In: a report, its outline, names of faults, a language. Out: Markdown. `llm_summary.txt` is what is broadcast: numbered problems, what the logs
//! say kept apart from what is concluded. `vector_analysis.txt` carries the evidence ids, the alternatives, what is missing and how
//! complete the day is. The same values give the same text.

use std::fmt::Write;

use crate::model::{
    Lang, LogKind, Severity,
    report::{Claim, ClaimKind, Incident, Report, Stage, Status, Verdict},
    visible,
};

use super::{
    outline::{Outline, Slot},
    words::plain,
};

/// The spoken name of a fault code in Chinese and English; `None` for a code without one.
pub type NameOf<'a> = &'a dyn Fn(&str) -> Option<[String; 2]>;

/// Most incidents told in full; the others are listed by title.
const TOLD_INCIDENTS: usize = 12;
/// Log texts quoted for one problem; the rest is in the analysis.
const TOLD_ERRORS: usize = 6;

/// `llm_summary.txt`: the broadcast.
#[must_use]
pub fn summary(report: &Report, outline: &Outline, name_of: NameOf<'_>, lang: Lang) -> String {
    let mut text = lang.pick(
        format!("# {} 集群日志播报（{}）\n", report.date, report.owner),
        format!("# Cluster logs of {} ({})\n", report.date, report.owner),
    );
    heading(
        &mut text,
        lang.pick("各类日志异常概述", "Anomalies of each kind of log"),
    );
    for kind in LogKind::ALL {
        let _ = writeln!(
            text,
            "- **{}**: {}",
            kind_name(kind, lang),
            of_kind(report, outline, kind, lang)
        );
    }
    for note in notes(report, lang) {
        let _ = writeln!(text, "> {note}");
    }
    if report.incidents.is_empty() {
        let _ = writeln!(text, "\n{}", nothing(report, lang));
    } else {
        problems(&mut text, report, outline, name_of, lang);
        urgent(&mut text, report, outline, lang);
        fixes(&mut text, report, outline, lang);
    }
    chronic(&mut text, outline, lang);
    text + lang.pick(
        "\n---\n需要对某一类日志做更深入的分析吗？可以：\n- 深入分析单个类型的日志\n- 关联分析多个类型的日志以找出问题根源\n- 提供具体的解决方案和回滚操作建议\n",
        "\n---\nShall one kind of log be analysed in more depth? You can have:\n- a deeper look at a single kind of log\n- the kinds linked to find the root\n- concrete fixes and a rollback\n",
    )
}

/// What a day without incidents was like: a day that was not read was not a good one.
pub(super) fn nothing(report: &Report, lang: Lang) -> &'static str {
    match report.verdict {
        Verdict::Unknown => lang.pick(
            "没有读到日志，无法判断。",
            "No log could be read; nothing can be said.",
        ),
        _ => lang.pick("没有发现新的异常。", "Nothing new went wrong."),
    }
}

fn problems(
    text: &mut String,
    report: &Report,
    outline: &Outline,
    name_of: NameOf<'_>,
    lang: Lang,
) {
    heading(text, lang.pick("重要发现", "Findings"));
    for (n, i) in report.incidents.iter().enumerate().take(TOLD_INCIDENTS) {
        let _ = writeln!(text, "\n### {}. **{}**", n + 1, title(i, name_of, lang));
        let Some(section) = outline.of(&i.id) else {
            continue;
        };
        inline(
            text,
            lang.pick("涉及对象", "Objects"),
            section.of(Slot::Objects),
        );
        let (sure, guessed): (Vec<_>, Vec<_>) = section
            .of(Slot::What)
            .partition(|c| c.kind == ClaimKind::Observed);
        let cause = sure.into_iter().chain(section.of(Slot::Cause));
        list(text, lang.pick("原因", "Cause"), cause, lang);
        list(
            text,
            lang.pick("具体错误信息", "Error details"),
            section.of(Slot::Errors).take(TOLD_ERRORS),
            lang,
        );
        list(
            text,
            lang.pick("可能原因（推测）", "Possible causes (inferred)"),
            guessed.into_iter().chain(section.of(Slot::Guess)),
            lang,
        );
        if !i.fix.is_empty() {
            let _ = writeln!(text, "- **{}**:", lang.pick("建议", "What to do"));
            for step in &i.fix {
                let _ = writeln!(text, "  - {}", plain(step));
            }
        }
        let rollback = lang.pick("回滚", "Rollback");
        match (
            &i.rollback,
            section.of(Slot::Rollback).next(),
            &i.no_rollback,
        ) {
            (Some(plan), _, _) if plan.command.is_empty() => {
                let why = plan.preconditions.first().unwrap_or(&plan.what);
                let _ = writeln!(text, "- **{rollback}**: {}", plain(why));
            }
            (Some(plan), what, _) => {
                let what = what.map_or("", |c| c.text.as_str());
                // Whole, or it would be run cut off; in a fence that nothing in it can close.
                let _ = writeln!(text, "- **{rollback}**: {what}\n\n```sh");
                for line in plan.command.replace("```", "~~~").lines() {
                    let _ = writeln!(text, "{}", visible(line));
                }
                let _ = writeln!(text, "```\n");
            }
            (None, _, Some(why)) => {
                let _ = writeln!(text, "- **{rollback}**: {}", plain(why));
            }
            (None, _, None) => {}
        }
        inline(text, lang.pick("状态", "Status"), section.of(Slot::Status));
    }
    let left = report.incidents.len().saturating_sub(TOLD_INCIDENTS);
    if left > 0 {
        let _ = writeln!(
            text,
            "\n{}",
            lang.pick(
                format!("另有 {left} 个问题，见 vector_analysis.txt。"),
                format!("{left} more problems are in vector_analysis.txt.")
            )
        );
    }
}

fn urgent(text: &mut String, report: &Report, outline: &Outline, lang: Lang) {
    heading(text, lang.pick("需要立即处理", "To handle now"));
    let mut any = false;
    for (n, i) in report.incidents.iter().enumerate().take(TOLD_INCIDENTS) {
        if i.status != Status::Recovered && i.severity >= Severity::Error {
            any = true;
            let _ = writeln!(
                text,
                "- {}{}",
                lang.pick(format!("第 {} 个：", n + 1), format!("No. {}: ", n + 1)),
                what(outline, i)
            );
        }
    }
    if !any {
        let _ = writeln!(
            text,
            "- {}",
            lang.pick(
                "没有必须马上处理的问题。",
                "Nothing has to be handled right now."
            )
        );
    }
}

fn fixes(text: &mut String, report: &Report, outline: &Outline, lang: Lang) {
    heading(text, lang.pick("可能的解决方案", "Solutions"));
    for (n, i) in report.incidents.iter().enumerate().take(TOLD_INCIDENTS) {
        // What would be undone names values of the change: told only as it was checked.
        let undo = i.rollback.as_ref().map(|r| plain(&r.what));
        let checked = outline
            .of(&i.id)
            .is_some_and(|s| s.of(Slot::Rollback).next().is_some());
        let step = match i.first_step().map(plain) {
            step if step == undo && !checked => i.fix.first().map(|f| plain(f)),
            step => step,
        };
        if let Some(step) = step {
            let _ = writeln!(
                text,
                "- {}{step}",
                lang.pick(format!("第 {} 个：", n + 1), format!("No. {}: ", n + 1)),
            );
        }
    }
}

fn chronic(text: &mut String, outline: &Outline, lang: Lang) {
    if outline.chronic.is_empty() {
        return;
    }
    heading(text, lang.pick("天天都有、没有变化的", "As every day"));
    for claim in &outline.chronic {
        let _ = writeln!(text, "- {}", claim.text);
    }
}

/// What is wrong, as it was checked.
fn what<'a>(outline: &'a Outline, incident: &Incident) -> &'a str {
    let claim = outline
        .of(&incident.id)
        .and_then(|s| s.of(Slot::What).next());
    claim.map_or("", |c| c.text.as_str())
}

/// `镜像不存在 (Image Not Found)`: the fault's name, in Chinese with the English one that runbooks use, or the incident's own title.
pub(super) fn title(i: &Incident, name_of: NameOf<'_>, lang: Lang) -> String {
    let name = i
        .root
        .detail
        .as_deref()
        .and_then(name_of)
        .or_else(|| name_of(&i.root.cause));
    match name {
        Some([_, en]) if lang == Lang::En => plain(&capitals(&en)),
        Some([zh, en]) => format!("{} ({})", plain(&zh), plain(&capitals(&en))),
        None => plain(&i.title),
    }
}

fn capitals(name: &str) -> String {
    let words = name.split(' ').map(|w| {
        let mut chars = w.chars();
        chars.next().map_or_else(String::new, |c| {
            c.to_uppercase().to_string() + chars.as_str()
        })
    });
    words.collect::<Vec<_>>().join(" ")
}

fn of_kind<'a>(report: &Report, outline: &'a Outline, kind: LogKind, lang: Lang) -> &'a str {
    match outline.kinds.get(&kind) {
        _ if report.coverage.get(&kind).is_some_and(|c| !c.shipped) => {
            lang.pick("没有投递", "not shipped")
        }
        Some(claim) => &claim.text,
        None => lang.pick("没有发现异常", "nothing unusual"),
    }
}

/// How complete and how final the report is.
pub(super) fn notes(report: &Report, lang: Lang) -> Vec<String> {
    let mut notes = Vec::new();
    match report.stage {
        Stage::Events => notes.push(
            lang.pick(
                "目前只看完事件日志，其余还在分析。",
                "So far only the event log is read.",
            )
            .to_owned(),
        ),
        Stage::Windows => notes.push(
            lang.pick(
                "目前只看完出问题的时段，其余还没看。",
                "So far only the hours of trouble are read.",
            )
            .to_owned(),
        ),
        Stage::Day if report.baseline.partial => notes.push(
            lang.pick(
                "前几天的数据还在补，对比不完整。",
                "Earlier days are still being read.",
            )
            .to_owned(),
        ),
        Stage::Day | Stage::Complete | Stage::Checked => {}
    }
    for (kind, c) in report
        .coverage
        .iter()
        .filter(|(_, c)| c.shipped && !c.complete)
    {
        let n = c.problems.len();
        notes.push(lang.pick(
            format!("{}有 {n} 个对象没有读完整。", kind.zh()),
            format!("{n} objects of the {kind} log could not be read in full."),
        ));
    }
    if report.baseline.days == 0 && !matches!(report.stage, Stage::Events | Stage::Windows) {
        notes.push(
            lang.pick(
                "没有前几天的数据可以对比。",
                "There are no earlier days to compare with.",
            )
            .to_owned(),
        );
    }
    notes
}

pub(super) fn kind_name(kind: LogKind, lang: Lang) -> &'static str {
    match (lang, kind) {
        (Lang::Zh, _) => kind.zh(),
        (Lang::En, LogKind::Business) => "Business log",
        (Lang::En, LogKind::Event) => "Event log",
        (Lang::En, LogKind::Audit) => "Audit log",
    }
}

pub(super) fn heading(text: &mut String, title: &str) {
    let _ = writeln!(text, "\n## {title}");
}

fn inline<'a>(text: &mut String, head: &str, claims: impl Iterator<Item = &'a Claim>) {
    for claim in claims {
        let _ = writeln!(text, "- **{head}**: {}", claim.text);
    }
}

fn list<'a>(text: &mut String, head: &str, claims: impl Iterator<Item = &'a Claim>, lang: Lang) {
    let mut claims = claims.peekable();
    if claims.peek().is_some() {
        let _ = writeln!(text, "- **{head}**:");
        bullets(text, claims, lang);
    }
}

/// What a model said is marked, wherever it stands.
fn bullets<'a>(text: &mut String, claims: impl Iterator<Item = &'a Claim>, lang: Lang) {
    for claim in claims {
        let mark = if claim.by_model {
            lang.pick("[模型] ", "[model] ")
        } else {
            ""
        };
        let _ = writeln!(text, "  - {mark}{}", claim.text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        agents::{claims::tests::records, outline::outline},
        model::sample,
    };

    fn name_of(code: &str) -> Option<[String; 2]> {
        (code == "image.not_found").then(|| ["镜像不存在".to_owned(), "image not found".to_owned()])
    }

    #[test]
    fn the_summary_of_two_problems() {
        let mut report = sample::report();
        report.incidents.truncate(2);
        let outline = outline(&report, &records(&report), &[], Lang::Zh);
        insta::assert_snapshot!(summary(&report, &outline, &name_of, Lang::Zh));
    }

    #[test]
    fn the_analysis_of_two_problems_in_english() {
        let mut report = sample::report();
        report.incidents.truncate(2);
        let outline = outline(&report, &records(&report), &[], Lang::En);
        insta::assert_snapshot!(crate::agents::analysis::analysis(
            &report,
            &outline,
            &name_of,
            Lang::En
        ));
    }

    #[test]
    fn a_healthy_day_says_so_and_still_asks() {
        let report = sample::healthy();
        let text = summary(&report, &Outline::default(), &name_of, Lang::Zh);
        assert!(text.contains("没有发现新的异常"));
        assert!(text.contains("提供具体的解决方案和回滚操作建议"));
    }
}
