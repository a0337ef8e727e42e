//! From what to what something was changed: the same two values the other way round are another story.
//!
//! In: a [`Clause`] of a model's sentence. Out: [`Fault`]s. `从 A 改为 B` is one difference of a cited change in that order, or written so in a
//! record; `改为 B` alone may not name what was there before. A span of time is no change. Pure.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::{clauses::Clause, fault::Fault};

/// What makes one value of another, with what may follow it before the new one.
const VERB: &str = "(?:修改|更改|变更|改动|变动|调整|升级|降级|更新|切换|替换|回滚|回退|扩容|缩容|提高|提升|降低|增加|减少|调高|调低|调大|调小|改|变|调|换|升|降|缩|扩|增|减|切|设置|设)";
const OPEN: &str = r#"\s*[`“"「]?"#;
const VALUE: &str = r#"([a-z0-9/][^\s`“”"「」，,。；]*)"#;

/// From one value to another; a unit may stand behind the old one.
static FROM_TO: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let old = r#"([^\s`“”"「」，,从由]+?)[`”"」]?\s*(?:个|台|份|条|颗|块)?\s*(?:副本|实例|节点|核|毫秒|秒|分钟|兆|pods?|replicas?|cores?|cpus?|instances?|copies|(?:milli)?seconds?|minutes?)?\s*"#;
    let made = format!(
        "(?:(?:一路|直接|又)?{VERB}(?:为|成|到|至|回)?了?|到|至|->|→|=>|(?-u:\\b)(?:up |down |back )?to(?-u:\\b))"
    );
    Regex::new(&format!(
        "(?i)(?:从|由|(?-u:\\b)from(?-u:\\b)){OPEN}{old}{made}{OPEN}{VALUE}"
    ))
    .ok()
});
/// What it became, whatever it was.
static BECAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let zh = format!("{VERB}(?:为|成|到|至|回)了?|->|→|=>");
    let en = "(?-u:\\b)(?:changed?|changes|sets?|updated?|updates|patched|scaled?|scales|switched|moved|raised|lowered|bumped|increased|reduced|upgraded|downgraded)(?-u:\\b)[^,.;]{0,40}? to(?-u:\\b)|(?-u:\\b)became(?-u:\\b)";
    Regex::new(&format!("(?i)(?:{zh}|{en}){OPEN}{VALUE}")).ok()
});

/// What was made of what, where no cited change and no record says so.
pub(super) fn turns(clause: &Clause<'_>) -> Vec<Fault> {
    let pairs = FROM_TO.iter().flat_map(|p| p.captures_iter(&clause.text));
    let mut faults: Vec<Fault> = pairs.filter_map(|c| turned(&c, clause)).collect();
    let news = BECAME.iter().flat_map(|p| p.captures_iter(&clause.text));
    faults.extend(news.filter_map(|c| became(&c, clause)));
    faults
}

fn turned(c: &Captures<'_>, clause: &Clause<'_>) -> Option<Fault> {
    let (old, new) = (part(c, 1), part(c, 2));
    let is_value = |c: char| c.is_ascii_alphanumeric() || c == '/';
    // 从 10:02 到 11:40 is a span of time, and 从上游到下游 none of values.
    let is_time = old.contains(':') && old.len() <= 8;
    if is_time || !old.starts_with(is_value) {
        return None;
    }
    let differences = || clause.changes.iter().flat_map(|c| &c.diff);
    let written = format!("from {old} to {new}").to_lowercase();
    let holds = differences().any(|d| is_it(&d.old, old) && is_it(&d.new, new))
        || clause.corpus.text.contains(&written);
    (!holds).then(|| Fault::Word(format!("{old} -> {new}")))
}

/// What was there before a cited change is not what it became.
fn became(c: &Captures<'_>, clause: &Clause<'_>) -> Option<Fault> {
    let new = part(c, 1);
    let differences = || clause.changes.iter().flat_map(|c| &c.diff);
    let was = differences().any(|d| is_it(&d.old, new));
    let is = differences().any(|d| is_it(&d.new, new));
    (was && !is).then(|| Fault::Word(format!("-> {new}")))
}

fn part<'a>(c: &'a Captures<'_>, n: usize) -> &'a str {
    let text = c.get(n).map_or("", |m| m.as_str());
    text.trim_end_matches(|c: char| !c.is_ascii() || ".,;:!?)".contains(c))
}

/// Whether a value is what was said: whole, or the end of an image or a path.
fn is_it(value: &serde_json::Value, said: &str) -> bool {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    text == said || text.ends_with(&format!(":{said}")) || text.ends_with(&format!("/{said}"))
}
