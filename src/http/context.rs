//! `GET /xiaozhi/context`: what xiaozhi's server asks at every wake of a robot, and puts before its model.
//!
//! In: the header `device-id`, behind a bearer token. Out: `{"code":0,"data":{name: line}}`. Always true: the answer comes within
//! [`WAIT`], since a wake blocks on it and its server gives up after three seconds; whatever goes wrong here, the robot wakes without
//! a line, and what it was not given is not taken for told. Form: `docs/context-provider-integration.md` of xinnan-tech/xiaozhi-esp32-server.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Json, Router,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
    routing::get,
};
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use crate::{
    alerts::{Lines, Waking, Woken, at_wake},
    mcp::{Access, Caller, Clock, Desk, Origin, Stores, Wire, scope},
    model::{Lang, Moment},
    owners::{Asker, Owners},
    store::{self, Store},
};

/// A wake is felt as slow beyond this; the next one asks again.
const WAIT: Duration = Duration::from_millis(200);

/// Longest device id that is one.
const DEVICE_CHARS: usize = 64;

/// What the route needs.
#[derive(Debug, Clone)]
pub(super) struct Context {
    stores: Arc<Stores>,
    owners: Owners,
    clock: Clock,
    zone: TimeZone,
    lang: Lang,
}

/// Why a robot wakes without a line.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("it is nobody's turn")]
    Nobody,
    #[error(transparent)]
    Owners(#[from] crate::owners::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The route; it must stand behind [`auth::require`](super::auth::require).
pub(super) fn routes(desk: &Desk) -> Router {
    let context = Context {
        stores: desk.stores.clone(),
        owners: desk.owners.clone(),
        clock: desk.clock,
        zone: desk.zone.clone(),
        lang: desk.lang,
    };
    Router::new()
        .route("/xiaozhi/context", get(answer))
        .with_state(context)
}

async fn answer(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Response {
    let device = headers
        .get("device-id")
        .and_then(|v| v.to_str().ok())
        .map(str::trim)
        .filter(|d| !d.is_empty() && d.chars().count() <= DEVICE_CHARS);
    let lines = match device {
        // Without a name every robot would get the same line again and again.
        None => Lines::new(),
        Some(device) => within(&context, caller, device).await,
    };
    let data: Map<String, Value> = lines
        .into_iter()
        .map(|(name, line)| (name.to_owned(), Value::from(line)))
        .collect();
    Json(json!({ "code": 0, "data": data })).into_response()
}

async fn within(context: &Context, caller: Caller, device: &str) -> Lines {
    // A task of its own: what it has noted as told when the time is up must be known, to be given back.
    let (context, device) = (context.clone(), device.to_owned());
    let mut work = tokio::spawn(async move { woken(&context, caller, &device).await });
    match tokio::time::timeout(WAIT, &mut work).await {
        Ok(Ok(Ok((_, woken)))) => woken.lines,
        Ok(Ok(Err(error))) => {
            tracing::debug!(%error, "a robot wakes without a line");
            Lines::new()
        }
        // A panic was told by its hook.
        Ok(Err(_)) => Lines::new(),
        Err(_) => {
            tracing::warn!("a robot could not wait for its line; the disk is slow");
            tokio::spawn(async move {
                if let Ok(Ok((store, woken))) = work.await
                    && let Err(error) = woken.give_back(&store).await
                {
                    tracing::error!(%error, "what a robot could not wait for counts as told");
                }
            });
            Lines::new()
        }
    }
}

async fn woken(context: &Context, caller: Caller, device: &str) -> Result<(Store, Woken), Error> {
    let now_ms = context.clock.now_ms();
    let asker = Asker {
        token: &caller.name,
        session: None,
        device: Some(device),
        speaker: None,
        client: None,
        owners: match &caller.access {
            Access::All => &[],
            Access::Only(owners) => owners,
        },
    };
    let whose = context
        .owners
        .owner_behind(&asker, now_ms)?
        .ok_or(Error::Nobody)?;
    if !caller.access.allows(&whose.owner) {
        return Err(Error::Nobody);
    }
    let store = context.stores.of(&whose.owner).await?;
    let token = caller.name.to_string();
    let origin = Origin {
        caller,
        session: None,
        device: Some(device.to_owned()),
        speaker: None,
        client: None,
        wire: Wire::Http,
    };
    let scopes = [scope(&origin), token];
    let waking = Waking {
        device,
        scopes: &scopes,
    };
    let now = Moment::new(now_ms, &context.zone);
    let woken = at_wake(&store, waking, now, &context.zone, context.lang).await?;
    Ok((store, woken))
}
