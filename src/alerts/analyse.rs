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
    diagnosis::{essence, faults::Catalogue},
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
    /// The logs show no trouble, but shortly before somebody changed the alarm's object, or something beside it.
    Change,
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
    } else if suspect(&changes, alarm).is_some() {
        Conclusion::Change
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

/// The change that may have set an alarm off: the last one of its object before it, else of anything in its namespace. An alarm about a
/// whole cluster suspects nobody.
fn suspect<'c>(changes: &'c [ChangeNote], alarm: &Alarm) -> Option<&'c ChangeNote> {
    alarm.object.as_ref()?;
    let before = |c: &&ChangeNote| c.at.ms <= alarm.first_ms;
    let mut earlier = changes.iter().filter(before);
    // They are sorted so: its own first, then the newest.
    earlier.next()
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
        // What was changed is said below.
        Conclusion::Change => {}
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
    if let (Conclusion::Signs | Conclusion::Change | Conclusion::Nothing, Some(change)) =
        (a.conclusion, suspect(&a.changes, &a.alarm))
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
            Conclusion::Nothing if self.logs.is_partial() => Some(ask.lang.pick(
                "前后的日志没看全，看过的没有异常",
                "the logs around it were not looked at whole, what was shows nothing abnormal",
            )),
            Conclusion::Nothing => Some(ask.lang.pick(
                "前后的日志没有异常",
                "the logs around it show nothing abnormal",
            )),
            Conclusion::Unseen => Some(ask.lang.pick(
                "这个时间的日志还没有分析",
                "the logs of that time were not analysed yet",
            )),
            Conclusion::Policy | Conclusion::Incident | Conclusion::Signs | Conclusion::Change => {
                None
            }
        };
        voice::alarm(
            &AlarmFacts {
                title: title.unwrap_or(&subject),
                meaning: &self.meaning,
                past: self.before(ask.lang).as_deref(),
                cause: self.cause(ask.lang).as_deref(),
                reported: self.reported().as_deref(),
                seen,
                suspect: (self.conclusion == Conclusion::Change)
                    .then(|| suspect(&self.changes, &self.alarm))
                    .flatten(),
                measures: &self.measures,
                policy_problem: self.policy_problem.as_deref(),
                recovered: self.alarm.recovered_ms.is_some(),
            },
            ask,
        )
    }

    /// What the logs report of it, where no fault of the catalogue is known by it.
    #[must_use]
    pub fn reported(&self) -> Option<String> {
        let sign = self.signs.first().filter(|s| s.name.is_empty())?;
        (self.conclusion == Conclusion::Signs).then(|| essence(&sign.text))
    }

    /// The cause in a clause, if one is known.
    #[must_use]
    pub fn cause(&self, lang: Lang) -> Option<String> {
        let sign = self.signs.first();
        match self.conclusion {
            Conclusion::Incident => {
                let title = &self.incidents.first()?.title;
                let began = self.began().civil().date();
                let old = self.report.is_some_and(|(day, _)| day.date() < began);
                let since = if old {
                    lang.pick("前一天就有的,", "there since the day before, ")
                } else {
                    ""
                };
                Some(format!("{since}{title}"))
            }
            Conclusion::Signs => sign.map(|s| s.name.clone()).filter(|n| !n.is_empty()),
            Conclusion::Policy | Conclusion::Change | Conclusion::Nothing | Conclusion::Unseen => {
                None
            }
        }
    }

    /// How often it came before and what it was then, in a clause.
    #[must_use]
    pub fn before(&self, lang: Lang) -> Option<String> {
        self.past.first()?;
        let times: u32 = self.past.iter().map(|p| p.times).sum();
        let known = self
            .past
            .iter()
            .find_map(|p| Some((p, p.cause.as_deref()?)));
        Some(match known {
            Some((then, cause)) => {
                let day = lang.pick("%-m月%-d日", "%-d %B");
                let at = then.at.civil().strftime(day).to_string();
                lang.pick(
                    format!("这条告警以前报过{times}次，{at}那次是{cause}"),
                    format!("it fired {times} times before, on {at} because of {cause}"),
                )
            }
            None => lang.pick(
                format!("这条告警以前报过{times}次，都没有查到原因"),
                format!("it fired {times} times before, never with a known cause"),
            ),
        })
    }

    /// When the alarm began.
    #[must_use]
    pub fn began(&self) -> Moment {
        self.logs.from.at(self.alarm.first_ms)
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
