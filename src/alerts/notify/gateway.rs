//! Waking a robot through xiaozhi's MQTT gateway, so that it says a text by itself.
//!
//! In: a device and a text. Out: an [`Outcome`]. Always true: the device is asked for its state first and woken only when idle; what
//! may have been spoken is not sent again. Form, tokens and traps: `docs/device-call-guide.md` of xinnan-tech/xiaozhi-esp32-server and
//! `app.js` of xinnan-tech/xiaozhi-mqtt-gateway. Plain HTTP: the gateway belongs into the private network.

use std::time::Duration;

use jiff::tz::TimeZone;
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use crate::{
    model::{Day, is_invisible},
    store::Outcome,
};

/// The firmware puts the text into JSON and a fixed buffer; some 150 characters arrive.
pub const LONGEST_REASON: usize = 150;

/// What follows is spoken word for word, without a model.
const VERBATIM: &str = "[device_call]";

/// The gateway itself waits five seconds for the device; its answer comes after that or never.
const WAIT: Duration = Duration::from_secs(8);

/// One gateway. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Gateway {
    http: reqwest::Client,
    url: Url,
    key: SecretString,
    zone: TimeZone,
}

impl Gateway {
    /// `zone`: of the gateway, which dates its tokens by the clock on its wall.
    #[must_use]
    pub fn new(http: reqwest::Client, url: Url, key: SecretString, zone: TimeZone) -> Self {
        Self {
            http,
            url,
            key,
            zone,
        }
    }

    /// Makes the robot say a text. `device`: see [`client_id`].
    pub async fn wake(&self, device: &str, text: &str, now_ms: i64) -> Outcome {
        let id = client_id(device);
        match self.state(&id, now_ms).await {
            Ok(Idle::Yes) => self.command(&id, text, now_ms).await,
            Ok(Idle::No(outcome)) => outcome,
            Err(error) => {
                tracing::warn!(device, %error, "could not ask the gateway for a robot's state");
                Outcome::Failed
            }
        }
    }

    /// Which of these the gateway does not hold a connection to, by the names that it was asked by. Wakes nobody.
    pub async fn unknown(&self, devices: &[&str], now_ms: i64) -> Result<Vec<String>, Error> {
        let ids: Vec<String> = devices.iter().map(|d| client_id(d)).collect();
        let answer = self.states(&ids, now_ms).await?;
        let is_unknown = |id: &String| answer[id]["exists"].as_bool() != Some(true);
        Ok(ids.into_iter().filter(is_unknown).collect())
    }

    async fn states(&self, ids: &[String], now_ms: i64) -> Result<Value, Error> {
        let body = json!({ "clientIds": ids });
        let (status, answer) = self.post("api/devices/status", &body, now_ms).await?;
        if !status.is_success() {
            return Err(Error::Refused(status));
        }
        Ok(answer)
    }

    async fn state(&self, id: &str, now_ms: i64) -> Result<Idle, Error> {
        let answer = self.states(&[id.to_owned()], now_ms).await?;
        let flag = |name: &str| answer[id][name].as_bool().unwrap_or(false);
        Ok(match (flag("exists"), flag("isAlive")) {
            (true, false) => Idle::Yes,
            (_, true) => Idle::No(Outcome::Busy),
            (false, false) => Idle::No(Outcome::Offline),
        })
    }

    async fn command(&self, id: &str, text: &str, now_ms: i64) -> Outcome {
        let body = json!({ "type": "mcp", "payload": { "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": { "name": "self.remote_wakeup", "arguments": { "reason": reason(text) } } } });
        match self
            .post(&format!("api/commands/{id}"), &body, now_ms)
            .await
        {
            Ok((status, answer)) => heard(status, &answer),
            Err(Error::Unreachable(_)) => Outcome::Failed,
            Err(error) => {
                tracing::warn!(%error, "the gateway did not say whether a robot spoke");
                Outcome::Unsure
            }
        }
    }

    /// Posts with each token that may be the right one.
    async fn post(
        &self,
        path: &str,
        body: &Value,
        now_ms: i64,
    ) -> Result<(StatusCode, Value), Error> {
        let url = self.url.join(path).map_err(|_| Error::Address)?;
        for token in self.tokens(now_ms) {
            let request = self
                .http
                .post(url.clone())
                .bearer_auth(token)
                .json(body)
                .timeout(WAIT);
            let answer = request.send().await.map_err(Error::from_reqwest)?;
            let status = answer.status();
            if status != StatusCode::UNAUTHORIZED {
                return Ok((status, answer.json().await.unwrap_or_default()));
            }
        }
        Err(Error::Refused(StatusCode::UNAUTHORIZED))
    }

    /// SHA-256 of date and key, for the date where the gateway is, then for those around it in UTC.
    fn tokens(&self, now_ms: i64) -> Vec<String> {
        let utc = Day::of(now_ms, &TimeZone::UTC);
        let mut tokens = Vec::new();
        for day in [Day::of(now_ms, &self.zone), utc, utc.plus(-1), utc.plus(1)] {
            let token = hex::encode(Sha256::digest(format!("{day}{}", self.key.expose_secret())));
            if !tokens.contains(&token) {
                tokens.push(token);
            }
        }
        tokens
    }
}

enum Idle {
    Yes,
    No(Outcome),
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("GENGFU_GATEWAY_URL does not take a path")]
    Address,
    /// Nothing was sent.
    #[error("the gateway cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    #[error("no answer of the gateway")]
    NoAnswer(#[source] reqwest::Error),
    #[error("the gateway answered {0}; is GENGFU_GATEWAY_KEY its MQTT_SIGNATURE_KEY?")]
    Refused(StatusCode),
}

impl Error {
    fn from_reqwest(error: reqwest::Error) -> Self {
        let error = error.without_url();
        if error.is_connect() {
            Self::Unreachable(error)
        } else {
            Self::NoAnswer(error)
        }
    }
}

/// What the gateway's answer to a command means. The branch that serves MQTT itself answers with codes.
fn heard(status: StatusCode, answer: &Value) -> Outcome {
    let text = |name: &str| answer[name].as_str().unwrap_or_default().to_lowercase();
    if status.is_success() && answer["success"].as_bool() != Some(false) {
        let refused = answer["data"]["isError"].as_bool() == Some(true)
            || answer["data"]["content"][0]["text"].as_str() == Some("false");
        return if refused {
            Outcome::Busy
        } else {
            Outcome::Said
        };
    }
    let (error, code) = (text("error"), text("code"));
    if answer["dispatchAttempted"].as_bool() == Some(false) {
        return if code == "device_offline" {
            Outcome::Offline
        } else {
            Outcome::Failed
        };
    }
    if error.contains("timeout") || code.contains("timeout") || error.contains("超时") {
        // The device answers only after it has opened its audio channel: it may be speaking.
        return Outcome::Unsure;
    }
    if error.contains("未连接") || code == "device_offline" || status == StatusCode::NOT_FOUND {
        return Outcome::Offline;
    }
    tracing::warn!(%status, "the gateway refused to wake a robot; has its firmware self.remote_wakeup?");
    Outcome::Failed
}

/// The gateway's name of a device: as given, or made of its MAC address the way a full deployment does. A deployment of the server alone
/// puts `GID_` and the board's model first, so the sure name is `mqtt.client_id` of the OTA reply.
#[must_use]
pub fn client_id(device: &str) -> String {
    if device.contains("@@@") {
        return device.to_owned();
    }
    let mac = device.to_lowercase().replace([':', '-'], "_");
    format!("GID_default@@@{mac}@@@{mac}")
}

/// The text as the firmware takes it: it writes JSON without escaping.
#[must_use]
pub fn reason(text: &str) -> String {
    let plain = text
        .chars()
        .filter(|c| !matches!(c, '"' | '\\') && !is_invisible(*c))
        .map(|c| if c.is_control() { ' ' } else { c });
    VERBATIM.chars().chain(plain).take(LONGEST_REASON).collect()
}

#[cfg(test)]
#[path = "gateway_tests.rs"]
mod tests;
