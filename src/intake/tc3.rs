//! Requests to Tencent Cloud's API 3.0, signed with TC3-HMAC-SHA256.
//!
//! In: a key, a region, base URLs. Out: the `Response` of an action as JSON, or an [`Error`] that says what to do. Always true: the key
//! and the token are in no error; an action that was refused names the permission that is missing. Retries only what the service asks
//! to be retried. Source of the method: <https://cloud.tencent.com/document/api/213/30654>.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::Value;

use sign::authorization;

use crate::model::{Credentials, Endpoints};

mod error;
mod sign;

pub use error::Error;

/// A service with the version of its API that we speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    Cls,
    Tke,
    Monitor,
}

impl Service {
    /// The name in host, signature and permissions.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cls => "cls",
            Self::Tke => "tke",
            Self::Monitor => "monitor",
        }
    }

    const fn version(self) -> &'static str {
        match self {
            Self::Cls => "2020-10-16",
            Self::Tke => "2018-05-25",
            Self::Monitor => "2018-07-24",
        }
    }
}

/// Every action that is called, as a CAM policy names it; the policies of both READMEs hold the same.
pub const ACTIONS: [&str; 9] = [
    "cls:DescribeTopics",
    "cls:DescribeShippers",
    "cls:DescribeShipperTasks",
    "cls:SearchLog",
    "cls:DescribeLogHistogram",
    "cls:DescribeLogContext",
    "tke:DescribeClusters",
    "tke:DescribeLogSwitches",
    "monitor:DescribeAlarmHistories",
];

/// Attempts at one request that may be repeated.
const ATTEMPTS: u32 = 4;
/// The first pause between attempts; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// An answer of SearchLog may be 49 MB; ten seconds are the service's own limit on a query.
const TIMEOUT: Duration = Duration::from_secs(20);

/// One key's door to the API. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Api {
    credentials: Credentials,
    region: String,
    endpoints: Endpoints,
    http: reqwest::Client,
}

impl Api {
    /// Fails only when the system offers no TLS roots.
    pub fn new(
        credentials: Credentials,
        region: &str,
        endpoints: &Endpoints,
    ) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .no_proxy()
            .build()?;
        Ok(Self {
            credentials,
            region: region.to_owned(),
            endpoints: endpoints.clone(),
            http,
        })
    }

    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The same door in another region.
    #[must_use]
    pub fn in_region(&self, region: &str) -> Self {
        Self {
            region: region.to_owned(),
            ..self.clone()
        }
    }

    /// Calls an action and returns its `Response`.
    pub async fn call(&self, service: Service, action: &str, body: &Value) -> Result<Value, Error> {
        debug_assert!(
            ACTIONS.contains(&permission(service, action).as_str()),
            "`{action}` must stand in ACTIONS and in the policies"
        );
        let mut pause = FIRST_PAUSE;
        for _ in 1..ATTEMPTS {
            match self.call_once(service, action, body).await {
                Err(error) if error.is_transient() => {
                    tracing::debug!(service = service.name(), action, %error, "asking again");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                other => return other,
            }
        }
        self.call_once(service, action, body).await
    }

    async fn call_once(
        &self,
        service: Service,
        action: &str,
        body: &Value,
    ) -> Result<Value, Error> {
        let (url, host) = self.place(service);
        let body = body.to_string();
        let now = Timestamp::now();
        let unreachable = |_| Error::Unreachable { host: host.clone() };
        let mut request = self
            .http
            .post(url)
            .header(
                "authorization",
                authorization(&self.credentials, service, &host, &body, now),
            )
            .header("content-type", "application/json")
            .header("host", &host)
            .header("x-tc-action", action)
            .header("x-tc-version", service.version())
            .header("x-tc-region", &self.region)
            .header("x-tc-timestamp", now.as_second().to_string());
        if let Some(token) = &self.credentials.token {
            request = request.header("x-tc-token", token.expose_secret());
        }
        let response = request.body(body).send().await.map_err(unreachable)?;
        let server_time = date_of(response.headers());
        let status = response.status();
        let bytes = response.bytes().await.map_err(unreachable)?;
        if status == reqwest::StatusCode::TOO_MANY_REQUESTS {
            return Err(Error::TooMany {
                action: permission(service, action),
            });
        }
        if status.is_server_error() {
            return Err(Error::Unreachable { host });
        }
        let not_an_answer = Error::NotAnAnswer { host };
        let Ok(answer) = serde_json::from_slice::<Answer>(&bytes) else {
            return Err(not_an_answer);
        };
        match answer.response.get("Error") {
            Some(error) => {
                let code = error.get("Code").and_then(Value::as_str).unwrap_or("?");
                Err(self.what(
                    code,
                    service,
                    action,
                    server_time.map(|t| t - now.as_second()),
                ))
            }
            None => Ok(answer.response),
        }
    }

    /// The error behind a code of <https://cloud.tencent.com/document/api/614/56474>. Chosen by code alone, never by message.
    fn what(&self, code: &str, service: Service, action: &str, skew_s: Option<i64>) -> Error {
        let action = permission(service, action);
        let code = code
            .chars()
            .filter(char::is_ascii_graphic)
            .take(80)
            .collect::<String>();
        match code.as_str() {
            "AuthFailure.SignatureExpire" => Error::Clock {
                skew_s: skew_s.unwrap_or_default(),
            },
            "AuthFailure.TokenFailure" if self.credentials.token.is_some() => Error::TokenExpired,
            "AuthFailure.UnauthorizedOperation" => Error::Denied { action },
            c if c.starts_with("UnauthorizedOperation") => Error::Denied { action },
            c if c.starts_with("AuthFailure") => Error::Key { code },
            c if c.starts_with("ResourceNotFound") => Error::NotFound { action, code },
            c if c.starts_with("RequestLimitExceeded")
                || c == "LimitExceeded.LogSearch"
                || c == "FailedOperation.ReadQpsLimit" =>
            {
                Error::TooMany { action }
            }
            "FailedOperation.TopicIsolated"
            | "OperationDenied.AccountIsolate"
            | "OperationDenied.AccountNotExists" => Error::Arrears,
            _ => Error::Service { action, code },
        }
    }

    /// Where a service is, and the host that is signed: with the port, unless it is the scheme's own.
    fn place(&self, service: Service) -> (String, String) {
        let given = match service {
            Service::Cls => &self.endpoints.cls,
            Service::Tke => &self.endpoints.tke,
            Service::Monitor => &self.endpoints.monitor,
        };
        let Some(url) = given else {
            let host = format!("{}.tencentcloudapi.com", service.name());
            return (format!("https://{host}/"), host);
        };
        let name = url.host_str().unwrap_or_default();
        let host = match url.port() {
            Some(port) => format!("{name}:{port}"),
            None => name.to_owned(),
        };
        (url.to_string(), host)
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "Response")]
    response: Value,
}

fn permission(service: Service, action: &str) -> String {
    format!("{}:{action}", service.name())
}

/// The server's clock: Unix seconds of the `Date` header.
pub fn date_of(headers: &reqwest::header::HeaderMap) -> Option<i64> {
    let text = headers.get("date")?.to_str().ok()?;
    let time = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(time.timestamp().as_second())
}

#[cfg(test)]
pub(crate) mod tests;
