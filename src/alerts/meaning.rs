//! What an alarm's condition means, before any log is read - which may be that the policy is wrong.
//!
//! In: an [`Alarm`]. Out: a [`Meaning`]. Always true: only the condition itself is judged; whether something is broken is for the
//! logs to say.

use super::alarm::{Alarm, Broken, Condition, Source};
use crate::model::Lang;

/// What a condition amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// It holds whatever happens: `> 0` of something that is never negative.
    AlwaysTrue,
    /// The metric is a size that was bought or configured, not a load.
    Capacity,
    /// A load or a count crossed a limit.
    Load,
    /// An event happened.
    Event,
    /// The form was not understood.
    Unknown,
}

/// What can be bought or configured. A size of anything else - `http_requests_total` - is a count of what happened.
const RESOURCES: [&str; 11] = [
    "cpu", "内存", "memory", "mem", "gpu", "节点", "node", "磁盘", "disk", "存储", "storage",
];
/// Words in metric names that mean "how much there is", not "how much is used".
const SIZES: [&str; 9] = [
    "总配置",
    "总量",
    "总核数",
    "总容量",
    "规格",
    "配额",
    "capacity",
    "allocatable",
    "quota",
];
/// Words that make it a use after all, or a count of what happened.
const USE: [&str; 23] = [
    "使用", "利用", "占用", "率", "已用", "剩余", "可用", "空闲", "重启", "错误", "失败", "请求",
    "次数", "usage", "used", "rate", "util", "avail", "free", "restart", "error", "fail",
    "request",
];

/// Judges the condition alone.
#[must_use]
pub fn meaning(alarm: &Alarm) -> Meaning {
    let Some(condition) = &alarm.condition else {
        return if alarm.event.is_empty() {
            Meaning::Unknown
        } else {
            Meaning::Event
        };
    };
    if is_capacity(condition) {
        Meaning::Capacity
    } else if is_always_true(condition) {
        Meaning::AlwaysTrue
    } else {
        Meaning::Load
    }
}

/// Whether the condition cannot fail to hold: metrics are never negative, shares never exceed a hundred.
fn is_always_true(condition: &Condition) -> bool {
    let Some(threshold) = condition.threshold else {
        return false;
    };
    let share = condition.unit == "%";
    match condition.comparator.as_str() {
        ">" => threshold < 0.0,
        ">=" => threshold <= 0.0,
        "<" => share && threshold > 100.0,
        "<=" => share && threshold >= 100.0,
        _ => false,
    }
}

fn is_capacity(condition: &Condition) -> bool {
    let names = format!("{} {}", condition.shown, condition.metric).to_lowercase();
    let names_one_of = |words: &[&str]| words.iter().any(|w| names.contains(w));
    names_one_of(&RESOURCES) && names_one_of(&SIZES) && !names_one_of(&USE)
}

/// What the alarm says, in a sentence without an end mark.
#[must_use]
pub fn in_words(alarm: &Alarm, lang: Lang) -> String {
    let subject = alarm.subject();
    let Some(condition) = &alarm.condition else {
        if alarm.event.is_empty() {
            return without_condition(alarm, &subject, lang);
        }
        let event = if alarm.text.is_empty() || alarm.text == subject {
            &alarm.event
        } else {
            &alarm.text
        };
        return lang.pick(
            format!("{subject}发生了{event}"),
            format!("{event} of {subject}"),
        );
    };
    let value = |v: f64| format!("{v}{}", condition.unit);
    let now = condition.value.map(value).unwrap_or_default();
    let crossed = condition
        .threshold
        .map(|_| limit(condition, lang))
        .unwrap_or_default();
    match (now.is_empty(), crossed.is_empty()) {
        (false, false) => lang.pick(
            format!("{subject}的{}是{now},告警条件是{crossed}", condition.shown),
            format!(
                "{} of {subject} is {now}, the condition is {crossed}",
                condition.shown
            ),
        ),
        (false, true) => lang.pick(
            format!("{subject}的{}是{now}", condition.shown),
            format!("{} of {subject} is {now}", condition.shown),
        ),
        _ => lang.pick(
            format!("{subject}的{}{crossed}", condition.shown),
            format!("{} of {subject} {crossed}", condition.shown),
        ),
    }
}

/// What there is to say where nothing was compared: the sender's own sentence.
fn without_condition(alarm: &Alarm, subject: &str, lang: Lang) -> String {
    let text: String = alarm.text.chars().take(80).collect();
    match (alarm.source, alarm.broken) {
        (_, Some(Broken::TooLong)) => lang.pick(
            format!("来了一条太长的告警,只留下了开头,{text}"),
            format!("an alarm was too long, only its beginning was kept, {text}"),
        ),
        (_, Some(Broken::TooSlow)) => lang.pick(
            format!("来了一条没有传完的告警,收到的是{text}"),
            format!("an alarm never came to its end, what came is {text}"),
        ),
        (Source::Unknown, None) => lang.pick(
            format!("这条告警的格式没有完全看懂,原文是{text}"),
            format!("its form was not fully understood, it says {text}"),
        ),
        (_, None) if text.is_empty() || text == subject => subject.to_owned(),
        (_, None) => lang.pick(format!("{subject}：{text}"), format!("{subject}: {text}")),
    }
}

/// `大于90%`, `above 90 %`.
fn limit(condition: &Condition, lang: Lang) -> String {
    let threshold = condition
        .threshold
        .map(|t| t.to_string())
        .unwrap_or_default();
    let sign = match (condition.comparator.as_str(), lang) {
        (">", Lang::Zh) => "大于",
        (">=", Lang::Zh) => "大于等于",
        ("<", Lang::Zh) => "小于",
        ("<=", Lang::Zh) => "小于等于",
        ("!=", Lang::Zh) => "不等于",
        (_, Lang::Zh) => "等于",
        (">", Lang::En) => "above",
        (">=", Lang::En) => "at least",
        ("<", Lang::En) => "below",
        ("<=", Lang::En) => "at most",
        ("!=", Lang::En) => "not equal to",
        (_, Lang::En) => "equal to",
    };
    lang.pick(
        format!("{sign}{threshold}{}", condition.unit),
        format!("{sign} {threshold} {}", condition.unit)
            .trim_end()
            .to_owned(),
    )
}

/// What is wrong with the policy, in a sentence to be told; `None` when nothing is.
#[must_use]
pub fn policy_problem(alarm: &Alarm, lang: Lang) -> Option<String> {
    let condition = alarm.condition.as_ref()?;
    match (meaning(alarm), lang) {
        (Meaning::Capacity, Lang::Zh) => Some(format!(
            "{}是集群有多少资源,不是用了多少,条件{}几乎永远成立,是告警策略配错了,不说明集群忙,应改用利用率类的指标",
            condition.shown,
            limit(condition, lang)
        )),
        (Meaning::Capacity, Lang::En) => Some(format!(
            "{} says how much there is, not how much is used; being {} is practically always true, so the alarm policy is wrong and says nothing about load. Use a utilisation metric instead, such as CPU utilisation above 80 percent",
            condition.shown,
            limit(condition, lang)
        )),
        (Meaning::AlwaysTrue, Lang::Zh) => Some(format!(
            "{}{}这个条件永远成立,告警策略需要改一个有意义的阈值",
            condition.shown,
            limit(condition, lang)
        )),
        (Meaning::AlwaysTrue, Lang::En) => Some(format!(
            "{} {} always holds; the alarm policy needs a threshold that means something",
            condition.shown,
            limit(condition, lang)
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Alarm {
        crate::alerts::read(text.as_bytes(), 0)
    }

    #[test]
    fn the_cluster_alarm_of_the_mission_is_a_wrong_policy() {
        let alarm = of(
            "集群ID cls-l9taan9w, CPU总配置 > 0核, 当前数值 3.859核(CPU总配置), 地域 南京, 触发时间 2025-07-29 12:17:00, 告警级别 -, 恢复时间.",
        );
        assert_eq!(meaning(&alarm), Meaning::Capacity);
        assert!(policy_problem(&alarm, Lang::Zh).is_some_and(|s| s.contains("告警策略配错了")));
    }

    #[test]
    fn a_use_is_judged_by_its_threshold() {
        for (text, expected) in [
            (
                "集群ID cls-l9taan9w, CPU利用率 > 80%, 当前数值 93%",
                Meaning::Load,
            ),
            (
                "集群ID cls-l9taan9w, CPU利用率 >= 0%, 当前数值 93%",
                Meaning::AlwaysTrue,
            ),
            (
                "集群ID cls-l9taan9w, 内存总量 < 16GB, 当前数值 8GB",
                Meaning::Capacity,
            ),
            (
                "集群ID cls-l9taan9w, Pod 重启次数 > 0次, 当前数值 3次",
                Meaning::Load,
            ),
            (
                "集群ID cls-l9taan9w, 磁盘可用容量 < 5GB, 当前数值 0.3GB",
                Meaning::Load,
            ),
            (
                "集群ID cls-l9taan9w, 节点内存 capacity > 0, 当前数值 3",
                Meaning::Capacity,
            ),
        ] {
            assert_eq!(meaning(&of(text)), expected, "{text}");
        }
    }

    #[test]
    fn a_counter_that_ends_in_total_is_a_count_of_what_happened() {
        for (metric, shown, comparator, threshold) in [
            ("K8sPodRestartTotal", "Pod 重启次数", ">", "5"),
            ("http_5xx_total", "5xx错误总数", ">", "100"),
            ("DiskAvail", "磁盘可用容量", "<", "5"),
            ("QueueLength", "队列总数", ">", "1000"),
        ] {
            let body = serde_json::json!({"alarmStatus": "1", "alarmObjInfo": {}, "alarmPolicyInfo": {"policyName": "p", "conditions":
                {"metricName": metric, "metricShowName": shown, "calcType": comparator, "calcValue": threshold, "currentValue": "7"}}});
            assert_eq!(meaning(&of(&body.to_string())), Meaning::Load, "{metric}");
        }
    }
}
