//! `POST /alerts/{source}/{secret}`: alarms from outside, stored before they are answered.
//!
//! In: bodies of strangers. Out: what the sender waits for, at once; nothing of the body but a harmless session id or code comes back. Always
//! true: a door opens by its secret alone, compared in constant time; the body of a closed door is never read; a body of any form is
//! kept, of one that is too long or never ends the beginning; what is CLS's by its address or by its form must be signed where signatures
//! are asked for. Analyses nothing: whoever listens to [`Bell`] does.
//!
//! Senders verify an address with an empty call, and repeat what was not answered with 200 within five seconds:
//! <https://cloud.tencent.com/document/product/248/50409>.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::any,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{
    alarm_body::{read, session_id, verification},
    rate::Rate,
};
use crate::{
    alerts::{
        Alarm, Bell, Broken, Source,
        inbox::{self, Opened},
        signed,
    },
    mcp::{Change, Changes, Clock, Stores},
    model::OwnerAlias,
    owners::{Owner, Owners},
    store::Arrival,
};

/// Alarms of one door in a minute. The largest storm that a cluster's policies can make is some thousands.
const PER_MINUTE: u32 = 6000;

/// Everything that the route needs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Webhooks(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    doors: Vec<Door>,
    stores: Arc<Stores>,
    owners: Owners,
    changes: Changes,
    bell: Bell,
    clock: Clock,
}

/// What opens a door.
#[derive(Debug)]
pub struct Key {
    pub secret: SecretString,
    /// Signs what CLS posts, which then must be signed; else the secret does, where something is signed.
    pub sign: Option<SecretString>,
    pub owner: Option<OwnerAlias>,
}

/// A secret and whose alarms come in with it.
#[derive(Debug)]
struct Door {
    sha256: [u8; 32],
    /// Of what CLS posts.
    signer: SecretString,
    must_be_signed: bool,
    /// `None`: whose cluster it is, else whoever stands.
    owner: Option<OwnerAlias>,
    rate: Mutex<Rate>,
}

impl Webhooks {
    /// Without any key, every call is refused.
    #[must_use]
    pub fn new(
        keys: impl IntoIterator<Item = Key>,
        stores: Arc<Stores>,
        owners: Owners,
        changes: Changes,
        bell: Bell,
        clock: Clock,
    ) -> Self {
        let door = |key: Key| Door {
            sha256: Sha256::digest(key.secret.expose_secret().as_bytes()).into(),
            must_be_signed: key.sign.is_some(),
            signer: key.sign.unwrap_or(key.secret),
            owner: key.owner,
            rate: Mutex::new(Rate::per_minute(PER_MINUTE, clock.now_ms())),
        };
        Self(Arc::new(Inner {
            doors: keys.into_iter().map(door).collect(),
            stores,
            owners,
            changes,
            bell,
            clock,
        }))
    }

    /// The routes; they check their callers themselves.
    pub fn routes(self) -> Router {
        Router::new()
            .route("/alerts/{source}", any(with_password))
            .route("/alerts/{source}/{secret}", any(with_path))
            .with_state(self)
    }

    /// The door of this secret. Every door is tried, so that the time does not tell which one came close.
    fn door(&self, secret: &str) -> Option<&Door> {
        let presented: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        let mut found = None;
        for door in &self.0.doors {
            if bool::from(door.sha256.ct_eq(&presented)) {
                found = Some(door);
            }
        }
        found
    }

    async fn receive(&self, door: &Door, opened: Opened) -> Result<(), Refused> {
        let owner_of = |alarm: &Alarm| door.owner.clone().or_else(|| self.owner_of(alarm));
        let owners = opened.by_owner(owner_of).ok_or(Refused::Nobody)?;
        for (owner, opened) in owners {
            let store = self.0.stores.of(&owner).await?;
            let deliveries = opened.keep(&store).await?;
            for delivery in &deliveries {
                let arrival = match delivery.arrival {
                    Arrival::New => "new",
                    Arrival::Again => "again",
                    Arrival::Flapping => "flapping",
                    Arrival::Recovery => "recovery",
                };
                metrics::counter!("gengfu_alarms_total", "arrival" => arrival).increment(1);
                tracing::info!(owner = %owner, alarm = delivery.id, times = delivery.times, arrival = ?delivery.arrival, "received an alarm");
            }
            self.0.changes.announce(Change::Alerts(owner.clone()));
            if deliveries.iter().any(|d| d.arrival == Arrival::New) {
                self.0.bell.ring(owner);
            }
        }
        Ok(())
    }

    /// Whose cluster the alarm is about; else whose CLS topic set it off; else whose account it is, where that is one owner's, or one's in that region; else whoever
    /// stands.
    fn owner_of(&self, alarm: &Alarm) -> Option<OwnerAlias> {
        let (cluster, app_id) = (&alarm.cluster, &alarm.app_id);
        let roll = self.0.owners.roll().unwrap_or_default();
        let owning = |fits: &dyn Fn(&Owner) -> bool| {
            let mut fitting = roll.owners.iter().filter(|(_, owner)| fits(owner));
            let only = fitting.next().map(|(alias, _)| alias.clone());
            only.filter(|_| fitting.next().is_none())
        };
        let in_account = |o: &Owner| !app_id.is_empty() && o.places.is_of_account(app_id);
        let topic = alarm.dimensions.get("topicId");
        let has_topic = |o: &Owner| topic.is_some_and(|topic| o.places.has_topic(topic));
        owning(&|o| !cluster.is_empty() && o.places.clusters.contains(cluster))
            .or_else(|| owning(&has_topic))
            .or_else(|| owning(&in_account))
            .or_else(|| owning(&|o| in_account(o) && o.region == alarm.region))
            .or_else(|| self.0.owners.choose(None).ok())
    }
}

/// Why an alarm could not be kept.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("no owner to keep it for; give GENGFU_ALERT_SECRET an `;owner=`")]
    Nobody,
    #[error(transparent)]
    Store(#[from] crate::store::Error),
}

async fn with_path(
    State(hooks): State<Webhooks>,
    Path((source, secret)): Path<(String, String)>,
    method: Method,
    body: Body,
) -> Response {
    match hooks.door(&secret) {
        Some(door) => accept(&hooks, door, &source, &method, body).await,
        None => closed(false),
    }
}

async fn with_password(
    State(hooks): State<Webhooks>,
    Path(source): Path<String>,
    method: Method,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match password(&headers).and_then(|secret| hooks.door(&secret)) {
        Some(door) => accept(&hooks, door, &source, &method, body).await,
        None => closed(true),
    }
}

async fn accept(
    hooks: &Webhooks,
    door: &Door,
    source: &str,
    method: &Method,
    body: Body,
) -> Response {
    let source = match source {
        "tcop" => Source::Tcop,
        "cls" => Source::Cls,
        "alertmanager" => Source::Alertmanager,
        _ => return (StatusCode::NOT_FOUND, "tcop, cls or alertmanager\n").into_response(),
    };
    if matches!(*method, Method::GET | Method::HEAD) {
        return "ok\n".into_response();
    }
    if !matches!(*method, Method::POST | Method::PUT) {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let now_ms = hooks.0.clock.now_ms();
    let may_come = door
        .rate
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take(now_ms);
    if !may_come {
        return (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "10")]).into_response();
    }
    let (body, broken) = read(body).await;
    // A body that did not come whole is no way around the signature; one that only tries the address needs none.
    let tries = broken.is_none().then(|| verification(&body)).flatten();
    if tries.is_none() && names_cls(source, &body) && !is_signed(door, &body, now_ms) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if let Some(why) = broken {
        return part(hooks, door, source, &body, why, now_ms).await;
    }
    let mut answer = match source {
        Source::Tcop => json!({ "sessionId": session_id(&body), "retCode": 0 }),
        _ => json!({ "code": 0 }),
    };
    if let Some(echo) = tries {
        for (name, code) in echo {
            answer[name] = code;
        }
        return Json(answer).into_response();
    }
    let opened = inbox::open(&body, source, now_ms);
    if opened.alarms().any(|a| a.source == Source::Cls) && !is_signed(door, &body, now_ms) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    match hooks.receive(door, opened).await {
        Ok(()) => Json(answer).into_response(),
        Err(error) => not_kept(&error),
    }
}

/// Whether a body says that it is of CLS, which even a broken one may; the door beside it is no way around the signature.
fn names_cls(source: Source, body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    let has = |name: &str| text.contains(name);
    source == Source::Cls || has("\"cls_alarm\"") || has("\"alarmId\"") && has("\"topicId\"")
}

fn is_signed(door: &Door, body: &[u8], now_ms: i64) -> bool {
    let checked = signed::check(body, &door.signer, door.must_be_signed, now_ms);
    if let Err(error) = &checked {
        tracing::warn!(%error, "refused an alarm of CLS");
    }
    checked.is_ok()
}

/// Keeps the beginning of a body that did not come whole, and says so to its sender.
async fn part(
    hooks: &Webhooks,
    door: &Door,
    source: Source,
    beginning: &[u8],
    why: Broken,
    now_ms: i64,
) -> Response {
    let (status, name) = match why {
        Broken::TooLong => (StatusCode::PAYLOAD_TOO_LARGE, "too_long"),
        Broken::TooSlow => (StatusCode::REQUEST_TIMEOUT, "too_slow"),
    };
    metrics::counter!("gengfu_alarms_broken_total", "why" => name).increment(1);
    tracing::warn!(
        why = name,
        bytes = beginning.len(),
        "an alarm did not come whole; its beginning is kept"
    );
    if !beginning.is_empty() {
        let opened = inbox::open_broken(beginning, why, source, now_ms);
        if let Err(error) = hooks.receive(door, opened).await {
            return not_kept(&error);
        }
    }
    status.into_response()
}

fn not_kept(error: &Refused) -> Response {
    tracing::error!(%error, "could not keep an alarm; its sender is asked to repeat it");
    let later = [(header::RETRY_AFTER, "10")];
    (StatusCode::SERVICE_UNAVAILABLE, later).into_response()
}

/// The same for a wrong secret and a missing one.
fn closed(ask_for_password: bool) -> Response {
    tracing::warn!("refused an alarm: its secret is not in GENGFU_ALERT_SECRET");
    let mut answer = StatusCode::UNAUTHORIZED.into_response();
    if ask_for_password {
        let challenge = header::HeaderValue::from_static("Basic realm=\"alerts\"");
        answer
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, challenge);
    }
    answer
}

/// The password of Basic authentication; the user name may be anything.
fn password(headers: &HeaderMap) -> Option<String> {
    let (scheme, code) = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let plain = String::from_utf8(STANDARD.decode(code.trim()).ok()?).ok()?;
    plain
        .split_once(':')
        .map(|(_, password)| password.to_owned())
}

#[cfg(test)]
#[path = "alerts_tests.rs"]
mod tests;
