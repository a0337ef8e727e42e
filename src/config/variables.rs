//! Every variable of the environment, with its default and a sentence: the one list that code, `.env.example` and `gengfu init` share.
//!
//! Always true: a name that is not in this list is never read (`Reader` refuses it in tests), and `.env.example` is this list printed.

use std::collections::BTreeMap;

/// One variable. An empty default means: off, or taken from something else as `about` says.
#[derive(Debug, Clone, Copy)]
pub struct Variable {
    pub name: &'static str,
    pub default: &'static str,
    pub about: &'static str,
}

const fn v(name: &'static str, default: &'static str, about: &'static str) -> Variable {
    Variable {
        name,
        default,
        about,
    }
}

/// The variables by section, in the order of `.env.example`.
pub const SECTIONS: [(&str, &[Variable]); 6] = [
    (
        "The key of the Tencent Cloud account whose logs are read",
        KEY,
    ),
    ("Where the logs are", LOGS),
    ("Running", RUNNING),
    ("Serving", SERVING),
    ("The robot and the chat that are told", TELLING),
    ("Models", MODELS),
];

/// Of what is set, what says where logs are; nothing secret is among it.
pub(super) fn of_places(vars: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let names = LOGS.iter().map(|v| v.name);
    let names = names.chain(["TENCENTCLOUD_REGION", "GENGFU_TIMEZONE"]);
    let set = names.filter_map(|name| Some((name.to_owned(), vars.get(name)?.clone())));
    set.collect()
}

const KEY: &[Variable] = &[
    v(
        "TENCENTCLOUD_SECRET_ID",
        "",
        "SecretId of a sub-account that may only read (see README, CAM policy).",
    ),
    v("TENCENTCLOUD_SECRET_KEY", "", "SecretKey of the same pair."),
    v("TENCENTCLOUD_TOKEN", "", "Only for temporary (STS) keys."),
    v(
        "TENCENTCLOUD_REGION",
        "",
        "Where cluster, topics and bucket are, e.g. ap-nanjing.",
    ),
    v(
        "GENGFU_ENV_FILE",
        "./.env",
        "The file that voiceprint recognition rewrites; read by path, it wins over the process environment.",
    ),
    v(
        "GENGFU_ENV_ID_NAMES",
        "",
        "Other names the SecretId may have in that file (comma list).",
    ),
    v(
        "GENGFU_ENV_KEY_NAMES",
        "",
        "Other names the SecretKey may have in that file (comma list).",
    ),
    v(
        "GENGFU_OWNER",
        "",
        "Whose a temporary (STS) key is, beside it in .env: an alias. Its id changes with each renewal; without this line each is a new owner.",
    ),
];

const LOGS: &[Variable] = &[
    v(
        "GENGFU_BUCKET",
        "",
        "cos://<bucket-appid>, or file:///absolute/dir for a local copy.",
    ),
    v(
        "GENGFU_COS_ENDPOINT",
        "",
        "Default: https://cos.<region>.myqcloud.com",
    ),
    v(
        "GENGFU_CLS_ENDPOINT",
        "",
        "Default: https://cls.tencentcloudapi.com",
    ),
    v(
        "GENGFU_TKE_ENDPOINT",
        "",
        "Default: https://tke.tencentcloudapi.com",
    ),
    v(
        "GENGFU_MONITOR_ENDPOINT",
        "",
        "Default: https://monitor.tencentcloudapi.com",
    ),
    v(
        "GENGFU_CLUSTERS",
        "",
        "Cluster ids, e.g. cls-7a1b2c3d (comma list). With several, each is judged by itself and every object says where it lives.",
    ),
    v(
        "GENGFU_BUSINESS_TOPIC",
        "",
        "CLS topic ids of the business logs (comma list); `init` finds them. What is not shipped yet is asked of them. id;cluster=cls-... where each cluster has its own.",
    ),
    v("GENGFU_EVENT_TOPIC", "", "CLS topic ids of the event logs."),
    v("GENGFU_AUDIT_TOPIC", "", "CLS topic ids of the audit logs."),
    v(
        "GENGFU_BUSINESS_PREFIX",
        "business/",
        "Prefixes in the bucket, or cos://other-bucket/prefix (comma list). prefix;cluster=cls-... says whose it is, prefix;partition=%Y%m%d/ a directory format of its own.",
    ),
    v(
        "GENGFU_EVENT_PREFIX",
        "event/",
        "The same for the event logs.",
    ),
    v(
        "GENGFU_AUDIT_PREFIX",
        "audit/",
        "The same for the audit logs.",
    ),
    v(
        "GENGFU_PARTITION",
        "%Y/%m/%d/%H/",
        "The shipping task's directory format (strftime); / when it has none.",
    ),
    v(
        "GENGFU_PARTITION_TIMEZONE",
        "",
        "The shipping task's time zone; default: GENGFU_TIMEZONE.",
    ),
    v(
        "GENGFU_SPILL_HOURS",
        "2",
        "How many hours of the next day's directories are searched for late objects.",
    ),
    v(
        "GENGFU_BASELINE_DAYS",
        "7",
        "How many earlier days a day is compared with (0 to 60).",
    ),
];

const RUNNING: &[Variable] = &[
    v(
        "GENGFU_DATA_DIR",
        "./data",
        "Databases and analysis_results/.",
    ),
    v(
        "GENGFU_PUBLISH_DIR",
        "",
        "Mirror of the active owner's two files as <date>/llm_summary.txt, for older readers. When the owner changes, the former one's files go.",
    ),
    v(
        "GENGFU_RUN_AT",
        "01:00",
        "When yesterday is analysed, in GENGFU_TIMEZONE. After a longer stop the newest missed day comes first, then up to seven before it.",
    ),
    v(
        "GENGFU_BROADCAST_AT",
        "",
        "When the robot begins to tell by itself, e.g. 10:00; empty: only when asked or woken.",
    ),
    v("GENGFU_TIMEZONE", "Asia/Shanghai", "Decides what a day is."),
    v("GENGFU_LANG", "zh", "Language of what is told: zh or en."),
    v("GENGFU_RETENTION_DAYS", "30", "Days kept on disk."),
    v(
        "GENGFU_RETENTION_MB",
        "",
        "Megabytes that an owner's days may take on disk: the oldest go first, the newest two and all reports stay. Empty: no limit.",
    ),
    v(
        "GENGFU_MASTER_KEY",
        "",
        "64 hex digits that encrypt the owners' keys. Better: the next one.",
    ),
    v(
        "GENGFU_MASTER_KEY_FILE",
        "",
        "File with these 64 hex digits; default: <data dir>/master.key, made on first use.",
    ),
    v(
        "GENGFU_OWNERS_COMMAND",
        "",
        "A command that prints owners as CSV, for `gengfu owner import`.",
    ),
    v(
        "GENGFU_LOG",
        "info,rmcp=warn",
        "What is logged to stderr (tracing's filter syntax).",
    ),
];

const SERVING: &[Variable] = &[
    v(
        "GENGFU_BIND",
        "127.0.0.1:8765",
        "Address of MCP, webhooks and the status page.",
    ),
    v(
        "GENGFU_PUBLIC_URL",
        "",
        "How others reach this server, e.g. https://logs.example.com; answered to once there is a token, and used by `connect` and `doctor`.",
    ),
    v(
        "GENGFU_TOKENS",
        "",
        "Bearer tokens, required off loopback: TOKEN[;name=N][;owner=A|B][;detail=brief|normal|full][;rate=N a minute], comma list. Or `gengfu token add`.",
    ),
    v(
        "GENGFU_ALLOWED_HOSTS",
        "",
        "Host names (with port, if any) that requests may carry, beside the loopback ones and that of GENGFU_PUBLIC_URL (comma list).",
    ),
    v(
        "GENGFU_ALLOWED_ORIGINS",
        "",
        "Web pages that may call /mcp from a browser, e.g. http://localhost:6274 (comma list).",
    ),
    v(
        "GENGFU_ALERT_SECRET",
        "",
        "Last part of the alarm webhook's path: SECRET[;owner=A][;sign=KEY], comma list, one per owner. sign: CLS alarms must be signed with it.",
    ),
    v(
        "GENGFU_ALARM_POLL",
        "auto",
        "Whether the history of Cloud Monitor's alarms is fetched each minute. auto: where GENGFU_PUBLIC_URL is empty; on, off.",
    ),
    v(
        "GENGFU_ALARM_TOPIC",
        "",
        "CLS topics that Cloud Monitor pushes alarms into, fetched each minute: id[;owner=A], comma list.",
    ),
];

const TELLING: &[Variable] = &[
    v(
        "GENGFU_XIAOZHI_ENDPOINTS",
        "",
        "MCP endpoints to dial out to: wss://...?token=...[;name=N][;owner=A], comma list.",
    ),
    v(
        "GENGFU_GATEWAY_URL",
        "",
        "MQTT gateway that can wake a robot, e.g. http://gateway:8007",
    ),
    v(
        "GENGFU_GATEWAY_KEY",
        "",
        "The gateway's MQTT_SIGNATURE_KEY.",
    ),
    v(
        "GENGFU_DEVICES",
        "",
        "Robots to wake: MAC or client id[;name=N][;owner=A], comma list.",
    ),
    v(
        "GENGFU_QUIET_HOURS",
        "22:00-08:00",
        "When no robot is woken by an alarm; chat messages still go out. off: never quiet.",
    ),
    v(
        "GENGFU_CHAT_WEBHOOK",
        "",
        "WeCom, DingTalk or Feishu robot for commands and alarms: URL[;secret=S][;owner=A], comma list.",
    ),
];

const MODELS: &[Variable] = &[
    v(
        "GENGFU_LLM_MODEL",
        "",
        "With namespace: deepseek::deepseek-chat, aliyun::qwen-plus, ollama::qwen3; empty: no model, the report is made by rules.",
    ),
    v("GENGFU_LLM_ENDPOINT", "", "Any OpenAI-compatible base URL."),
    v("GENGFU_LLM_KEY", "", "Key of the model's provider."),
    v(
        "GENGFU_LLM_BUDGET_S",
        "120",
        "The model never lengthens a round by more than this many seconds.",
    ),
    v(
        "GENGFU_LLM_BUDGET_TOKENS",
        "200000",
        "Nor costs more tokens than this a round.",
    ),
    v(
        "GENGFU_LLM_PRICE",
        "",
        "What a million tokens cost, in and out, for the report: 2/8 CNY.",
    ),
    v(
        "GENGFU_LLM_PRIVATE",
        "0",
        "1: the model is our own, identifiers need not be masked.",
    ),
    v(
        "GENGFU_EMBED_MODEL",
        "",
        "Empty: the built-in offline embedder.",
    ),
    v(
        "GENGFU_EMBED_ENDPOINT",
        "",
        "OpenAI-compatible base URL of the embedder.",
    ),
    v("GENGFU_EMBED_KEY", "", "Key of the embedder's provider."),
];

/// The variable of this name.
pub fn find(name: &str) -> Option<&'static Variable> {
    all().find(|v| v.name == name)
}

pub fn all() -> impl Iterator<Item = &'static Variable> {
    SECTIONS.iter().flat_map(|(_, variables)| variables.iter())
}

/// A `.env` file with every variable: those in `chosen` set, the others commented out with their defaults.
pub fn render(chosen: &[(&str, String)]) -> String {
    let mut lines = vec![
        "# Settings of gengfu. A line without `#` in front counts; values with spaces, `#` or `$` go into single quotes."
            .to_owned(),
    ];
    for (title, variables) in SECTIONS {
        lines.push(format!("\n# ---- {title}"));
        for v in variables {
            lines.push(format!("# {}", v.about));
            lines.push(match chosen.iter().find(|(name, _)| *name == v.name) {
                Some((_, value)) => format!("{}={}", v.name, quoted(value)),
                None => format!("#{}={}", v.name, v.default),
            });
        }
    }
    lines.join("\n") + "\n"
}

/// Single quotes keep a value as it is; a value that holds one itself goes into double quotes with its specials escaped.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_.:/,%+@=;?&|".contains(c);
    if value.chars().all(plain) {
        return value.to_owned();
    }
    if !value.contains('\'') {
        return format!("'{value}'");
    }
    let escaped = value.chars().flat_map(|c| {
        matches!(c, '"' | '\\' | '$')
            .then_some('\\')
            .into_iter()
            .chain([c])
    });
    format!("\"{}\"", escaped.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_lists_every_variable_with_its_default() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/.env.example");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(path, render(&[])).expect("write");
        }
        let example = std::fs::read_to_string(path).expect(".env.example");
        assert_eq!(example, render(&[]), "run with UPDATE_EXPECT=1");
    }

    #[test]
    fn a_written_value_is_read_back_as_it_was() {
        for value in [
            "cos://b-125",
            "a b",
            "x#y",
            "$HOME",
            "it's $5 \"net\"",
            "中文;owner=张三",
        ] {
            let text = render(&[("GENGFU_TOKENS", value.to_owned())]);
            let read = dotenvy::from_read_iter(text.as_bytes())
                .map(|item| item.expect("readable"))
                .find(|(name, _)| name == "GENGFU_TOKENS");
            assert_eq!(read.map(|(_, v)| v).as_deref(), Some(value));
        }
    }
}
