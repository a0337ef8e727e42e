//! Messages to the robots of WeCom, DingTalk and Feishu groups.
//!
//! In: an owner and a Markdown text. Out: the number that stands over the message, which a voice can name. Always true: a text that is
//! too long for one message becomes several, cut between lines, so that a command arrives whole; the address, which is a secret, is
//! in no error. The forms: <https://developer.work.weixin.qq.com/document/path/99110>,
//! <https://open.dingtalk.com/document/robots/custom-robot-access>,
//! <https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot>.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sha2::Sha256;
use url::Url;

use crate::model::{Lang, OwnerAlias};

/// A chat service answers within a second or not at all.
const WAIT: Duration = Duration::from_secs(6);

/// More messages than this for one text are a flood; WeCom takes twenty a minute.
const MOST_PARTS: usize = 5;

/// The robot of one group.
#[derive(Debug, Clone)]
pub struct Robot {
    pub url: SecretString,
    /// Signs for DingTalk and Feishu.
    pub secret: Option<SecretString>,
    /// `None`: everybody's whose own robot is not named.
    pub owner: Option<OwnerAlias>,
}

/// All robots. Cheap enough to clone.
#[derive(Debug, Clone)]
pub struct Chats {
    http: reqwest::Client,
    robots: Vec<Robot>,
    lang: Lang,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Vendor {
    WeCom,
    DingTalk,
    Feishu,
}

/// Why a message did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("GENGFU_CHAT_WEBHOOK names no chat robot for this owner")]
    NoRobot,
    #[error("the address in GENGFU_CHAT_WEBHOOK is none of a WeCom, DingTalk or Feishu robot")]
    Address,
    #[error("the chat service could not be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The service's own code and words.
    #[error("the chat service refused the message: {code} {words}")]
    Refused { code: i64, words: String },
}

impl Chats {
    #[must_use]
    pub fn new(http: reqwest::Client, robots: Vec<Robot>, lang: Lang) -> Self {
        Self { http, robots, lang }
    }

    /// Whether nobody has a chat.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.robots.is_empty()
    }

    /// Whether this owner has a chat at all.
    #[must_use]
    pub fn reaches(&self, owner: &OwnerAlias) -> bool {
        self.robot(owner).is_some()
    }

    /// Sends a text to the owner's group; gives its number.
    pub async fn send(&self, owner: &OwnerAlias, text: &str, now_ms: i64) -> Result<String, Error> {
        let robot = self.robot(owner).ok_or(Error::NoRobot)?;
        let address = Url::parse(robot.url.expose_secret()).map_err(|_| Error::Address)?;
        let vendor = Vendor::of(&address).ok_or(Error::Address)?;
        // Three digits are named easily, and within one day hardly two messages share them.
        let number = (100 + (now_ms / 1000).rem_euclid(900)).to_string();
        let title = self.lang.pick(
            format!("更夫消息 {number}"),
            format!("gengfu message {number}"),
        );
        let parts = parts(text, vendor.room());
        let all = parts.len();
        for (i, part) in parts.into_iter().enumerate() {
            let title = if all > 1 {
                format!("{title} ({}/{all})", i + 1)
            } else {
                title.clone()
            };
            let (url, body) =
                vendor.message(&address, robot.secret.as_ref(), &title, &part, now_ms);
            self.post(url, &body).await?;
        }
        Ok(number)
    }

    fn robot(&self, owner: &OwnerAlias) -> Option<&Robot> {
        let own = self.robots.iter().find(|r| r.owner.as_ref() == Some(owner));
        own.or_else(|| self.robots.iter().find(|r| r.owner.is_none()))
    }

    async fn post(&self, url: Url, body: &Value) -> Result<(), Error> {
        let request = self.http.post(url).json(body).timeout(WAIT);
        let answer = request
            .send()
            .await
            .map_err(|e| Error::Unreachable(e.without_url()))?;
        let status = answer.status();
        let said: Value = answer.json().await.unwrap_or_default();
        // WeCom and DingTalk say `errcode`, Feishu `code` and formerly `StatusCode`.
        let code = ["errcode", "code", "StatusCode"]
            .iter()
            .find_map(|n| said[*n].as_i64());
        match code {
            Some(0) => Ok(()),
            None if status.is_success() => Ok(()),
            code => {
                let words = ["errmsg", "msg"]
                    .iter()
                    .find_map(|n| said[*n].as_str())
                    .unwrap_or_default();
                Err(Error::Refused {
                    code: code.unwrap_or_else(|| i64::from(status.as_u16())),
                    words: crate::model::visible(words).chars().take(120).collect(),
                })
            }
        }
    }
}

impl Vendor {
    /// By the path, so that an address behind a proxy is known too.
    fn of(url: &Url) -> Option<Self> {
        let path = url.path();
        if path.ends_with("/cgi-bin/webhook/send") {
            Some(Self::WeCom)
        } else if path.ends_with("/robot/send") {
            Some(Self::DingTalk)
        } else if path.contains("/open-apis/bot/v2/hook/") {
            Some(Self::Feishu)
        } else {
            None
        }
    }

    /// Bytes of text that fit into one message, its title and frame left out.
    const fn room(self) -> usize {
        match self {
            Self::WeCom => 3_900,
            Self::DingTalk | Self::Feishu => 18_000,
        }
    }

    fn message(
        self,
        address: &Url,
        secret: Option<&SecretString>,
        title: &str,
        text: &str,
        now_ms: i64,
    ) -> (Url, Value) {
        let mut url = address.clone();
        let body = match self {
            Self::WeCom => {
                json!({ "msgtype": "markdown_v2", "markdown_v2": { "content": format!("# {title}\n{text}") } })
            }
            Self::DingTalk => {
                if let Some(secret) = secret {
                    let plain = format!("{now_ms}\n{}", secret.expose_secret());
                    let sign = hmac(secret.expose_secret().as_bytes(), plain.as_bytes());
                    url.query_pairs_mut()
                        .append_pair("timestamp", &now_ms.to_string())
                        .append_pair("sign", &sign);
                }
                json!({ "msgtype": "markdown", "markdown": { "title": title, "text": format!("# {title}\n\n{text}") } })
            }
            Self::Feishu => {
                let mut body = json!({ "msg_type": "interactive", "card": { "header": { "title": { "tag": "plain_text", "content": title } },
                    "elements": [{ "tag": "markdown", "content": text }] } });
                if let Some(secret) = secret {
                    let seconds = (now_ms / 1000).to_string();
                    // Feishu's way: the text is the key, and nothing is what is signed.
                    let key = format!("{seconds}\n{}", secret.expose_secret());
                    body["timestamp"] = json!(seconds);
                    body["sign"] = json!(hmac(key.as_bytes(), b""));
                }
                body
            }
        };
        (url, body)
    }
}

/// HMAC-SHA256 in Base64.
fn hmac(key: &[u8], message: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        // HMAC takes a key of any length.
        return String::new();
    };
    mac.update(message);
    STANDARD.encode(mac.finalize().into_bytes())
}

/// Cuts between lines; a line that is longer than the room, between characters.
fn parts(text: &str, room: usize) -> Vec<String> {
    let mut parts = vec![String::new()];
    for line in text.lines() {
        let mut rest = line;
        loop {
            let last = parts.last_mut().map_or(0, |p| p.len());
            if last + rest.len() < room {
                break;
            }
            if last > 0 {
                parts.push(String::new());
                continue;
            }
            let (head, tail) = rest.split_at(rest.floor_char_boundary(room - 1));
            if let Some(part) = parts.last_mut() {
                head.clone_into(part);
            }
            rest = tail;
        }
        if let Some(part) = parts.last_mut() {
            if !part.is_empty() {
                part.push('\n');
            }
            part.push_str(rest);
        }
    }
    if parts.len() > MOST_PARTS {
        parts.truncate(MOST_PARTS);
        if let Some(last) = parts.last_mut() {
            last.push_str("\n…");
        }
    }
    parts
}

#[cfg(test)]
#[path = "chat_tests.rs"]
mod tests;
