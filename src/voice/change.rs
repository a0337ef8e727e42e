//! A change told: who, what object, which field, from what to what.
//!
//! In: parts of a [`ChangeNote`]. Out: clauses without an end mark, speakable. Names lose only what machines need: the domain of a mail address, the path
//! of an image, the middle of an account number. Commands and full values are for a screen.

use serde_json::Value;

use crate::model::{
    Lang, ObjectRef,
    report::{ActorKind, ChangeNote, Incident},
};

use super::{
    ask::Ask,
    phrase::relative_time,
    speak::{clean, clip},
};

/// Who made a change, without the parts of a name that only machines need.
pub(super) fn actor(change: &ChangeNote, lang: Lang) -> String {
    let user = change.user.as_str();
    let name = match user.strip_prefix("system:serviceaccount:") {
        Some(account) => account.rsplit(':').next().unwrap_or(account),
        None => user.strip_prefix("system:").unwrap_or(user),
    };
    let name = name.split('@').next().unwrap_or(name);
    let all_digits = !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit());
    let name = clean(name, lang);
    let name = if name.is_empty() {
        lang.pick("某人", "somebody").to_owned()
    } else {
        name
    };
    match change.actor {
        ActorKind::Human if all_digits => {
            lang.pick(format!("账号{name}"), format!("account {name}"))
        }
        ActorKind::Human => name,
        ActorKind::Pipeline => lang.pick(format!("流水线{name}"), format!("pipeline {name}")),
        ActorKind::Controller | ActorKind::Node => {
            lang.pick(format!("系统组件{name}"), format!("component {name}"))
        }
    }
}

/// Who changed what, when, from what to what; the first difference only.
pub(super) fn change_said(change: &ChangeNote, ask: &Ask, with_time: bool) -> String {
    let lang = ask.lang;
    let who = actor(change, lang);
    let object = object(&change.object, lang);
    let when = if with_time {
        relative_time(change.at, ask.now, lang) + lang.pick("", ", ")
    } else {
        String::new()
    };
    let what = match (change.diff.first(), change.verb.as_str()) {
        (_, "create") => lang.pick(format!("创建了{object}"), format!("created {object}")),
        (_, "delete" | "deletecollection") => {
            lang.pick(format!("删除了{object}"), format!("deleted {object}"))
        }
        (Some(d), _) if !d.old.is_null() && !d.new.is_null() => lang.pick(
            format!(
                "把{object}的{}从{}改成{}",
                field(&d.path, lang),
                value_of(&d.path, &d.old, lang),
                value_of(&d.path, &d.new, lang)
            ),
            format!(
                "changed {} of {object} from {} to {}",
                field(&d.path, lang),
                value_of(&d.path, &d.old, lang),
                value_of(&d.path, &d.new, lang)
            ),
        ),
        (Some(d), _) if d.old.is_null() && change.before_unseen => lang.pick(
            format!(
                "把{object}的{}改成{}，原来是什么没有记录",
                field(&d.path, lang),
                value_of(&d.path, &d.new, lang)
            ),
            format!(
                "changed {} of {object} to {}, what it was before is not on record",
                field(&d.path, lang),
                value_of(&d.path, &d.new, lang)
            ),
        ),
        (Some(d), _) if d.old.is_null() => lang.pick(
            format!("给{object}加上了{}", field(&d.path, lang)),
            format!("added {} to {object}", field(&d.path, lang)),
        ),
        (Some(d), _) => lang.pick(
            format!("去掉了{object}的{}", field(&d.path, lang)),
            format!("removed {} from {object}", field(&d.path, lang)),
        ),
        (None, _) => lang.pick(format!("改动了{object}"), format!("changed {object}")),
    };
    lang.pick(format!("{when}{who}{what}"), format!("{when}{who} {what}"))
}

/// The name of an object; its kind only where the name alone would be a riddle.
pub(super) fn object(object: &ObjectRef, lang: Lang) -> String {
    let name = clean(&object.name, lang);
    let kind = match object.kind.as_str() {
        "Node" => lang.pick("节点", "node "),
        "ConfigMap" => lang.pick("配置", "config "),
        "Secret" => lang.pick("密钥", "secret "),
        "Service" => lang.pick("服务", "service "),
        "PersistentVolumeClaim" => lang.pick("存储卷", "volume claim "),
        "NetworkPolicy" => lang.pick("网络策略", "network policy "),
        "ResourceQuota" => lang.pick("配额", "quota "),
        "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding" => {
            lang.pick("权限", "permission ")
        }
        "HorizontalPodAutoscaler" => lang.pick("自动扩缩容", "autoscaler "),
        _ => "",
    };
    let name = if name.is_empty() {
        lang.pick("某个对象", "some object").to_owned()
    } else {
        name
    };
    format!("{kind}{}", clip(&name, 40))
}

/// Kinds of objects in a sentence as they are said: `Deployment billing` is billing, `PersistentVolumeClaim data` a volume.
pub(super) fn spoken_kinds(text: &str, lang: Lang) -> String {
    const KINDS: [(&str, &str); 12] = [
        ("PersistentVolumeClaim ", "存储卷"),
        ("HorizontalPodAutoscaler ", "自动扩缩容"),
        ("NetworkPolicy ", "网络策略"),
        ("ResourceQuota ", "配额"),
        ("StatefulSet ", ""),
        ("Deployment ", ""),
        ("ReplicaSet ", ""),
        ("DaemonSet ", ""),
        ("ConfigMap ", "配置"),
        ("Service ", "服务"),
        ("Secret ", "密钥"),
        ("Node ", "节点"),
    ];
    if lang == Lang::En {
        return text.to_owned();
    }
    let mut said = text.to_owned();
    for (kind, spoken) in KINDS {
        said = said.replace(kind, spoken);
    }
    said
}

/// The last meaning part of a JSON pointer.
pub(super) fn field(path: &str, lang: Lang) -> String {
    let parts: Vec<String> = path
        .split('/')
        .filter(|p| !p.is_empty() && !p.bytes().all(|b| b.is_ascii_digit()))
        .map(|p| p.replace("~1", "/").replace("~0", "~"))
        .collect();
    let last = parts.last().map_or("", String::as_str);
    let before = parts.len().checked_sub(2).map_or("", |i| parts[i].as_str());
    let known = match (before, last) {
        (_, "image") => lang.pick("镜像", "the image"),
        (_, "replicas") => lang.pick("副本数", "the replicas"),
        ("limits", "memory") => lang.pick("内存上限", "the memory limit"),
        ("limits", "cpu") => lang.pick("CPU上限", "the CPU limit"),
        ("requests", "memory") => lang.pick("内存申请量", "the memory request"),
        ("requests", "cpu") => lang.pick("CPU申请量", "the CPU request"),
        (_, "storageClassName") => lang.pick("存储类", "the storage class"),
        (_, "nodeSelector") => lang.pick("节点选择条件", "the node selector"),
        (_, "taints") => lang.pick("污点", "the taints"),
        ("httpGet", "path") => lang.pick("探针路径", "the probe path"),
        (_, "timeoutSeconds") => lang.pick("探针超时", "the probe timeout"),
        (_, "tolerations") => lang.pick("污点容忍", "the tolerations"),
        (_, "unschedulable") => lang.pick("可调度开关", "the schedulable switch"),
        (_, "port" | "targetPort" | "containerPort") => lang.pick("端口", "the port"),
        (_, "livenessProbe") => lang.pick("存活探针", "the liveness probe"),
        (_, "readinessProbe") => lang.pick("就绪探针", "the readiness probe"),
        (_, "initialDelaySeconds") => lang.pick("探针等待时间", "the probe delay"),
        (_, "schedule") => lang.pick("定时规则", "the schedule"),
        ("selector", _) => lang.pick("选择标签", "the selector"),
        (_, "value") => lang.pick("环境变量", "an environment variable"),
        _ => "",
    };
    if !known.is_empty() {
        return known.to_owned();
    }
    match clean(last, lang) {
        name if name.is_empty() => lang.pick("设置", "a setting").to_owned(),
        name => lang.pick(
            clip(&name, 24).to_owned(),
            format!("setting {}", clip(&name, 24)),
        ),
    }
}

/// A plan without the clock of the change: it has just been told, rounded for the ear.
pub(super) fn this_change(plan: &str, incident: &Incident, lang: Lang) -> String {
    let Some(change) = &incident.change else {
        return plan.to_owned();
    };
    let at = change.at.hour_minute();
    match lang {
        Lang::Zh => {
            let plan = plan.replace(&format!("到 {at} 改动之前"), "到这次改动之前");
            plan.replace(&format!("{at} 之后"), "这次改动之后")
        }
        Lang::En => {
            let plan = plan.replace(
                &format!("back to before {at}"),
                "back to before this change",
            );
            plan.replace(&format!("since {at}"), "since this change")
        }
    }
}

/// An amount of CPU or memory as people say it: 0.5核 of `500m`, 512兆 of `512Mi`. `None`: the field is none of them.
fn amount(path: &str, value: &Value, lang: Lang) -> Option<String> {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let (number, unit) = (digits.parse::<f64>().ok()?, &text[digits.len()..]);
    let is_cpu = path.ends_with("cpu");
    match (is_cpu, path.ends_with("memory"), unit) {
        (true, _, "" | "m") => {
            let cores = if unit == "m" { number / 1000.0 } else { number };
            let core = if cores <= 1.0 { "core" } else { "cores" };
            Some(lang.pick(format!("{cores}核"), format!("{cores} {core}")))
        }
        (_, true, "Mi" | "M") => {
            Some(lang.pick(format!("{number}兆"), format!("{number} megabytes")))
        }
        (_, true, "Gi" | "G") => {
            Some(lang.pick(format!("{number}G"), format!("{number} gigabytes")))
        }
        _ => None,
    }
}

/// A value of a field before or after a change.
fn value_of(path: &str, value: &Value, lang: Lang) -> String {
    amount(path, value, lang).unwrap_or_else(|| self::value(value, lang))
}

/// A value before or after a change, as short as the ear wants it: of an image only the tag.
pub(super) fn value(value: &Value, lang: Lang) -> String {
    let text = match value {
        Value::String(s) => s.clone(),
        Value::Null => return lang.pick("空", "nothing").to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(list) if list.is_empty() => return lang.pick("空", "nothing").to_owned(),
        Value::Array(list) if list.len() == 1 && !list[0].is_array() => {
            return self::value(&list[0], lang);
        }
        Value::Array(list) => {
            return lang.pick(format!("{}项", list.len()), format!("{} items", list.len()));
        }
        // A label, a taint, a variable: its two words say enough.
        Value::Object(map) if map.contains_key("key") && map.contains_key("value") => {
            let word = |name: &str| map[name].as_str().unwrap_or_default().to_owned();
            format!("{} {}", word("key"), word("value"))
        }
        Value::Object(map) => {
            let said: Vec<_> = map
                .iter()
                .take(2)
                .map(|(k, v)| match v {
                    Value::String(s) => format!("{k} {s}"),
                    other => format!("{k} {other}"),
                })
                .collect();
            said.join("，")
        }
    };
    // A path is all of its parts, where of an image only the tag matters.
    let text = match text.strip_prefix('/') {
        Some(path) => path.replace('/', " "),
        None => text,
    };
    let last = text.rsplit('/').next().unwrap_or(&text);
    let short = match last.rsplit_once(':') {
        Some((_, tag)) if text.contains('/') && !tag.is_empty() && !text.contains("://") => tag,
        _ => &text,
    };
    match clean(short, lang) {
        said if said.is_empty() => lang.pick("空", "nothing").to_owned(),
        said => clip(&said, 40).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_fields_are_said_as_people_say_them() {
        assert_eq!(
            value(
                &serde_json::json!("ccr.ccs.tencentyun.com/shop/checkout:v2.4.1"),
                Lang::Zh
            ),
            "v2.4.1"
        );
        let cpu = "/spec/template/spec/containers/0/resources/requests/cpu";
        for (path, text, zh) in [
            (cpu, "500m", "0.5核"),
            (cpu, "12", "12核"),
            ("/spec/hard/requests.memory", "512Mi", "512兆"),
            ("/resources/limits/memory", "2Gi", "2G"),
            ("/spec/schedule", "12", "12"),
        ] {
            assert_eq!(value_of(path, &text.into(), Lang::Zh), zh, "{path}");
        }
        assert_eq!(value(&serde_json::json!(["a", "b"]), Lang::Zh), "2项");
        assert_eq!(
            value(&serde_json::json!("/health/deep"), Lang::Zh),
            "health deep"
        );
        let taint =
            serde_json::json!([{"key": "dedicated", "value": "gpu", "effect": "NoExecute"}]);
        assert_eq!(value(&taint, Lang::Zh), "dedicated gpu");
        assert_eq!(
            field(
                "/spec/template/spec/containers/0/resources/limits/memory",
                Lang::Zh
            ),
            "内存上限"
        );
        assert_eq!(
            field("/metadata/labels/app.kubernetes.io~1name", Lang::Zh),
            "name"
        );
    }
}
