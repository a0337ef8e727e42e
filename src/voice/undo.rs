//! What a rollback would do, or why there is none.
//!
//! In: a report, one of its incidents and an [`Ask`]. Out: [`Told`]. Commands are never spoken: one sentence says what would be undone, the
//! exact commands are for a screen ([`Detail::Full`]) or the user's chat. Nothing is executed.

use crate::model::report::{Incident, Report, Rollback};

use super::{
    BRIEF_CHARS, NORMAL_CHARS,
    ask::{Ask, Detail, Told},
    change::{spoken_kinds, this_change},
    full,
    incident::{fitted, led, told},
    speak::{clean, fit},
};

/// Says in one sentence what would be undone, or why nothing can be; nothing is executed.
#[must_use]
pub fn rollback(report: &Report, incident: &Incident, ask: &Ask) -> Told {
    let lang = ask.lang;
    let Some(plan) = &incident.rollback else {
        return no_plan(report, incident, ask);
    };
    if ask.detail == Detail::Full {
        return told(report, incident, full::rollback(plan, lang));
    }
    if plan.command.is_empty() {
        return by_hand(report, incident, plan, ask);
    }
    let short = |text: &str| this_change(text, incident, lang);
    let mut said = vec![(
        0,
        led(
            lang.pick("回滚会", "a rollback would "),
            fit(
                &clean(&spoken_kinds(&short(&plan.what), lang), lang),
                80,
                lang,
            ),
        ),
    )];
    let list = |items: &[String], most| {
        items
            .iter()
            .map(|s| fit(&clean(&short(before_command(s)), lang), 60, lang).to_owned())
            .filter(|s| !s.is_empty())
            .take(most)
            .collect::<Vec<_>>()
            .join(lang.pick("，", ", "))
    };
    let preconditions = list(&plan.preconditions, 2);
    if !preconditions.is_empty() {
        said.push((
            2,
            lang.pick("动手前先确认", "first make sure that ")
                .to_owned()
                + &preconditions,
        ));
    }
    if !plan.blast_radius.is_empty() {
        said.push((
            1,
            led(
                lang.pick("影响是", "its effect: "),
                fit(
                    &clean(&spoken_kinds(&plan.blast_radius, lang), lang),
                    80,
                    lang,
                ),
            ),
        ));
    }
    let verify = list(&plan.verify, 2);
    if !verify.is_empty() {
        said.push((
            3,
            lang.pick("做完确认", "afterwards check ").to_owned() + &verify,
        ));
    }
    said.push((
        4,
        lang.pick("我不会替你执行", "I will not run it for you")
            .to_owned(),
    ));
    let question = lang.pick(
        "要不要把具体命令发给你",
        "shall I send you the exact commands",
    );
    let limit = if ask.detail == Detail::Brief {
        BRIEF_CHARS
    } else {
        NORMAL_CHARS
    };
    told(report, incident, fitted(said, question, limit, ask))
}

/// Why there is nothing to take back, and what helps instead.
fn no_plan(report: &Report, incident: &Incident, ask: &Ask) -> Told {
    let lang = ask.lang;
    let why = incident
        .no_rollback
        .as_deref()
        .map(|w| clean(w, lang))
        .filter(|w| !w.is_empty());
    let why = why.unwrap_or_else(|| {
        lang.pick("没有找到引发它的改动", "no change set it off")
            .to_owned()
    });
    // What says how to take it back does not say that it cannot be.
    let says_so = why.contains(lang.pick("回滚", "roll"))
        || [lang.pick("改回", "back"), lang.pick("恢复", "undo")]
            .iter()
            .any(|w| why.contains(w));
    let before = lang.pick(
        "这个问题不能靠回滚解决，",
        "a rollback does not help here, ",
    );
    let none = lang.pick(
        "日志里没有引发它的改动，",
        "no change in the logs set it off, ",
    );
    let before = match (says_so, &incident.change) {
        (true, None) if !why.contains(lang.pick("没有", "no ")) => none,
        (true, _) => "",
        (false, _) => before,
    };
    let mut said = vec![(0, led(before, fit(&why, 70, lang)))];
    said.extend(incident.fix.first().map(|f| {
        let fix = clean(f, lang);
        let fix = fit(&fix, 100, lang);
        let otherwise = if says_so { "or else, " } else { "instead, " };
        (1, led(lang.pick("可以", otherwise), fix))
    }));
    let question = lang.pick("要不要我再查查原因", "shall I look further into the cause");
    told(report, incident, fitted(said, question, NORMAL_CHARS, ask))
}

/// Why no command undoes the change, and what a person can do instead.
fn by_hand(report: &Report, incident: &Incident, plan: &Rollback, ask: &Ask) -> Told {
    let lang = ask.lang;
    let why = plan.preconditions.first().map(|w| clean(w, lang));
    let why = why.unwrap_or_else(|| {
        lang.pick("日志里给不出回滚命令", "the logs give no command for it")
            .to_owned()
    });
    let mut said = vec![(0, fit(&why, 120, lang).to_owned())];
    said.extend(incident.first_step().map(|step| {
        let step = clean(step, lang);
        let step = fit(&step, 100, lang);
        (1, led(lang.pick("可以", "what helps, "), step))
    }));
    let question = lang.pick("要不要看更详细的证据", "shall I go into the evidence");
    told(report, incident, fitted(said, question, NORMAL_CHARS, ask))
}

/// The words of an item before its command, which is for the eyes.
fn before_command(item: &str) -> &str {
    const COMMAND: &str = "kubectl ";
    let is_command = |at: &usize| item[at + COMMAND.len()..].starts_with(|c: char| c.is_ascii());
    let at = item.find(COMMAND).filter(is_command);
    at.map_or(item, |at| &item[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_not_spoken() {
        assert_eq!(
            before_command("没有人再改过它：kubectl -n pay get deployment billing"),
            "没有人再改过它："
        );
        assert_eq!(before_command("kubectl -n pay rollout status"), "");
        assert_eq!(
            before_command("kubectl 连的是集群 cls-1"),
            "kubectl 连的是集群 cls-1"
        );
    }
}
