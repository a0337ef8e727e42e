//! How something is to be told, and what telling it gives.

use std::str::FromStr;

use serde_json::{Map, Value};

use crate::model::{Lang, LogKind, Moment, report::Report};

/// How a text is wanted. `now` is the listener's clock; relative times ("yesterday") are counted from it.
#[derive(Debug, Clone, Copy)]
pub struct Ask {
    /// One part of the broadcast; `None` tells all four.
    pub part: Option<Part>,
    /// Only what shows in this kind of log.
    pub kind: Option<LogKind>,
    pub detail: Detail,
    pub now: Moment,
    pub lang: Lang,
    /// Characters that the caller wants to put before the text: whose logs these are.
    pub reserved: usize,
    /// How the day before went, when it was run.
    pub compared: Option<Compared>,
    /// Page of a full text, from 0.
    pub page: usize,
}

impl Ask {
    /// The usual question: all parts and kinds, normal length.
    #[must_use]
    pub const fn new(now: Moment, lang: Lang) -> Self {
        Self {
            part: None,
            kind: None,
            detail: Detail::Normal,
            now,
            lang,
            reserved: 0,
            compared: None,
            page: 0,
        }
    }

    /// What is left of the characters of a form: a Chinese character is spoken as long as three letters.
    pub(super) const fn room(&self, most: usize) -> usize {
        chars(most, self.lang).saturating_sub(self.reserved)
    }

    /// Whether it was on the day before the listener's.
    pub(super) fn is_yesterday(&self, at: Moment) -> bool {
        let today = self.now.civil().date();
        today.yesterday().is_ok_and(|y| y == at.civil().date())
    }

    #[must_use]
    pub const fn detail(mut self, detail: Detail) -> Self {
        self.detail = detail;
        self
    }
}

/// How many characters of this language take as long as `most` Chinese ones.
#[must_use]
pub const fn chars(most: usize, lang: Lang) -> usize {
    match lang {
        Lang::Zh => most,
        Lang::En => most * LETTERS,
    }
}

/// Letters that are spoken in the time of one Chinese character.
const LETTERS: usize = 3;

/// Length and form of an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Detail {
    Brief,
    #[default]
    Normal,
    /// Markdown with evidence ids, for programs and people at a screen.
    Full,
}

/// The text is none of `brief`, `normal`, `full`.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown detail `{0}`; use brief, normal or full")]
pub struct UnknownDetail(String);

impl FromStr for Detail {
    type Err = UnknownDetail;

    fn from_str(s: &str) -> Result<Self, UnknownDetail> {
        match s.trim().to_lowercase().as_str() {
            "brief" | "short" | "简短" | "简要" => Ok(Self::Brief),
            "" | "normal" | "普通" | "正常" => Ok(Self::Normal),
            "full" | "long" | "详细" | "完整" => Ok(Self::Full),
            _ => Err(UnknownDetail(s.to_owned())),
        }
    }
}

/// The four parts of the broadcast, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// 各类日志异常概述
    Overview,
    /// 重要发现
    Findings,
    /// 立即处理
    Urgent,
    /// 解决方案
    Fixes,
}

impl Part {
    pub const ALL: [Self; 4] = [Self::Overview, Self::Findings, Self::Urgent, Self::Fixes];

    /// 1 to 4, as in the argument `part` of `summarize_day`.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8 + 1
    }

    /// What "继续" tells after this part.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        Self::ALL.into_iter().find(|p| *p > self)
    }
}

/// The text is not a part of the broadcast.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown part `{0}`; use 1 overview, 2 findings, 3 urgent or 4 fixes")]
pub struct UnknownPart(String);

impl FromStr for Part {
    type Err = UnknownPart;

    /// Lenient: `1` to `4`, or the name in Chinese or English.
    fn from_str(s: &str) -> Result<Self, UnknownPart> {
        match s.trim().to_lowercase().as_str() {
            "1" | "overview" | "概述" | "异常概述" => Ok(Self::Overview),
            "2" | "findings" | "重要发现" | "发现" => Ok(Self::Findings),
            "3" | "urgent" | "立即处理" | "处理" => Ok(Self::Urgent),
            "4" | "fixes" | "方案" | "解决方案" => Ok(Self::Fixes),
            _ => Err(UnknownPart(s.to_owned())),
        }
    }
}

/// What became of the problems of the day before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compared {
    /// Problems of the day before.
    pub before: usize,
    /// Those of them that are not in today's report.
    pub gone: usize,
}

impl Compared {
    /// By the incidents' identities.
    #[must_use]
    pub fn between(before: &Report, now: &Report) -> Self {
        let gone = |i: &&crate::model::report::Incident| {
            !now.incidents.iter().any(|j| j.identity == i.identity)
        };
        Self {
            before: before.incidents.len(),
            gone: before.incidents.iter().filter(gone).count(),
        }
    }
}

/// What is told, and what may come next.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Told {
    /// For the ear in brief and normal form, Markdown in full form.
    pub told: String,
    /// Tools worth calling next, the best first. For the model, not for the listener.
    pub next: Vec<NextStep>,
    /// Ids of the incidents named, in the order in which they are named ("the second one").
    pub incidents: Vec<String>,
    /// Ids of those told in one sentence with one of them; they have no place of their own to be counted by.
    pub beside: Vec<String>,
    /// The part that "继续" asks for.
    pub next_part: Option<Part>,
    /// The next page of a full text.
    pub next_page: Option<usize>,
}

/// A tool and its arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct NextStep {
    pub tool: &'static str,
    pub arguments: Map<String, Value>,
}

impl NextStep {
    /// Arguments with an empty value are left out.
    pub(super) fn new<const N: usize>(
        tool: &'static str,
        arguments: [(&'static str, String); N],
    ) -> Self {
        let arguments = arguments
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.to_owned(), Value::String(value)))
            .collect();
        Self { tool, arguments }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_follow_each_other_and_are_read_by_number_or_name() {
        let mut told = vec!["1".parse::<Part>().expect("part")];
        while let Some(next) = told.last().and_then(|p| p.next()) {
            told.push(next);
        }
        assert_eq!(told, Part::ALL);
        assert_eq!("方案".parse(), Ok(Part::Fixes));
        assert!("5".parse::<Part>().is_err());
        assert_eq!("".parse(), Ok(Detail::Normal));
    }
}
