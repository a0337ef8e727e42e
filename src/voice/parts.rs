//! The four parts of a broadcast, in as many words as there is room for.
//!
//! In: a report, its problems, how many of them and how many words. Out: sentences, the question last. Which number of problems and
//! words fits is for `broadcast` to find out.

use crate::model::{Lang, LogKind, report::Report};

use super::{
    ask::{Ask, Part},
    broadcast::{join, question},
    caveats::caveats,
    chain,
    change::{change_said, spoken_kinds, this_change},
    opening::{kinds, opening},
    phrase::{ordinal, relative_time, standing, status_said},
    problem::Problem,
    speak::{clean, fit},
};

/// Problems to handle now that are named by their place; of more it is said how many there are.
const TOLD_PLACES: usize = 3;

/// How many words a problem may take; fewer words before fewer problems.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub(super) enum Words {
    Fewest,
    Few,
    Most,
    All,
}

impl Words {
    const fn fewer(self) -> Self {
        match self {
            Self::All => Self::Most,
            Self::Most => Self::Few,
            Self::Few | Self::Fewest => Self::Fewest,
        }
    }
}

pub(super) struct Outline<'a> {
    pub report: &'a Report,
    pub ask: &'a Ask,
    pub problems: &'a [Problem<'a>],
    /// Problems that were told before.
    pub from: usize,
    pub shown: usize,
    pub words: Words,
    /// The first so many problems have these words, those behind them fewer.
    pub full: usize,
}

impl Outline<'_> {
    pub(super) fn text(&self) -> String {
        let lang = self.ask.lang;
        let wants = |part| self.ask.part.is_none_or(|p| p == part);
        let mut said = Vec::new();
        if wants(Part::Overview) {
            said.push(opening(
                self.report,
                &self.problems[0],
                self.ask,
                title_chars(self.words),
            ));
            said.push(kinds(self.report, self.ask));
            said.extend(self.compared());
            let caveats = caveats(self.report, self.ask);
            let most = if self.words >= Words::Most {
                caveats.len()
            } else {
                1
            };
            said.extend(caveats.into_iter().take(most));
        }
        if wants(Part::Findings) {
            self.findings(&mut said);
        }
        if wants(Part::Urgent) {
            said.push(self.urgent());
        }
        if wants(Part::Fixes) {
            self.fixes(&mut said);
        }
        let undoable = self.problems[..self.shown]
            .iter()
            .any(|p| p.first.ready_rollback().is_some());
        join(&said, &question(self.ask, undoable), lang)
    }

    /// The words that the problem in this place may take.
    const fn words_of(&self, n: usize) -> Words {
        if n < self.full {
            self.words
        } else {
            self.words.fewer()
        }
    }

    fn title(&self, n: usize) -> String {
        self.problems[n].title(self.ask.lang, title_chars(self.words_of(n)))
    }

    /// One sentence a problem. With all four parts asked for, the first problem has been named by the opening.
    fn findings(&self, said: &mut Vec<String>) {
        let lang = self.ask.lang;
        let opened = self.ask.part.is_none();
        let mut told: Vec<String> = Vec::new();
        if opened {
            told.push(standing(self.problems[0].first, self.ask));
        }
        for (n, problem) in self.problems[..self.shown].iter().enumerate() {
            let (incident, words) = (problem.first, self.words_of(n));
            let mut clause = String::new();
            if opened && n == 0 {
                let timed = incident.change.is_some() && words == Words::All;
                if words >= Words::Most && !timed {
                    let at = relative_time(incident.start, self.ask.now, lang);
                    clause = lang.pick(format!("它从{at}开始"), format!("it began {at}"));
                }
            } else {
                let place = if self.from + self.shown > 1 {
                    ordinal(self.from + n + 1, lang) + lang.pick("，", ", ")
                } else {
                    String::new()
                };
                clause = place + &self.title(n);
                let standing = match words {
                    Words::All | Words::Most if problem.others.is_empty() => {
                        let said = standing(incident, self.ask);
                        // Said once, it need not be said of each again.
                        if told.contains(&said) {
                            status_said(problem.status(), lang).to_owned()
                        } else {
                            told.push(said.clone());
                            said
                        }
                    }
                    Words::All | Words::Most | Words::Few => {
                        status_said(problem.status(), lang).to_owned()
                    }
                    Words::Fewest => String::new(),
                };
                if !standing.is_empty() {
                    clause += lang.pick("，", ", ");
                    clause += &standing;
                }
            }
            let tells_change = match words {
                Words::All => true,
                Words::Most | Words::Few => n == 0,
                Words::Fewest => false,
            };
            if let Some(change) = incident.change.as_ref().filter(|_| tells_change) {
                if !clause.is_empty() {
                    clause += lang.pick("，", ", ");
                }
                clause += &change_said(change, self.ask, words == Words::All);
            }
            // Whoever asks for one kind of log hears what that kind shows; of the audit log that is the change.
            let change_told = incident.change.is_some() && tells_change;
            let shown = self
                .ask
                .kind
                .filter(|kind| words >= Words::Few && !(change_told && *kind == LogKind::Audit));
            let shown = shown.and_then(|kind| chain::shown(self.report, incident, kind, self.ask));
            if let Some(shown) = shown {
                if !clause.is_empty() {
                    clause += lang.pick("，", ", ");
                }
                clause += &shown;
            }
            if !clause.is_empty() {
                said.push(clause);
            }
        }
        let left = self.problems.len() - self.shown;
        if left > 0 {
            said.push(lang.pick(
                format!("另外还有{left}个问题没念"),
                format!("{left} more problems are not told here"),
            ));
        }
    }

    fn urgent(&self) -> String {
        let lang = self.ask.lang;
        let (urgent, untold): (Vec<usize>, Vec<usize>) = (0..self.problems.len())
            .filter(|n| self.problems[*n].is_urgent())
            .partition(|n| *n < self.shown);
        // What is not told may have to be handled all the same.
        let untold = match (untold.len(), lang) {
            (0, _) => String::new(),
            (n, Lang::Zh) => format!("，没念的里还有{n}个"),
            (n, Lang::En) => format!(", and {n} of those not told"),
        };
        if urgent.is_empty() && !untold.is_empty() {
            return lang.pick("要马上处理的", "to handle now").to_owned() + &untold;
        }
        if urgent.is_empty() {
            return lang
                .pick("没有必须马上处理的", "nothing must be handled right now")
                .to_owned();
        }
        if self.ask.part.is_some() {
            let names: Vec<_> = urgent.iter().map(|n| self.title(*n)).collect();
            return lang.pick("要马上处理的是", "to handle now: ").to_owned()
                + &names.join(lang.pick("，还有", ", then "))
                + &untold;
        }
        // All parts are told: what was named once is not named again.
        let n = urgent.len();
        if n == self.shown {
            let said = match (n, lang) {
                (1, _) => lang
                    .pick("这个要马上处理", "it must be handled now")
                    .to_owned(),
                (2, Lang::En) => "both must be handled now".to_owned(),
                (_, Lang::Zh) => format!("这{n}个都要马上处理"),
                (_, Lang::En) => format!("all {n} must be handled now"),
            };
            return said + &untold;
        }
        let places: Vec<_> = urgent
            .iter()
            .take(TOLD_PLACES)
            .map(|n| ordinal(n + 1, lang) + lang.pick("个", ""))
            .collect();
        let more = n.saturating_sub(TOLD_PLACES);
        let more = match (more, lang) {
            (0, _) => String::new(),
            (_, Lang::Zh) => format!("等{n}个"),
            (more, Lang::En) => format!(" and {more} more"),
        };
        lang.pick(
            format!("要马上处理的是{}{more}{untold}", places.join("、")),
            format!("handle the {}{more} right now{untold}", listed(&places)),
        )
    }

    fn fixes(&self, said: &mut Vec<String>) {
        let lang = self.ask.lang;
        let mut any = false;
        let most = if self.ask.part.is_some() || self.words == Words::All {
            self.shown
        } else {
            1
        };
        for (n, problem) in self.problems[..self.shown].iter().enumerate().take(most) {
            let Some(fix) = problem.first.first_step() else {
                continue;
            };
            let chars = match self.words_of(n) {
                Words::Fewest => 40,
                Words::Few => 60,
                _ => 100,
            };
            let fix = spoken_kinds(&this_change(fix, problem.first, lang), lang);
            let fix = clean(&fix, lang);
            let fix = fit(&fix, chars, lang);
            if fix.is_empty() {
                continue;
            }
            if most == 1 {
                said.push(lang.pick(
                    format!("建议先{}", fix.trim_start_matches("先")),
                    format!("first step, {fix}"),
                ));
            } else {
                let place = ordinal(n + 1, lang);
                let head = if any {
                    ""
                } else {
                    lang.pick("解决办法，", "to fix them: ")
                };
                said.push(lang.pick(
                    format!("{head}{place}个，{fix}"),
                    format!("{head}{place}, {fix}"),
                ));
                any = true;
            }
        }
    }

    fn compared(&self) -> Option<String> {
        let c = self.ask.compared.filter(|c| c.before > 0)?;
        Some(match (self.ask.lang, c.gone) {
            (Lang::Zh, 0) => format!("前一天的{}个问题都还在", c.before),
            (Lang::Zh, gone) => format!("前一天的{}个问题好了{gone}个", c.before),
            (Lang::En, gone) => {
                format!("of {} problems of the day before {gone} are gone", c.before)
            }
        })
    }
}

/// `first`, `first and second`, `first, second and third`.
fn listed(places: &[String]) -> String {
    match places {
        [all @ .., last] if !all.is_empty() => format!("{} and {last}", all.join(", ")),
        places => places.concat(),
    }
}

const fn title_chars(words: Words) -> usize {
    match words {
        Words::Fewest => 24,
        Words::Few => 36,
        Words::Most | Words::All => 80,
    }
}
