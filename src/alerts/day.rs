//! The alarms of a day under the problems that explain them.
//!
//! In: an owner's store and the day's report. Out: a [`DayAlarms`], and what of it is told in the broadcast. Always true: an alarm stands
//! under one problem, the nearest; one whose policy is wrong stands under none, whatever was broken then. Analyses nothing anew.

use super::{explain::explaining, inbox, meaning};
use crate::{
    model::{DayRange, Lang, report::Report},
    store::{self, AlarmRow, Store},
    voice::clean,
};

/// Problems that are named by their number; the broadcast tells at most six.
const ORDINALS: [&str; 6] = ["一", "二", "三", "四", "五", "六"];
/// Longest name of an alarm in speech.
const NAME_CHARS: usize = 20;

/// An alarm that came on the day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    pub id: i64,
    pub name: String,
    /// What it is about.
    pub subject: String,
    pub times: u32,
}

/// See the module's head. Each list newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DayAlarms {
    /// Incident and its alarms, in the order of the report.
    pub under: Vec<(String, Vec<Heard>)>,
    /// Their policies are wrong.
    pub meaningless: Vec<Heard>,
    /// Nothing in the logs explains them.
    pub others: Vec<Heard>,
}

impl DayAlarms {
    /// The alarms that were active on the report's day, whenever they began.
    pub async fn of(
        store: &Store,
        report: &Report,
        range: &DayRange,
        lang: Lang,
    ) -> Result<Self, store::Error> {
        let rows = store.alarms_between(range.start_ms, range.end_ms).await?;
        let mut day = Self::default();
        let order = report.incidents.iter().map(|i| (i.id.clone(), Vec::new()));
        day.under = order.collect();
        // What was repeated or polled later may have been over by then.
        let was_active =
            |row: &&AlarmRow| row.what.recovered_ms.unwrap_or(row.what.last_ms) >= range.start_ms;
        for row in rows.iter().filter(was_active) {
            let alarm = inbox::alarm_of(row);
            let heard = Heard {
                id: row.id,
                name: alarm.name.clone(),
                subject: alarm.subject(),
                times: row.times,
            };
            let nearest = explaining(report, &alarm).into_iter().next();
            let place = nearest.and_then(|i| day.under.iter_mut().find(|(id, _)| *id == i.id));
            match place {
                _ if meaning::policy_problem(&alarm, lang).is_some() => {
                    day.meaningless.push(heard);
                }
                Some((_, alarms)) => alarms.push(heard),
                None => day.others.push(heard),
            }
        }
        day.under.retain(|(_, alarms)| !alarms.is_empty());
        Ok(day)
    }

    /// Writes the alarms of each incident into the report that goes out.
    pub async fn attach(
        store: &Store,
        report: &mut Report,
        range: &DayRange,
    ) -> Result<(), store::Error> {
        let day = Self::of(store, report, range, Lang::Zh).await?;
        for incident in &mut report.incidents {
            let alarms = day.under.iter().find(|(id, _)| *id == incident.id);
            let ids = alarms.map(|(_, alarms)| alarms.iter().map(|a| a.id.to_string()));
            incident.alerts = ids.map(Iterator::collect).unwrap_or_default();
        }
        Ok(())
    }

    /// How many there were.
    #[must_use]
    pub fn count(&self) -> usize {
        let under: usize = self.under.iter().map(|(_, alarms)| alarms.len()).sum();
        under + self.meaningless.len() + self.others.len()
    }

    /// A sentence for the broadcast; `told` are the problems in the order in which they are told. `None` on a day without alarms.
    #[must_use]
    pub fn sentence(&self, told: &[String], lang: Lang) -> Option<String> {
        let all = self.count();
        if all == 0 {
            return None;
        }
        let mut said = Vec::new();
        let mut elsewhere = 0;
        for (incident, alarms) in &self.under {
            let n = alarms.len();
            let place = told.iter().position(|id| id == incident);
            match place.and_then(|at| Some((at, ORDINALS.get(at)?))) {
                Some((at, ordinal)) => said.push(lang.pick(
                    format!("{n}条说的是第{ordinal}个问题"),
                    format!("{n} about problem {}", at + 1),
                )),
                None => elsewhere += n,
            }
        }
        if elsewhere > 0 {
            said.push(lang.pick(
                format!("{elsewhere}条说的是别的问题"),
                format!("{elsewhere} about other problems"),
            ));
        }
        if let Some(first) = self.meaningless.first() {
            let n = self.meaningless.len();
            let name: String = clean(&first.name, lang).chars().take(NAME_CHARS).collect();
            said.push(lang.pick(
                format!("{n}条没有意义，像{name}，是策略要改"),
                format!("{n} without meaning, such as {name}, whose policy is wrong"),
            ));
        }
        if !self.others.is_empty() {
            let n = self.others.len();
            said.push(lang.pick(
                format!("{n}条在日志里没有原因"),
                format!("{n} without a cause in the logs"),
            ));
        }
        Some(lang.pick(
            format!("那天收到{all}条告警，{}。", said.join("，")),
            format!("{all} alarms came that day: {}. ", said.join(", ")),
        ))
    }

    /// The same for a screen, in Markdown; empty on a day without alarms.
    #[must_use]
    pub fn page(&self, report: &Report, lang: Lang) -> String {
        if self.count() == 0 {
            return String::new();
        }
        let plain = |text: &str| text.replace(['`', '*', '#', '\n'], " ");
        let mut lines = vec![format!(
            "### {}",
            lang.pick("当天的告警", "Alarms of the day")
        )];
        let mut list = |title: &str, alarms: &[Heard]| {
            lines.push(format!("- {}", plain(title)));
            lines.extend(alarms.iter().map(|a| {
                let (name, subject) = (plain(&a.name), plain(&a.subject));
                format!("  - {} {name} · {subject} ×{}", a.id, a.times)
            }));
        };
        for (incident, alarms) in &self.under {
            let title = report.incidents.iter().find(|i| i.id == *incident);
            let title = title.map_or("", |i| i.title.as_str());
            list(&format!("{incident} {title}"), alarms);
        }
        for (title, alarms) in [
            (
                lang.pick("策略有问题，没有意义", "policy is wrong, without meaning"),
                &self.meaningless,
            ),
            (
                lang.pick("日志里没有原因", "no cause in the logs"),
                &self.others,
            ),
        ] {
            if !alarms.is_empty() {
                list(title, alarms);
            }
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{alerts::Source, model::sample};

    #[tokio::test]
    async fn each_alarm_stands_under_what_explains_it_and_a_wrong_policy_under_nothing() {
        let dir = tempfile::tempdir().expect("dir");
        let store = Store::open(dir.path(), &"demo".parse().expect("alias")).expect("store");
        let (mut report, at_ms) = (sample::report(), sample::moment("2026-11-21T10:31:00").ms);
        let checkout = r#"{"alarmStatus":"1","alarmObjInfo":{"dimensions":{"namespace":"shop","workload_kind":"Deployment","workload_name":"checkout"}},
            "alarmPolicyInfo":{"policyId":"p-1","policyName":"副本不可用","conditions":{"metricName":"m","calcType":">","calcValue":"0","currentValue":"3"}},
            "firstOccurTime":"2026-11-21 10:30:00"}"#;
        let cluster =
            "集群ID cls-l9taan9w, CPU总配置 > 0核, 当前数值 3.859核, 触发时间 2026-11-21 10:30:00";
        let strange = checkout.replace("checkout", "stranger");
        let yesterday = checkout
            .replace("11-21", "11-20")
            .replace("p-1", "p-9")
            .replace(
                r#"10:30:00"}"#,
                r#"10:30:00","recoverTime":"2026-11-20 10:40:00"}"#,
            );
        for body in [checkout, cluster, &strange, &yesterday] {
            let kept = inbox::receive(&store, body.as_bytes(), Source::Tcop, at_ms).await;
            kept.expect("kept");
        }
        let range = report
            .date
            .range(&jiff::tz::TimeZone::get("Asia/Shanghai").expect("zone"));
        let day = DayAlarms::of(&store, &report, &range, Lang::Zh)
            .await
            .expect("day");
        DayAlarms::attach(&store, &mut report, &range)
            .await
            .expect("attached");
        let with_alarms = report.incidents.iter().filter(|i| !i.alerts.is_empty());
        let named: Vec<_> = with_alarms
            .map(|i| (i.id.as_str(), i.alerts.clone()))
            .collect();
        assert_eq!(named, [("i1", vec!["1".to_owned()])]);
        let [(incident, alarms)] = &day.under[..] else {
            panic!("{day:?}")
        };
        assert_eq!((incident.as_str(), alarms.len()), ("i1", 1));
        assert_eq!((day.meaningless.len(), day.others.len()), (1, 1));
        let told = ["i2".to_owned(), "i1".to_owned()];
        assert_eq!(
            day.sentence(&told, Lang::Zh).as_deref(),
            Some(
                "那天收到3条告警，1条说的是第二个问题，1条没有意义，像CPU总配置，是策略要改，1条在日志里没有原因。"
            )
        );
        assert!(crate::voice::is_speakable(
            &day.sentence(&told, Lang::En).expect("sentence")
        ));
        let page = day.page(&report, Lang::Zh);
        assert!(
            page.contains("- i1 ") && page.contains("stranger"),
            "{page}"
        );
        assert_eq!(DayAlarms::default().sentence(&told, Lang::Zh), None);
        // One that goes on over midnight is of both days.
        let late = strange
            .replace("p-1", "p-2")
            .replace("11-21 10:30:00", "11-20 23:50:00");
        let kept = inbox::receive(&store, late.as_bytes(), Source::Tcop, at_ms).await;
        kept.expect("kept");
        let day = DayAlarms::of(&store, &report, &range, Lang::Zh).await;
        assert_eq!(day.expect("day").others.len(), 2);
    }
}
