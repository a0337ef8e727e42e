//! The text of an alarm as WeChat shows it, pasted or spoken to us.
//!
//! `集群ID cls-l9taan9w, CPU总配置 > 0核, 当前数值 3.859核(CPU总配置), 地域 南京, 触发时间 2025-07-29 12:17:00, 告警级别 -, 恢复时间.`
//! Labels may be followed by a colon, parts divided by commas, semicolons or newlines, in full width or not.

use std::collections::BTreeMap;

use super::{
    alarm::{Alarm, Condition, Source, State},
    loose::{number, region, time, unit},
    tcop::{self, cluster_id},
};

const COMPARATORS: [&str; 8] = [">=", "<=", "≥", "≤", "!=", ">", "<", "="];

/// `None` when the text names neither a cluster nor a condition with a time.
pub(super) fn read(text: &str, received_ms: i64) -> Option<Alarm> {
    if text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let mut alarm = Alarm {
        text: text.trim().to_owned(),
        ..Alarm::blank(Source::Spoken, received_ms)
    };
    let mut condition: Option<Condition> = None;
    let mut dimensions = BTreeMap::new();
    let mut triggered = None;
    for part in text.split(['\n', ',', '\u{ff0c}', ';', '\u{ff1b}', '。']) {
        let part = part.trim().trim_end_matches('.');
        let after = |labels: &[&str]| {
            labels
                .iter()
                .find_map(|l| part.strip_prefix(l))
                .map(|rest| rest.trim_matches([' ', ':', '\u{ff1a}', '\t']).to_owned())
        };
        if let Some(value) = after(&["当前数值", "当前值", "current value"]) {
            condition.get_or_insert_with(Condition::default).value = number(&value);
        } else if let Some(value) = after(&["触发时间", "首次触发时间", "发生时间", "triggered at"])
        {
            triggered = time(&value).or(triggered);
        } else if let Some(value) = after(&["恢复时间", "recovered at"]) {
            alarm.recovered_ms = time(&value);
        } else if let Some(value) = after(&["地域", "region"]) {
            alarm.region = region(&value);
        } else if let Some(value) = after(&["告警级别", "级别", "level"]) {
            value.trim_matches('-').clone_into(&mut alarm.level);
        } else if let Some(value) = after(&["告警策略", "策略名称", "告警名称", "policy"])
        {
            alarm.policy = value;
        } else if let Some(compared) = compare(part) {
            let value = condition.take().and_then(|c| c.value);
            condition = Some(Condition { value, ..compared });
        } else if let Some(id) = cluster_id(part) {
            dimensions.insert("tke_cluster_instance_id".to_owned(), id);
        }
    }
    if dimensions.is_empty() && (condition.is_none() || triggered.is_none()) {
        return None;
    }
    if alarm.recovered_ms.is_some() {
        alarm.state = State::Recovered;
    }
    alarm.first_ms = triggered.unwrap_or(received_ms);
    alarm.name = condition
        .as_ref()
        .map_or_else(|| alarm.policy.clone(), |c| c.shown.clone());
    alarm.condition = condition;
    tcop::place(&mut alarm, dimensions);
    Some(alarm)
}

/// `CPU总配置 > 0核`.
pub(super) fn compare(part: &str) -> Option<Condition> {
    let (at, sign) = COMPARATORS
        .iter()
        .filter_map(|s| Some((part.find(s)?, *s)))
        .min_by_key(|(at, s)| (*at, usize::MAX - s.len()))?;
    let (left, right) = (part[..at].trim(), part[at + sign.len()..].trim());
    let threshold = number(right)?;
    let comparator = match sign {
        "≥" => ">=",
        "≤" => "<=",
        other => other,
    };
    (!left.is_empty()).then(|| Condition {
        metric: String::new(),
        shown: left
            .trim_start_matches(['条', '件', ':', '\u{ff1a}'])
            .trim()
            .to_owned(),
        comparator: comparator.to_owned(),
        threshold: Some(threshold),
        value: None,
        unit: unit(right),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The alarm of the mission, as it arrives.
    pub(in crate::alerts) const CLUSTER_ALARM: &str = "集群ID cls-l9taan9w, CPU总配置 > 0核, 当前数值 3.859核(CPU总配置), 地域 南京, 触发时间 2025-07-29 12:17:00, 告警级别 -, 恢复时间.";

    #[test]
    fn the_pasted_cluster_alarm_is_read() {
        let alarm = read(CLUSTER_ALARM, 7).expect("an alarm");
        assert_eq!(
            (
                alarm.cluster.as_str(),
                alarm.region.as_str(),
                alarm.level.as_str()
            ),
            ("cls-l9taan9w", "ap-nanjing", "")
        );
        assert_eq!(
            (alarm.first_ms, alarm.recovered_ms),
            (1_753_762_620_000, None)
        );
        let condition = alarm.condition.expect("condition");
        assert_eq!(
            (
                condition.shown.as_str(),
                condition.comparator.as_str(),
                condition.unit.as_str()
            ),
            ("CPU总配置", ">", "核")
        );
        assert_eq!(
            (condition.threshold, condition.value),
            (Some(0.0), Some(3.859))
        );
    }

    #[test]
    fn full_width_punctuation_divides_as_well() {
        let text = "集群ID\u{ff1a}cls-l9taan9w\u{ff0c}CPU利用率 > 80%\u{ff1b}当前数值\u{ff1a}93%\u{ff0c}触发时间\u{ff1a}2025-07-29 12:17:00";
        let alarm = read(text, 7).expect("an alarm");
        assert_eq!(alarm.cluster, "cls-l9taan9w");
        assert_eq!(alarm.first_ms, 1_753_762_620_000);
        let condition = alarm.condition.expect("condition");
        assert_eq!(
            (condition.threshold, condition.value),
            (Some(80.0), Some(93.0))
        );
    }

    #[test]
    fn small_talk_is_no_alarm() {
        for text in ["今天天气怎么样", "hello", "", "告警", "a > 3"] {
            assert_eq!(read(text, 7), None, "{text}");
        }
    }
}
