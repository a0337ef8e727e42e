//! An analysed alarm for a screen or a chat group.
//!
//! In: an [`Analysis`]. Out: Markdown. Always true: signs of Markdown in what others wrote are taken out; what was not looked at is said.

use super::{
    analyse::Analysis,
    around::{LogNote, LogSource},
};
use crate::model::Lang;

impl Analysis {
    /// For a screen or a chat group, in Markdown.
    #[must_use]
    pub fn page(&self, lang: Lang) -> String {
        let shown = |text: &str| text.replace(['`', '*', '#'], "");
        let title = [&self.alarm.name, &self.alarm.policy, &self.alarm.text]
            .into_iter()
            .find(|t| !t.is_empty())
            .map_or_else(|| self.alarm.subject(), |t| t.chars().take(60).collect());
        let mut page = vec![
            format!("**{}** {}", shown(&title), self.began()),
            format!(
                "- {}: {}",
                lang.pick("含义", "meaning"),
                shown(&self.meaning)
            ),
        ];
        let mut item = |name: &str, text: &str| page.push(format!("- {name}: {}", shown(text)));
        if let Some(problem) = &self.policy_problem {
            item(lang.pick("策略问题", "policy problem"), problem);
        }
        for incident in &self.incidents {
            item(
                lang.pick("原因", "cause"),
                &format!(
                    "{} ({}, {})",
                    incident.title, incident.id, incident.root.cause
                ),
            );
        }
        for sign in &self.signs {
            let ids: Vec<String> = sign.evidence.iter().map(ToString::to_string).collect();
            let ids = match ids.join(" ") {
                none if none.is_empty() => lang.pick("告警自带", "came with the alarm").to_owned(),
                ids => ids,
            };
            item(
                lang.pick("日志迹象", "sign"),
                &format!("{} ×{} {} [{}]", sign.object, sign.count, sign.text, ids),
            );
        }
        for change in &self.changes {
            item(
                lang.pick("此前改动", "change before"),
                &format!(
                    "{} {} {} {} [{}]",
                    change.at, change.user, change.verb, change.object, change.evidence
                ),
            );
        }
        for measure in &self.measures {
            item(lang.pick("措施", "measure"), measure);
        }
        if let (Some(last), Some(before)) = (self.past.first(), self.before(lang)) {
            item(
                lang.pick("以前", "before"),
                &lang.pick(
                    format!("{before}，最近一次{}", last.at),
                    format!("{before}, last at {}", last.at),
                ),
            );
        }
        let lines = self.logs.lines;
        let (from, to) = (self.logs.from, self.logs.to);
        let seen = match self.logs.source {
            LogSource::Store => lang.pick(
                format!("{from} – {to}，{lines}行"),
                format!("{from} – {to}, {lines} lines"),
            ),
            LogSource::Live => lang.pick(
                format!("{from} – {to}，{lines}行，含还没投递到 COS 的"),
                format!("{from} – {to}, {lines} lines, those not shipped to COS yet included"),
            ),
            LogSource::None => lang.pick(
                format!("{from} – {to}，还没有这段时间的日志"),
                format!("{from} – {to}, there are no logs of that time yet"),
            ),
        };
        item(lang.pick("看过的日志", "logs read"), &seen);
        if self.logs.cut && self.logs.notes.is_empty() {
            let cut = lang.pick(
                "这段时间的日志没有看完",
                "not all lines of that time were read",
            );
            item(lang.pick("没有看的", "not read"), cut);
        }
        for note in &self.logs.notes {
            item(lang.pick("没有看的", "not read"), &in_words(note, lang));
        }
        page.join("\n")
    }
}

/// What was cut or failed, for a screen.
fn in_words(note: &LogNote, lang: Lang) -> String {
    match note {
        LogNote::Cut { kind, read, of } => {
            let of = of.map_or_else(|| "?".to_owned(), |n| n.to_string());
            lang.pick(
                format!("{}的{of}行里只看了报错和点名的{read}行", kind.zh()),
                format!("of {of} lines of {kind}, the {read} that tell of trouble or name the object were read"),
            )
        }
        LogNote::Unread { objects } => lang.pick(
            format!("桶里还有{objects}个对象没有读"),
            format!("{objects} more objects of the bucket were not read"),
        ),
        LogNote::Failed { why } => why.clone(),
    }
}
