//! What an alarm means, whether it matters, what set it off, what to do.
//!
//! In: an [`Alarm`] and what is known [`Around`] it. Out: an [`Analysis`], the answer of `gengfu alert --json` and what `analyze_alert`
//! is told from. Pure. "The logs show nothing abnormal" and "the policy is wrong" are answers; where there are no logs of that time,
//! that is said instead.

use serde::{Deserialize, Serialize};

use super::{
    Alarm,
    around::{Around, LogSource, LogsSeen, Past},
    explain::explaining,
    meaning,
    signs::{Sign, changed, signs},
};
use crate::{
    diagnosis::faults::Catalogue,
    model::{
        Day, Lang, Moment,
        report::{ChangeNote, Incident},
    },
    voice::{self, AlarmFacts, Ask},
};

/// Measures told; more are not remembered.
const MOST_MEASURES: usize = 5;

/// A policy that fires this often without anything in the logs is too sensitive, whatever its threshold.
const OFTEN: u32 = 5;

/// See the module's head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    pub alarm: Alarm,
    /// What the alarm says, in words.
    pub meaning: String,
    pub conclusion: Conclusion,
    /// Incidents of the day's report that explain it, the best first.
    pub incidents: Vec<Incident>,
    pub measures: Vec<String>,
    /// What is wrong with the policy itself.
    pub policy_problem: Option<String>,
    /// What the logs show of its object, where no incident explains it.
    pub signs: Vec<Sign>,
    /// What was changed shortly before.
    pub changes: Vec<ChangeNote>,
    /// Earlier occurrences, newest first.
    pub past: Vec<Past>,
    pub logs: LogsSeen,
    /// The day whose report the incidents are of, and its revision.
    pub report: Option<(Day, u32)>,
}

/// What it comes down to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Conclusion {
    /// The policy is wrong; nothing follows about the cluster.
    Policy,
    /// An incident explains it.
    Incident,
    /// The logs show trouble of its object, not yet put together.
    Signs,
    /// The logs of that time show nothing abnormal.
    Nothing,
    /// There are no logs of that time.
    Unseen,
}

/// Analyses one alarm.
#[must_use]
pub fn analyse(alarm: &Alarm, around: &Around, catalogue: &Catalogue, lang: Lang) -> Analysis {
    let policy_problem = meaning::policy_problem(alarm, lang);
    let incidents = match (&policy_problem, &around.report) {
        (None, Some(report)) => explaining(report, alarm),
        _ => Vec::new(),
    };
    let (signs, changes) = if policy_problem.is_some() {
        (Vec::new(), Vec::new())
    } else {
        (
            signs(&around.lines, alarm, catalogue, lang),
            changed(&around.lines, alarm, &around.zone),
        )
    };
    let conclusion = if policy_problem.is_some() {
        Conclusion::Policy
    } else if !incidents.is_empty() {
        Conclusion::Incident
    } else if !signs.is_empty() {
        Conclusion::Signs
    } else if around.logs.source == LogSource::None {
        Conclusion::Unseen
    } else {
        Conclusion::Nothing
    };
    let mut analysis = Analysis {
        alarm: alarm.clone(),
        meaning: meaning::in_words(alarm, lang),
        conclusion,
        incidents,
        measures: Vec::new(),
        policy_problem,
        signs,
        changes,
        past: around.past.clone(),
        logs: around.logs.clone(),
        report: around.report.as_ref().map(|r| (r.date, r.revision)),
    };
    analysis.measures = measures(&analysis, catalogue, lang);
    analysis
}

fn measures(a: &Analysis, catalogue: &Catalogue, lang: Lang) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    match a.conclusion {
        Conclusion::Policy => said.push(
            lang.pick(
                "在云监控控制台修改或停用这条告警策略",
                "mend or switch off this policy in the console of Cloud Monitor",
            )
            .to_owned(),
        ),
        Conclusion::Incident => {
            for incident in &a.incidents {
                if let Some(plan) = incident.ready_rollback() {
                    said.push(lang.pick(
                        format!("可以回滚,{}", plan.what),
                        format!("roll back: {}", plan.what),
                    ));
                }
                said.extend(incident.fix.iter().cloned());
            }
        }
        Conclusion::Signs => {
            let known = a
                .signs
                .iter()
                .filter_map(|s| catalogue.get(s.cause.as_deref()?));
            said.extend(
                known
                    .flat_map(|f| f.fix.iter().take(2))
                    .map(|p| p.of(lang).to_owned()),
            );
        }
        Conclusion::Nothing => said.push(
            lang.pick(
                "先看这个指标的监控曲线,一直不恢复再处理",
                "watch the metric's curve and act if it stays",
            )
            .to_owned(),
        ),
        Conclusion::Unseen => said.push(
            lang.pick(
                "等当天的日志分析好再看原因",
                "look again when that day's logs are analysed",
            )
            .to_owned(),
        ),
    }
    if let (Conclusion::Signs | Conclusion::Nothing, Some(change)) =
        (a.conclusion, a.changes.first())
    {
        said.push(lang.pick(
            format!(
                "核对{}在{}对{}的改动",
                change.user,
                change.at.hour_minute(),
                change.object
            ),
            format!(
                "check what {} changed of {} at {}",
                change.user,
                change.object,
                change.at.hour_minute()
            ),
        ));
    }
    let times: u32 = a.past.iter().map(|p| p.times).sum();
    if a.conclusion == Conclusion::Nothing
        && times >= OFTEN
        && a.past.iter().all(|p| p.cause.is_none())
    {
        said.push(lang.pick(
            format!("这条策略以前报过{times}次都没有查到原因,可以把阈值或持续时间调宽"),
            format!("this policy fired {times} times before without any cause; relax its threshold or duration"),
        ));
    }
    said.dedup();
    said.truncate(MOST_MEASURES);
    said
}

impl Analysis {
    /// Told for the ear.
    #[must_use]
    pub fn spoken(&self, ask: &Ask) -> String {
        let subject = self.alarm.subject();
        let title = [&self.alarm.name, &self.alarm.policy]
            .into_iter()
            .find(|t| !t.is_empty());
        let seen = match self.conclusion {
            Conclusion::Nothing => ask.lang.pick(
                ",前后的日志没有异常",
                ", the logs around it show nothing abnormal",
            ),
            Conclusion::Unseen => ask.lang.pick(
                ",这个时间的日志还没有分析",
                ", the logs of that time were not analysed yet",
            ),
            Conclusion::Policy | Conclusion::Incident | Conclusion::Signs => "",
        };
        voice::alarm(
            &AlarmFacts {
                title: title.unwrap_or(&subject),
                meaning: &format!("{}{seen}", self.meaning),
                cause: self.cause(ask.lang).as_deref(),
                measures: &self.measures,
                policy_problem: self.policy_problem.as_deref(),
                recovered: self.alarm.recovered_ms.is_some(),
            },
            ask,
        )
    }

    /// The cause in a clause, if one is known.
    #[must_use]
    pub fn cause(&self, lang: Lang) -> Option<String> {
        let sign = self.signs.first();
        match self.conclusion {
            Conclusion::Incident => {
                let title = &self.incidents.first()?.title;
                let old = self.logs.source == LogSource::None;
                let since = if old {
                    lang.pick("前一天就有的,", "there since the day before, ")
                } else {
                    ""
                };
                Some(format!("{since}{title}"))
            }
            Conclusion::Signs => sign.map(|s| {
                let named = !s.name.is_empty();
                if named {
                    s.name.clone()
                } else {
                    s.text.clone()
                }
            }),
            Conclusion::Policy | Conclusion::Nothing | Conclusion::Unseen => None,
        }
    }

    /// When the alarm began.
    #[must_use]
    pub fn began(&self) -> Moment {
        self.logs.from.at(self.alarm.first_ms)
    }

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
            item(
                lang.pick("日志迹象", "sign"),
                &format!(
                    "{} ×{} {} [{}]",
                    sign.object,
                    sign.count,
                    sign.text,
                    ids.join(" ")
                ),
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
        if let Some(last) = self.past.first() {
            let times: u32 = self.past.iter().map(|p| p.times).sum();
            let cause = last
                .cause
                .as_deref()
                .unwrap_or(lang.pick("当时没有查到原因", "no cause was found then"));
            item(
                lang.pick("以前", "before"),
                &lang.pick(
                    format!("报过{times}次,最近一次{},{cause}", last.at),
                    format!("{times} times, last at {}, {cause}", last.at),
                ),
            );
        }
        let seen = format!("{} – {}", self.logs.from, self.logs.to);
        let cut = if self.logs.cut {
            lang.pick(",有截断", ", cut")
        } else {
            ""
        };
        item(
            lang.pick("看过的日志", "logs read"),
            &match self.logs.source {
                LogSource::Store => lang.pick(
                    format!("{seen},{}行{cut}", self.logs.lines),
                    format!("{seen}, {} lines{cut}", self.logs.lines),
                ),
                LogSource::None => lang.pick(
                    format!("{seen},还没有这段时间的日志"),
                    format!("{seen}, there are no logs of that time yet"),
                ),
            },
        );
        page.join("\n")
    }
}

/// What can be told of an alarm that nobody has analysed yet.
pub(super) fn unseen(alarm: &Alarm, ask: &Ask) -> String {
    let meaning = meaning::in_words(alarm, ask.lang);
    let problem = meaning::policy_problem(alarm, ask.lang);
    let subject = alarm.subject();
    voice::alarm(
        &AlarmFacts {
            title: if alarm.name.is_empty() {
                &subject
            } else {
                &alarm.name
            },
            meaning: &meaning,
            policy_problem: problem.as_deref(),
            recovered: alarm.recovered_ms.is_some(),
            ..AlarmFacts::default()
        },
        ask,
    )
}

#[cfg(test)]
#[path = "analyse_tests.rs"]
mod tests;
