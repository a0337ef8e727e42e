//! The full form, for programs and people at a screen: Markdown with evidence ids and tables, in pages.
//!
//! In: a report. Out: Markdown in which a text of a log line can neither break the layout nor hide characters. Evidence is named by id; the
//! tool `fetch_logs` and the status page open it.

use std::fmt::Write;

use crate::model::{
    Lang, LogKind, is_invisible,
    report::{ClaimKind, Incident, Report, Rollback, Status},
    visible,
};

use super::ask::{Ask, NextStep, Told};

/// Characters of a page: a few screens, and a small part of a model's context.
pub const PAGE_CHARS: usize = 8_000;

/// The whole day, one page of it.
pub(super) fn day(report: &Report, ask: &Ask) -> Told {
    let lang = ask.lang;
    let concerned = |i: &&Incident| {
        ask.kind.is_none_or(|k| {
            i.chain.iter().any(|c| c.kind == k)
                || report
                    .findings
                    .iter()
                    .any(|f| f.kind == k && i.findings.contains(&f.id))
        })
    };
    let incidents: Vec<&Incident> = report.incidents.iter().filter(concerned).collect();
    let mut text = lang.pick(
        format!(
            "# {} 日志分析（{}，第{}版）\n\n",
            report.date, report.owner, report.revision
        ),
        format!(
            "# Logs of {} ({}, revision {})\n\n",
            report.date, report.owner, report.revision
        ),
    );
    coverage(&mut text, report, lang);
    if incidents.is_empty() {
        text += lang.pick("\n没有发现异常。\n", "\nNothing unusual was found.\n");
    } else {
        text += lang.pick(
            "\n| 编号 | 问题 | 原因 | 对象 | 开始 | 状态 |\n",
            "\n| id | problem | cause | object | start | status |\n",
        );
        text += "| --- | --- | --- | --- | --- | --- |\n";
        for i in &incidents {
            let _ = writeln!(
                text,
                "| {} | {} | `{}` | {} | {} | {} |",
                i.id,
                cell(&i.title),
                code(&i.root.cause),
                cell(&i.root.object.to_string()),
                i.start.hour_minute(),
                status(i, lang)
            );
        }
        for i in &incidents {
            text.push('\n');
            text += &incident(report, i, lang);
        }
    }
    if !report.chronic.is_empty() {
        text += lang.pick("\n## 天天都有，不算异常\n", "\n## As every day\n");
        for c in &report.chronic {
            let usual = if c.baseline > 0.0 {
                format!(" / {:.0}", c.baseline)
            } else {
                String::new()
            };
            let _ = writeln!(
                text,
                "- {}: {} ({}{usual})",
                cell(&c.title),
                cell(&c.object.to_string()),
                c.count
            );
        }
    }
    let pages = pages(&text);
    let page = ask.page.min(pages.len().saturating_sub(1));
    let next_page = (page + 1 < pages.len()).then_some(page + 1);
    let date = report.date.to_string();
    let mut next: Vec<_> = incidents
        .iter()
        .take(3)
        .map(|i| {
            NextStep::new(
                "trace_cause",
                [("date", date.clone()), ("incident", i.id.clone())],
            )
        })
        .collect();
    if let Some(page) = next_page {
        next.insert(
            0,
            NextStep::new(
                "summarize_day",
                [
                    ("date", date),
                    ("detail", "full".to_owned()),
                    ("cursor", page.to_string()),
                ],
            ),
        );
    }
    Told {
        told: pages.get(page).cloned().unwrap_or_default(),
        next,
        incidents: incidents.iter().map(|i| i.id.clone()).collect(),
        beside: Vec::new(),
        next_part: None,
        next_page,
    }
}

/// One incident with its chain, evidence, alternatives and what is missing.
pub(super) fn incident(report: &Report, i: &Incident, lang: Lang) -> String {
    let mut text = format!("## {} {}\n\n", i.id, line(&i.title));
    let cause = i.root.detail.as_ref().unwrap_or(&i.root.cause);
    let end = i.end.map_or_else(String::new, |end| end.to_string());
    let _ = writeln!(
        text,
        "- {}: `{}` · {} · {:.2} · {} – {} · {}",
        lang.pick("原因", "cause"),
        code(cause),
        line(&i.root.object.to_string()),
        i.confidence,
        i.start,
        end,
        status(i, lang)
    );
    if let Some(c) = &i.change {
        let _ = writeln!(
            text,
            "- {}: {} `{}` {} {} `{}`",
            lang.pick("改动", "change"),
            c.at,
            code(&c.user),
            c.verb,
            line(&c.object.to_string()),
            c.evidence
        );
        for d in &c.diff {
            let _ = writeln!(
                text,
                "  - `{}`: `{}` → `{}`",
                code(&d.path),
                code(&d.old.to_string()),
                code(&d.new.to_string())
            );
        }
    }
    chain(&mut text, report, i, lang);
    let mut list = |head: &str, items: &mut dyn Iterator<Item = String>| {
        let items: Vec<_> = items.collect();
        if !items.is_empty() {
            let _ = writeln!(text, "\n**{head}**");
            for item in items {
                let _ = writeln!(text, "- {item}");
            }
        }
    };
    list(
        lang.pick("受影响", "Affected"),
        &mut i.affected.iter().map(|o| line(&o.to_string())),
    );
    let claims = |kind| {
        report
            .claims
            .iter()
            .filter(move |c| c.kind == kind && c.findings.iter().any(|f| i.findings.contains(f)))
            // What would be undone and what was ruled out are conclusions too, and have their own places.
            .filter(|c| !is_elsewhere(i, &c.text))
            .map(move |c| {
                let mark = if c.by_model {
                    lang.pick("[模型] ", "[model] ")
                } else {
                    ""
                };
                format!("{mark}{}", line(&c.text))
            })
    };
    list(
        lang.pick("可能原因（推测）", "Possible causes (inferred)"),
        &mut claims(ClaimKind::Inferred),
    );
    list(
        lang.pick("建议", "What to do"),
        &mut i.fix.iter().map(|s| line(s)),
    );
    list(
        lang.pick("排除的可能", "Ruled out"),
        &mut i
            .alternatives
            .iter()
            .map(|a| format!("`{}`: {}", code(&a.cause), line(&a.why_not))),
    );
    list(
        lang.pick("还缺的证据", "Missing evidence"),
        &mut i.missing.iter().map(|s| line(s)),
    );
    if let Some(plan) = &i.rollback {
        text.push('\n');
        text += &rollback(plan, lang);
    } else if let Some(why) = &i.no_rollback {
        let _ = writeln!(
            text,
            "\n**{}**: {}",
            lang.pick("不能回滚", "No rollback"),
            line(why)
        );
    }
    text
}

/// Whether a sentence is the plan of the rollback or an alternative that was ruled out. Claims have no back-ticks but their own.
fn is_elsewhere(i: &Incident, text: &str) -> bool {
    let plain = |text: &str| visible(text).replace('`', "'").trim().to_owned();
    let planned = i.rollback.iter().any(|plan| plain(&plan.what) == text);
    let why_not = |why: &str| !why.is_empty() && text.ends_with(&plain(why));
    planned || i.alternatives.iter().any(|a| why_not(&a.why_not))
}

/// The findings of the chain as a table, with up to three evidence ids each.
fn chain(text: &mut String, report: &Report, i: &Incident, lang: Lang) {
    if i.chain.is_empty() {
        return;
    }
    text.push_str(lang.pick(
        "\n| 日志 | 发现 | 次数 | 平时 | 首次 | 末次 | 证据 |\n",
        "\n| log | finding | count | baseline | first | last | evidence |\n",
    ));
    text.push_str("| --- | --- | --- | --- | --- | --- | --- |\n");
    for link in &i.chain {
        let Some(f) = report.findings.iter().find(|f| f.id == link.finding) else {
            continue;
        };
        let usual = if f.baseline > 0.0 || report.baseline.days > 0 {
            format!("{:.1}", f.baseline)
        } else {
            "-".to_owned()
        };
        let ids: Vec<_> = f
            .evidence
            .iter()
            .take(3)
            .map(|e| format!("`{}`", e.id))
            .collect();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {usual} | {} | {} | {} |",
            kind(link.kind, lang),
            cell(&f.title),
            f.count,
            f.first_seen.hour_minute(),
            f.last_seen.hour_minute(),
            ids.join(" ")
        );
    }
}

/// The plan with its exact commands, for a screen.
pub(super) fn rollback(plan: &Rollback, lang: Lang) -> String {
    let mut text = format!(
        "**{}**: {}\n",
        lang.pick("回滚", "Rollback"),
        line(&plan.what)
    );
    if !plan.command.is_empty() {
        let _ = write!(text, "\n```sh\n{}\n```\n", block(&plan.command));
    }
    if !plan.patch.is_empty() {
        let _ = write!(text, "\n```json\n{}\n```\n", block(&plan.patch));
    }
    for item in &plan.preconditions {
        let _ = writeln!(text, "- {}: {}", lang.pick("前提", "first"), line(item));
    }
    if !plan.blast_radius.is_empty() {
        let _ = writeln!(
            text,
            "- {}: {}",
            lang.pick("影响范围", "touches"),
            line(&plan.blast_radius)
        );
    }
    for item in &plan.verify {
        let _ = writeln!(text, "- {}: {}", lang.pick("验证", "verify"), line(item));
    }
    text + lang.pick(
        "\n这里只给出步骤，不会替你执行。\n",
        "\nNothing is executed for you.\n",
    )
}

fn coverage(text: &mut String, report: &Report, lang: Lang) {
    text.push_str(lang.pick(
        "| 日志 | 对象数 | 行数 | 记录 | 拒绝 | 完整 |\n",
        "| log | objects | lines | records | rejected | complete |\n",
    ));
    text.push_str("| --- | --- | --- | --- | --- | --- |\n");
    for (k, c) in &report.coverage {
        let complete = match (c.shipped, c.complete) {
            (false, _) => lang.pick("没有投递", "not shipped"),
            (true, true) => lang.pick("是", "yes"),
            (true, false) => lang.pick("否", "no"),
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {complete} |",
            kind(*k, lang),
            c.objects,
            c.lines,
            c.records,
            c.rejected
        );
    }
    for problem in report.coverage.values().flat_map(|c| &c.problems) {
        let _ = writeln!(
            text,
            "\n- `{}`: {}",
            code(&problem.key),
            line(&problem.reason)
        );
    }
}

fn status(i: &Incident, lang: Lang) -> String {
    let at = |m: Option<crate::model::Moment>| {
        m.map(|m| format!(" {}", m.hour_minute()))
            .unwrap_or_default()
    };
    match i.status {
        Status::Ongoing => lang.pick("仍在发生", "ongoing").to_owned(),
        Status::Recovered => lang.pick("已恢复", "recovered").to_owned() + &at(i.end),
        Status::Recurred => lang.pick("又出现", "recurred").to_owned() + &at(i.checked_at),
    }
}

fn kind(k: LogKind, lang: Lang) -> &'static str {
    lang.pick(k.zh(), k.as_str())
}

/// Text of others on one line, with no tag of HTML in it.
fn line(text: &str) -> String {
    visible(text).replace('<', "&lt;").trim().to_owned()
}

fn cell(text: &str) -> String {
    line(text).replace('|', "\\|")
}

/// Inside back-ticks: no back-tick can end it.
fn code(text: &str) -> String {
    visible(text).replace('`', "'")
}

/// Inside a fenced block, byte for byte but for a fence of its own and invisible characters.
fn block(text: &str) -> String {
    let shown: String = text
        .chars()
        .filter(|c| !is_invisible(*c) && (*c == '\n' || !c.is_control()))
        .collect();
    shown.replace("```", "'''")
}

/// Cut between lines.
fn pages(text: &str) -> Vec<String> {
    let mut pages = vec![String::new()];
    let mut chars = 0;
    for l in text.split_inclusive('\n') {
        let n = l.chars().count();
        if chars > 0 && chars + n > PAGE_CHARS {
            pages.push(String::new());
            chars = 0;
        }
        chars += n;
        if let Some(page) = pages.last_mut() {
            page.push_str(l);
        }
    }
    pages
}
