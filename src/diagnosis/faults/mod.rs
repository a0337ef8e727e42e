//! The fault catalogue: what can go wrong, what it looks like in each kind of log, and what to say about it.
//!
//! In: the text of `resources/faults.toml`. Out: a [`Catalogue`] whose patterns are compiled once. Always true: every code is
//! unique, a finer code has its coarse one, every pattern compiles within a size limit, every text stands in both languages.
//! Does not look at logs; [`super::symptoms`] does, with these patterns.

mod load;
mod patterns;
mod raw;

use std::collections::HashMap;

use regex::{Regex, RegexSet};
use serde::{Deserialize, Serialize};

use crate::model::{Lang, ObjectRef, Severity};

pub use load::Error;
pub use patterns::{ChangePattern, EventMatch, EventPattern, Quantity, Relation, RootIs, Where};

/// The catalogue that is part of the program.
pub(super) const BUILTIN: &str = include_str!("../../../resources/faults.toml");
/// Longer texts are cut before they are matched: the line that names a fault stands at the top of a stack trace, the root
/// exception within a few kilobytes.
const MATCHED_BYTES: usize = 8 * 1024;

/// All faults, with their patterns.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    faults: Vec<Fault>,
    by_code: HashMap<String, usize>,
    modes: Vec<(CallMode, RegexSet)>,
    texts: RegexSet,
    text_of: Vec<(usize, Side, Option<Regex>)>,
    refusals: RegexSet,
    refusal_of: Vec<(usize, Regex)>,
}

/// A kind of fault.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "as in the file: each says one thing, and none excludes another"
)]
pub struct Fault {
    pub code: String,
    pub name: Pair,
    pub severity: Severity,
    pub sign: Sign,
    /// What tells it from its siblings.
    pub tell: Pair,
    /// The sentence for it; `{object}` stands for the root's object.
    pub say: Pair,
    pub confirm: Vec<Pair>,
    pub fix: Vec<Pair>,
    pub rollback: Pair,
    pub verify: Vec<Pair>,
    pub events: Vec<EventPattern>,
    /// How callers of the root's object fail.
    pub calls: Vec<CallMode>,
    /// How calls that the root's workload makes itself fail.
    pub makes: Vec<CallMode>,
    /// However definite, it may follow from a fault of something that the workload calls.
    pub follows: bool,
    /// Faults of the same object that it stands behind.
    pub over: Vec<String>,
    /// Faults of the node that it may follow from.
    pub under: Vec<String>,
    /// Code to use when a job suffers.
    pub job: Option<String>,
    /// It builds up over hours.
    pub slow: bool,
    /// Whoever writes the line only suffers: the fault is of the one it called.
    pub of_callee: bool,
    /// Who tells of it only passes on what is wrong with somebody else.
    pub messenger: bool,
    /// It is a state that holds until an event of the same object with one of these reasons.
    pub ends: Vec<String>,
    pub causes: Vec<ChangePattern>,
    /// Kind, namespace and name of the component that it is the fault of when it shows on several objects at once.
    pub shared: Option<(String, String, String)>,
    /// Part of the path of the changed field that is told first: often several were changed at once.
    pub telling: Option<String>,
}

impl Fault {
    /// The first two parts of the code, which outsiders know.
    #[must_use]
    pub fn coarse(&self) -> &str {
        coarse(&self.code)
    }
}

/// The first two parts of a code.
#[must_use]
pub fn coarse(code: &str) -> &str {
    match code.match_indices('.').nth(1) {
        Some((at, _)) => &code[..at],
        None => code,
    }
}

/// A text in both languages, Chinese first.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Pair(pub String, pub String);

impl Pair {
    #[must_use]
    pub fn of(&self, lang: Lang) -> &str {
        lang.pick(&self.0, &self.1)
    }
}

/// How much a match says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sign {
    /// Follows from other faults; a root only when nothing else explains it.
    Effect,
    /// Needs a change, or the lack of anything better.
    Hint,
    /// One match names the fault.
    Definitive,
}

/// How a call to somebody else fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CallMode {
    Tls,
    Auth,
    /// The name server does not answer, or nothing says whether it does.
    Dns,
    /// It answers that there is no such name.
    NoName,
    Limited,
    Refused,
    Reset,
    Timeout,
    Http5xx,
    Protocol,
}

impl CallMode {
    pub const ALL: [Self; 10] = [
        Self::Tls,
        Self::Auth,
        Self::Dns,
        Self::NoName,
        Self::Limited,
        Self::Refused,
        Self::Reset,
        Self::Timeout,
        Self::Http5xx,
        Self::Protocol,
    ];

    /// What such calls do.
    #[must_use]
    pub const fn words(self, lang: Lang) -> &'static str {
        let (zh, en) = match self {
            Self::Tls => ("握手失败", "fail at TLS"),
            Self::Auth => ("认证失败", "fail to authenticate"),
            Self::Dns => ("解析失败", "fail to resolve"),
            Self::NoName => ("域名不存在", "find no such name"),
            Self::Limited => ("被限流", "are limited"),
            Self::Refused => ("被拒绝连接", "are refused"),
            Self::Reset => ("连接被重置", "are reset"),
            Self::Timeout => ("超时", "time out"),
            Self::Http5xx => ("返回服务端错误", "get server errors"),
            Self::Protocol => ("协议不对", "use a wrong protocol"),
        };
        match lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }
}

/// Which side wrote a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The one that suffers.
    Own,
    /// The one that refuses others and is healthy itself.
    Server,
}

impl Catalogue {
    /// The catalogue that is part of the program.
    pub fn builtin() -> Result<Self, Error> {
        Self::load("resources/faults.toml", BUILTIN)
    }

    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    #[must_use]
    pub fn get(&self, code: &str) -> Option<&Fault> {
        self.by_code.get(code).map(|&i| &self.faults[i])
    }

    #[must_use]
    pub fn index(&self, code: &str) -> Option<usize> {
        self.by_code.get(code).copied()
    }

    /// The faults that an event shows; the finer and the more definitive come first.
    #[must_use]
    pub fn of_event(&self, object: &ObjectRef, reason: &str, message: &str) -> Vec<EventMatch> {
        let message = cut(message);
        let (mut found, mut fallback) = (Vec::new(), Vec::new());
        for (fault, known) in self.faults.iter().enumerate() {
            for pattern in &known.events {
                if let Some((named, nodes)) = pattern.fits(object, reason, message) {
                    let fitting = if pattern.last {
                        &mut fallback
                    } else {
                        &mut found
                    };
                    fitting.push(EventMatch {
                        fault,
                        sign: pattern.sign,
                        object: pattern.object,
                        named,
                        nodes,
                        pinned: pattern.pinned,
                    });
                    break;
                }
            }
        }
        if found.is_empty() {
            found = fallback;
        }
        found.sort_by_key(|m| std::cmp::Reverse((m.sign, m.nodes, self.depth(m.fault))));
        found
    }

    /// The faults that a business text shows, with the side that wrote it.
    #[must_use]
    pub fn of_text(&self, text: &str) -> Vec<(usize, Side)> {
        let text = cut(text);
        let hits = self.texts.matches(text).into_iter();
        let mut found: Vec<(usize, Side)> = hits
            .map(|i| &self.text_of[i])
            .filter(|(.., not)| !not.as_ref().is_some_and(|n| n.is_match(text)))
            .map(|(fault, side, _)| (*fault, *side))
            .collect();
        found.sort_by_key(|(fault, side)| (*side != Side::Server, *fault));
        found.dedup_by_key(|(fault, _)| *fault);
        found.sort_by_key(|(fault, _)| {
            std::cmp::Reverse((self.faults[*fault].sign, self.depth(*fault)))
        });
        found
    }

    /// The fault behind a refused request, and whom or what its message names.
    #[must_use]
    pub fn of_refusal(&self, message: &str) -> Option<(usize, Option<String>)> {
        let message = cut(message);
        let first = self.refusals.matches(message).iter().next()?;
        let (fault, pattern) = &self.refusal_of[first];
        let name = pattern
            .captures(message)
            .and_then(|c| Some(c.name("name")?.as_str().to_owned()));
        Some((*fault, name))
    }

    /// How the call that a text tells of failed.
    #[must_use]
    pub fn mode_of(&self, text: &str) -> Option<CallMode> {
        let text = cut(text);
        let hit = self.modes.iter().find(|(_, set)| set.is_match(text));
        hit.map(|(mode, _)| *mode)
    }

    fn depth(&self, fault: usize) -> usize {
        self.faults[fault].code.matches('.').count()
    }
}

/// At most [`MATCHED_BYTES`], cut between characters.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MATCHED_BYTES)]
}

#[cfg(test)]
mod tests;
