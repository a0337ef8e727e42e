//! What a key field means.
//!
//! In: the name of a field, or the class of a placeholder and the text around it. Out: a [`FieldRole`]. Goes by what loggers and people write
//! before a value, in English and Chinese; does not look at values.

use crate::{mining::mask::Class, model::shapes::FieldRole};

/// What a field of this name is, if its name says so.
#[must_use]
pub fn role_of_name(name: &str) -> Option<FieldRole> {
    let name = name
        .rsplit('.')
        .next()
        .unwrap_or(name)
        .to_ascii_lowercase()
        .replace(['-', '_'], "");
    let has = |words: &[&str]| words.iter().any(|w| name.contains(w));
    let is = |words: &[&str]| words.contains(&name.as_str());
    Some(
        if has(&[
            "trace",
            "span",
            "requestid",
            "reqid",
            "correlation",
            "流水号",
        ]) {
            FieldRole::TraceId
        } else if is(&[
            "status",
            "statuscode",
            "httpstatus",
            "httpcode",
            "responsecode",
        ]) {
            FieldRole::HttpStatus
        } else if is(&["code", "errcode", "errorcode", "errno", "retcode", "错误码"]) {
            FieldRole::ErrorCode
        } else if is(&["exception", "exceptionclass", "errortype", "exctype"]) {
            FieldRole::Exception
        } else if is(&["pod", "podname"]) {
            FieldRole::Pod
        } else if is(&["container", "containername"]) {
            FieldRole::Container
        } else if is(&["node", "nodename", "hostip"]) {
            FieldRole::Node
        } else if is(&[
            "service",
            "svc",
            "servicename",
            "app",
            "upstream",
            "peer",
            "下游",
        ]) {
            FieldRole::Service
        } else if has(&["cost", "duration", "elapsed", "latency", "took", "耗时"])
            || is(&["rt", "urt", "ms", "timems", "timeus", "costms"])
        {
            FieldRole::Duration
        } else if is(&["time", "ts", "timestamp", "t", "asctime", "date", "at"]) {
            FieldRole::Time
        } else if is(&[
            "host",
            "addr",
            "address",
            "remoteaddr",
            "endpoint",
            "url",
            "uri",
            "target",
            "server",
            "ua",
            "来源",
        ]) {
            FieldRole::Endpoint
        } else if has(&[
            "user", "order", "sku", "account", "customer", "用户", "订单", "批次",
        ]) || name.ends_with("id") && name.len() > 2
        {
            FieldRole::BusinessId
        } else {
            return None;
        },
    )
}

/// What a placeholder is, judged by its class and the text before and after it.
#[must_use]
pub fn role_of(class: Class, before: &str, after: &str) -> FieldRole {
    if let Some(role) = key_before(before).and_then(role_of_name) {
        return role;
    }
    match class {
        Class::Time => return FieldRole::Time,
        Class::Dur => return FieldRole::Duration,
        Class::IpPort | Class::Url | Class::Host => return FieldRole::Endpoint,
        Class::Pod => return FieldRole::Pod,
        _ => {}
    }
    if let Some(role) = role_of_word(word_before(before)) {
        return role;
    }
    match class {
        Class::Uuid | Class::Hex => FieldRole::TraceId,
        Class::Num
            if ["ms", "us", "s ", "s,", "毫秒", "秒"]
                .iter()
                .any(|unit| after.starts_with(unit)) =>
        {
            FieldRole::Duration
        }
        _ => FieldRole::Other,
    }
}

/// What follows a word in running text: `order <num> created`, `订单<num>创建成功`, `node <ip>`. Fewer words than names of fields say it, since
/// `at` or `app` stand before anything.
fn role_of_word(word: &str) -> Option<FieldRole> {
    let lower = word.to_ascii_lowercase();
    Some(match lower.as_str() {
        "pod" => FieldRole::Pod,
        "container" => FieldRole::Container,
        "node" => FieldRole::Node,
        "service" | "svc" => FieldRole::Service,
        "code" | "errno" | "errcode" => FieldRole::ErrorCode,
        "status" => FieldRole::HttpStatus,
        "trace" | "traceid" | "span" | "request" => FieldRole::TraceId,
        "order" | "user" | "account" | "customer" | "sku" | "u" => FieldRole::BusinessId,
        _ => {
            let ends = |words: &[&str]| words.iter().any(|w| word.ends_with(w));
            if ends(&["错误码", "返回码", "响应码"]) {
                FieldRole::ErrorCode
            } else if ends(&["状态码"]) {
                FieldRole::HttpStatus
            } else if ends(&["节点"]) {
                FieldRole::Node
            } else if ends(&["容器"]) {
                FieldRole::Container
            } else if ends(&["耗时", "用时"]) {
                FieldRole::Duration
            } else if ends(&["订单", "订单号", "用户", "批次", "账号", "商品", "单号"])
            {
                FieldRole::BusinessId
            } else {
                return None;
            }
        }
    })
}

/// The word right before a value, with at most a space or an opening bracket in between; empty when there is none.
fn word_before(before: &str) -> &str {
    let rest = before.trim_end_matches(['"', ' ', '\'', '[', '(', '#']);
    let start = rest
        .char_indices()
        .rev()
        .take_while(|(_, c)| c.is_alphanumeric() || *c == '_')
        .last()
        .map_or(rest.len(), |(at, _)| at);
    &rest[start..]
}

/// The name in `name=` or `name:` or `"name": ` right before a value.
#[must_use]
pub fn key_before(before: &str) -> Option<&str> {
    let rest = before.trim_end_matches(['"', ' ', '\'']);
    let rest = rest
        .strip_suffix(['=', ':'])
        .or_else(|| rest.strip_suffix('='))?
        .trim_end_matches(['"', '\'']);
    let start = rest
        .rfind(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.')))
        .map_or(0, |i| {
            i + rest[i..].chars().next().map_or(1, char::len_utf8)
        });
    let key = &rest[start..];
    (!key.is_empty() && key.len() <= 40 && !key.starts_with(|c: char| c.is_ascii_digit()))
        .then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_before_a_value_names_it() {
        for (before, key) in [
            ("order created, user=u", None),
            ("cost=", Some("cost")),
            ("\"status\": ", Some("status")),
            ("完成, 耗时=", Some("耗时")),
            ("took ", None),
        ] {
            assert_eq!(key_before(before), key, "{before}");
        }
        assert_eq!(role_of(Class::Num, "耗时=", "毫秒"), FieldRole::Duration);
        assert_eq!(role_of(Class::Hex, "traceId=", " -"), FieldRole::TraceId);
        for (class, before, role) in [
            (Class::Dur, "refreshed in ", FieldRole::Duration),
            (Class::Host, "lookup ", FieldRole::Endpoint),
            (Class::Num, "批次结束, 订单", FieldRole::BusinessId),
            (Class::Num, "order #", FieldRole::BusinessId),
            (Class::Ip, "evicted from node ", FieldRole::Node),
            (Class::Num, "exited with code ", FieldRole::ErrorCode),
            (Class::Hex, "killed container ", FieldRole::Container),
            (Class::Num, "took part in ", FieldRole::Other),
        ] {
            assert_eq!(role_of(class, before, ""), role, "{before}");
        }
        assert_eq!(
            role_of_name("http.status_code"),
            Some(FieldRole::HttpStatus)
        );
    }
}
