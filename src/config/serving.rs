//! Who may call, and who is told.

use std::net::SocketAddr;

use jiff::civil::Time;
use secrecy::SecretString;

use super::{Mistake, read::Reader};
use crate::model::OwnerAlias;

#[derive(Debug, Clone)]
pub struct Serving {
    pub bind: SocketAddr,
    /// Without a slash at the end.
    pub public_url: Option<String>,
    /// Beside those of the file that `gengfu token` writes; `serve` sees to it that there is one where others can reach it.
    pub tokens: Vec<TokenSpec>,
    pub allowed_hosts: Vec<String>,
    /// Origins of web pages that may call `/mcp` from a browser.
    pub allowed_origins: Vec<String>,
    pub alert_secrets: Vec<AlertSecret>,
    pub polling: Polling,
}

/// Where alarms are fetched that nobody can push here.
#[derive(Debug, Clone)]
pub struct Polling {
    /// Whether the history of alarms is asked for each minute.
    pub history: bool,
    /// CLS topics that alarms are written into, each with whose it is.
    pub topics: Vec<(String, Option<OwnerAlias>)>,
}

/// A bearer token, what to call it in logs, and what it may see.
#[derive(Debug, Clone)]
pub struct TokenSpec {
    pub name: String,
    pub token: SecretString,
    /// Empty: all owners. One: the token is bound to that owner.
    pub owners: Vec<OwnerAlias>,
    /// `brief`, `normal` or `full`; what a call gets that does not say.
    pub detail: Option<String>,
    /// Requests in a minute.
    pub rate: Option<u32>,
}

#[derive(Debug, Clone)]
pub struct AlertSecret {
    pub secret: SecretString,
    /// Signs what CLS posts; then nothing of CLS comes in without a signature.
    pub sign: Option<SecretString>,
    pub owner: Option<OwnerAlias>,
}

#[derive(Debug, Clone)]
pub struct Telling {
    pub endpoints: Vec<Endpoint>,
    pub gateway: Option<Gateway>,
    pub devices: Vec<Device>,
    pub chats: Vec<ChatWebhook>,
    /// When no robot is woken: from, to.
    pub quiet: Option<(Time, Time)>,
}

/// A xiaozhi MCP endpoint that we dial out to. Its URL holds its token.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub name: String,
    pub url: SecretString,
    pub owner: Option<OwnerAlias>,
}

#[derive(Debug, Clone)]
pub struct Gateway {
    pub url: url::Url,
    pub signature_key: SecretString,
}

/// A robot that the gateway can wake: its MAC, or the gateway's full client id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    pub id: String,
    pub name: String,
    pub owner: Option<OwnerAlias>,
}

/// A chat robot's address, which is a secret in itself; `secret` signs for DingTalk and Feishu.
#[derive(Debug, Clone)]
pub struct ChatWebhook {
    pub url: SecretString,
    pub secret: Option<SecretString>,
    pub owner: Option<OwnerAlias>,
}

pub(super) fn read(r: &mut Reader<'_>) -> Serving {
    let bind = r
        .parsed(
            "GENGFU_BIND",
            |t| t.replace("localhost", "127.0.0.1").parse().ok(),
            "地址:端口,例如 127.0.0.1:8765",
            "address:port such as 127.0.0.1:8765",
        )
        .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8765)));
    let tokens = tokens(r);
    Serving {
        bind,
        public_url: r
            .url("GENGFU_PUBLIC_URL")
            .map(|u| u.as_str().trim_end_matches('/').to_owned()),
        tokens,
        allowed_hosts: r.list("GENGFU_ALLOWED_HOSTS"),
        allowed_origins: r.list("GENGFU_ALLOWED_ORIGINS"),
        alert_secrets: alert_secrets(r),
        polling: polling(r),
    }
}

fn tokens(r: &mut Reader<'_>) -> Vec<TokenSpec> {
    let name = "GENGFU_TOKENS";
    let mut tokens: Vec<TokenSpec> = Vec::new();
    for (i, entry) in r
        .entries(name, &["name", "owner", "detail", "rate"])
        .into_iter()
        .enumerate()
    {
        let detail = entry.options.get("detail").cloned();
        if let Some(d) = detail
            .as_deref()
            .filter(|d| !matches!(*d, "brief" | "normal" | "full"))
        {
            r.mistakes.push(Mistake::new(
                name,
                Some(d),
                "detail=brief、normal 或 full",
                "detail=brief, normal or full",
            ));
        }
        let rate = entry.options.get("rate").cloned();
        let per_minute = rate
            .as_deref()
            .and_then(|r| r.parse().ok().filter(|n| *n > 0));
        if let Some(rate) = rate.filter(|_| per_minute.is_none()) {
            let en = "rate=N, requests in a minute";
            r.mistakes
                .push(Mistake::new(name, Some(&rate), "rate=每分钟的请求数", en));
        }
        let spec = TokenSpec {
            name: entry.name().unwrap_or_else(|| format!("token-{}", i + 1)),
            owners: r.owners_of(name, &entry),
            token: entry.value.into(),
            detail,
            rate: per_minute,
        };
        if tokens.iter().any(|t| t.name == spec.name) {
            r.mistakes.push(Mistake::new(
                name,
                Some(&spec.name),
                "各不相同的 name",
                "a different name for each token",
            ));
        }
        tokens.push(spec);
    }
    tokens
}

fn polling(r: &mut Reader<'_>) -> Polling {
    let name = "GENGFU_ALARM_POLL";
    let asked = r.parsed(
        name,
        |t| match t {
            "auto" => Some(None),
            "on" | "1" => Some(Some(true)),
            "off" | "0" => Some(Some(false)),
            _ => None,
        },
        "auto、on 或 off",
        "auto, on or off",
    );
    // Whoever can be reached is pushed to.
    let unreachable = r.text_if_set("GENGFU_PUBLIC_URL").is_none();
    let name = "GENGFU_ALARM_TOPIC";
    let mut topics = Vec::new();
    for entry in r.entries(name, &["owner"]) {
        let owner = r.owner_of(name, &entry);
        topics.push((entry.value, owner));
    }
    Polling {
        history: asked.flatten().unwrap_or(unreachable),
        topics,
    }
}

fn alert_secrets(r: &mut Reader<'_>) -> Vec<AlertSecret> {
    let name = "GENGFU_ALERT_SECRET";
    let mut secrets = Vec::new();
    for mut entry in r.entries(name, &["owner", "sign"]) {
        secrets.push(AlertSecret {
            owner: r.owner_of(name, &entry),
            sign: entry.options.remove("sign").map(SecretString::from),
            secret: entry.value.into(),
        });
    }
    secrets
}

pub(super) fn read_telling(r: &mut Reader<'_>) -> Telling {
    let mut endpoints = Vec::new();
    let name = "GENGFU_XIAOZHI_ENDPOINTS";
    for (i, entry) in r.entries(name, &["name", "owner"]).into_iter().enumerate() {
        if !(entry.value.starts_with("ws://") || entry.value.starts_with("wss://")) {
            r.mistakes.push(Mistake::new(
                name,
                None,
                "ws:// 或 wss:// 开头的接入点地址",
                "an endpoint that starts with ws:// or wss://",
            ));
        }
        endpoints.push(Endpoint {
            name: entry
                .name()
                .unwrap_or_else(|| format!("endpoint-{}", i + 1)),
            owner: r.owner_of(name, &entry),
            url: entry.value.into(),
        });
    }
    Telling {
        endpoints,
        gateway: gateway(r),
        devices: devices(r),
        chats: chats(r),
        quiet: quiet_hours(r),
    }
}

fn quiet_hours(r: &mut Reader<'_>) -> Option<(Time, Time)> {
    if r.text("GENGFU_QUIET_HOURS") == "off" {
        return None;
    }
    let hours = |t: &str| {
        let (from, to) = t.split_once('-')?;
        Some((from.trim().parse().ok()?, to.trim().parse().ok()?))
    };
    r.parsed(
        "GENGFU_QUIET_HOURS",
        hours,
        "两个时间,例如 22:00-08:00,或 off",
        "two times such as 22:00-08:00, or off",
    )
}

fn gateway(r: &mut Reader<'_>) -> Option<Gateway> {
    let url = r.url("GENGFU_GATEWAY_URL")?;
    let Some(signature_key) = r.secret("GENGFU_GATEWAY_KEY") else {
        r.mistakes.push(Mistake::new(
            "GENGFU_GATEWAY_KEY",
            None,
            "网关的 MQTT_SIGNATURE_KEY",
            "the gateway's MQTT_SIGNATURE_KEY",
        ));
        return None;
    };
    Some(Gateway { url, signature_key })
}

fn devices(r: &mut Reader<'_>) -> Vec<Device> {
    let name = "GENGFU_DEVICES";
    let mut devices = Vec::new();
    for entry in r.entries(name, &["name", "owner"]) {
        devices.push(Device {
            name: entry.name().unwrap_or_else(|| entry.value.clone()),
            owner: r.owner_of(name, &entry),
            id: entry.value,
        });
    }
    devices
}

fn chats(r: &mut Reader<'_>) -> Vec<ChatWebhook> {
    let name = "GENGFU_CHAT_WEBHOOK";
    let mut chats = Vec::new();
    for mut entry in r.entries(name, &["secret", "owner"]) {
        if !(entry.value.starts_with("https://") || entry.value.starts_with("http://")) {
            r.mistakes.push(Mistake::new(
                name,
                None,
                "https:// 开头的机器人地址",
                "a robot address that starts with https://",
            ));
        }
        chats.push(ChatWebhook {
            owner: r.owner_of(name, &entry),
            secret: entry.options.remove("secret").map(SecretString::from),
            url: entry.value.into(),
        });
    }
    chats
}
