//! The part of COS's XML API that reading a bucket needs: list and get, signed, retried, resumed.
//!
//! In: keys and prefixes. Out: pages put together, whole bodies. Always true: a body is complete (its length is that of the
//! listing) and of the listed entity tag; what may be transient is asked for up to [`ATTEMPTS`] times with growing, jittered
//! pauses; a body that breaks off is continued where it broke. At most [`AT_ONCE`] requests of all buckets that share a [`Line`] are
//! under way at a time, from their first byte to their last, and they get their turn in the order of asking: so owners share it fairly.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::{Bytes, BytesMut};
use percent_encoding::{AsciiSet, utf8_percent_encode};
use reqwest::{Client, Response, StatusCode, Url, header};
use secrecy::ExposeSecret;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Error, Fault, Listed, listing};
use crate::intake::sign::{CloudKey, RESERVED, Signed};

/// How often a request is made before it is given up: with one request in twenty failing, one in 64 million is.
const ATTEMPTS: u32 = 6;

/// First pause; it doubles with every attempt, and a random part of it is waited.
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Requests, and so connections, at a time. COS allows far more per bucket; beyond this the line is full.
/// The pool opens a connection now and then although another becomes free meanwhile; what is left over is kept for later, up to
/// [`MOST_IDLE`], so that there are sixteen at most.
const AT_ONCE: usize = 12;
const MOST_IDLE: usize = 4;

/// The connections to COS that all buckets of a process share; made when the first is needed. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Line {
    http: Arc<OnceLock<Client>>,
    slots: Arc<Semaphore>,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            http: Arc::default(),
            slots: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

impl Line {
    fn http(&self) -> Result<Client, reqwest::Error> {
        if let Some(http) = self.http.get() {
            return Ok(http.clone());
        }
        // Objects are stored compressed: a client that unpacks by itself would break lengths and checks.
        let http = Client::builder()
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .no_zstd()
            .no_proxy()
            .pool_max_idle_per_host(MOST_IDLE)
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(Duration::from_secs(30))
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(self.http.get_or_init(|| http).clone())
    }

    /// The semaphore is never closed; without a permit we would merely be impolite.
    async fn slot(&self) -> Option<OwnedSemaphorePermit> {
        self.slots.clone().acquire_owned().await.ok()
    }
}

/// A signature is valid from a minute ago, as the official SDK does it: hosts run ahead more often than behind.
pub(super) const BACKDATED_S: i64 = 60;
const VALID_S: i64 = 3600;

/// In a path the slashes stay.
const PATH: &AsciiSet = &RESERVED.remove(b'/');

/// Where a COS bucket is, and the key to it.
#[derive(Debug, Clone)]
pub struct CosSpec {
    /// With its APPID, as in `tke-logs-1250000000`.
    pub bucket: String,
    /// As in `https://cos.ap-guangzhou.myqcloud.com`. An endpoint that is an address, or that begins with the bucket's name, is the
    /// bucket's own.
    pub endpoint: String,
    pub key: CloudKey,
    pub line: Line,
}

#[derive(Debug, Clone)]
pub(super) struct Cos {
    http: Client,
    line: Line,
    base: Url,
    key: CloudKey,
}

impl Cos {
    pub(super) fn new(spec: CosSpec) -> Result<Self, Error> {
        let bad = || Error::of(Fault::BadAddress, &spec.endpoint);
        let mut base = Url::parse(&spec.endpoint).map_err(|_| bad())?;
        let host = base.host_str().ok_or_else(bad)?.to_owned();
        let is_own = host.starts_with(&format!("{}.", spec.bucket))
            || host.parse::<std::net::IpAddr>().is_ok();
        if !is_own {
            let host = format!("{}.{host}", spec.bucket);
            base.set_host(Some(&host)).map_err(|_| bad())?;
        }
        let http = spec.line.http().map_err(|e| Error {
            source: Some(e.into()),
            ..bad()
        })?;
        Ok(Self {
            http,
            line: spec.line,
            base,
            key: spec.key,
        })
    }

    pub(super) async fn list(&self, prefix: &str) -> Result<Vec<Listed>, Error> {
        let (mut all, mut marker) = (Vec::new(), String::new());
        loop {
            let page = self.page(prefix, &marker).await?;
            all.extend(page.objects);
            match page.next {
                // A marker that does not move would list for ever.
                Some(next) if next > marker => marker = next,
                _ => return Ok(all),
            }
        }
    }

    async fn page(&self, prefix: &str, marker: &str) -> Result<listing::Page, Error> {
        let params = [
            ("encoding-type", "url"),
            ("marker", marker),
            ("max-keys", "1000"),
            ("prefix", prefix),
        ];
        let mut attempt = 0;
        loop {
            let slot = self.line.slot().await;
            let failed = match self.send("", &params, &[], prefix).await {
                Ok(answer) => match answer.text().await {
                    Ok(body) => match listing::page(&body) {
                        Some(page) => return Ok(page),
                        None => Failed::after(Error::of(Fault::Broken, prefix)),
                    },
                    Err(e) => Failed::broken(prefix, e),
                },
                Err(failed) => failed,
            };
            drop(slot);
            attempt = self.pause(attempt, failed).await?;
        }
    }

    pub(super) async fn read(&self, object: &Listed) -> Result<Bytes, Error> {
        let size = usize::try_from(object.size).unwrap_or(usize::MAX);
        let mut body = BytesMut::new();
        let mut attempt = 0;
        // An object of no bytes needs no request, except that it might have been replaced since.
        loop {
            let had = body.len();
            let failed = match self.rest(object, &mut body).await {
                Ok(()) if body.len() == size => return Ok(body.freeze()),
                Ok(()) if body.len() > size => return Err(Error::of(Fault::Replaced, &object.key)),
                Ok(()) => Failed::after(Error::of(Fault::Broken, &object.key)),
                Err(failed) => failed,
            };
            // What moves forward has not failed: large objects over a poor line get there.
            let tries = if body.len() > had { 0 } else { attempt };
            attempt = self.pause(tries, failed).await?;
        }
    }

    /// Appends what is missing of the object, as far as it comes.
    async fn rest(&self, object: &Listed, body: &mut BytesMut) -> Result<(), Failed> {
        let range = format!("bytes={}-", body.len());
        let etag = format!("\"{}\"", object.etag);
        let mut headers = vec![("if-match", etag.as_str())];
        if !body.is_empty() {
            headers.push(("range", range.as_str()));
        }
        let _slot = self.line.slot().await;
        let mut answer = self.send(&object.key, &[], &headers, &object.key).await?;
        if !body.is_empty() && answer.status() != StatusCode::PARTIAL_CONTENT {
            // The whole comes again.
            body.clear();
        }
        loop {
            match answer.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => return Ok(()),
                Err(e) => return Err(Failed::broken(&object.key, e)),
            }
        }
    }

    /// One signed GET; anything but success is a failure.
    async fn send(
        &self,
        key: &str,
        params: &[(&str, &str)],
        headers: &[(&str, &str)],
        at: &str,
    ) -> Result<Response, Failed> {
        let path = format!("/{key}");
        let mut url = self.base.clone();
        let encode = |s: &str| utf8_percent_encode(s, RESERVED).to_string();
        let query: Vec<String> = params
            .iter()
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect();
        url.set_path(&utf8_percent_encode(&path, PATH).to_string());
        url.set_query((!query.is_empty()).then(|| query.join("&")).as_deref());
        let now = now_s();
        let valid = (now - BACKDATED_S, now + VALID_S);
        let host = self.base.host_str().unwrap_or_default();
        let mut signed_headers = headers.to_vec();
        signed_headers.push(("host", host));
        let signed = Signed {
            method: "get",
            path: &path,
            params,
            headers: &signed_headers,
            valid,
        };
        let mut request = self
            .http
            .get(url)
            .header(header::HOST, host_header(&self.base))
            .header(header::AUTHORIZATION, signed.authorization(&self.key));
        if let Some(token) = &self.key.token {
            request = request.header("x-cos-security-token", token.expose_secret());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.map_err(|e| {
            Failed::after(Error {
                source: Some(e.without_url().into()),
                ..Error::of(Fault::Unreachable, at)
            })
        })?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        Err(refusal(answer, key.is_empty(), valid, at).await)
    }

    /// Waits before the next attempt, or gives the failure back when there is none.
    async fn pause(&self, attempt: u32, failed: Failed) -> Result<u32, Error> {
        let attempt = attempt + 1;
        if !failed.again || attempt >= ATTEMPTS {
            return Err(failed.error);
        }
        let full = PAUSE.saturating_mul(1 << (attempt - 1)).min(LONGEST_PAUSE);
        let pause = failed.wait.unwrap_or_else(|| full.mul_f64(random()));
        tracing::debug!(
            attempt,
            pause_ms = pause.as_millis(),
            error = %failed.error,
            "asking the bucket again"
        );
        tokio::time::sleep(pause).await;
        Ok(attempt)
    }
}

/// A request that failed, and whether it is worth repeating.
#[derive(Debug)]
struct Failed {
    error: Error,
    again: bool,
    /// What the server asks us to wait.
    wait: Option<Duration>,
}

impl Failed {
    const fn after(error: Error) -> Self {
        Self {
            error,
            again: true,
            wait: None,
        }
    }

    fn broken(at: &str, source: reqwest::Error) -> Self {
        Self::after(Error {
            source: Some(source.without_url().into()),
            ..Error::of(Fault::Broken, at)
        })
    }
}

async fn refusal(answer: Response, listing: bool, valid: (i64, i64), at: &str) -> Failed {
    let status = answer.status().as_u16();
    let header = |name| answer.headers().get(name).and_then(|v| v.to_str().ok());
    let date = header(header::DATE)
        .and_then(|d| jiff::fmt::rfc2822::parse(d).ok())
        .map(|d| d.timestamp().as_second());
    let wait = header(header::RETRY_AFTER)
        .and_then(|s| s.trim().parse().ok())
        .map(|s| Duration::from_secs(s).min(LONGEST_PAUSE));
    let code = listing::error_code(&answer.text().await.unwrap_or_default());
    let fault = Fault::of(status, &code, listing, date, valid);
    Failed {
        error: Error {
            status: Some(status),
            code,
            ..Error::of(fault, at)
        },
        again: fault == Fault::Busy,
        wait,
    }
}

fn host_header(base: &Url) -> String {
    let host = base.host_str().unwrap_or_default();
    match base.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(0))
}

/// From 0 to 1. Many readers that failed together must not come back together.
fn random() -> f64 {
    getrandom::u32().map_or(0.5, |n| f64::from(n) / f64::from(u32::MAX))
}
