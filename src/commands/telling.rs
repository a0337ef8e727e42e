//! What `serve` tells unasked: the alerts room put together from the configuration.
//!
//! In: the wired parts, a bell. Out: a [`Chat`] for the tools, and a task that tends alarms and announces the morning. Decides nothing:
//! `alerts` does.

use std::sync::Arc;

use futures::FutureExt as _;
use tokio_util::sync::CancellationToken;

use crate::{
    alerts::{
        Bell, Device, Ear, Teller, Tools,
        notify::{Chats, Gateway, QuietHours, Robot},
        watch,
    },
    app::App,
    http::alerts::{Key, Webhooks},
    mcp::{Change, Changes, Chat, Clock, Stores},
    model::OwnerAlias,
    round::around::ReadAround,
};

/// The doors for alarms.
pub(super) fn webhooks(app: &App, stores: &Arc<Stores>, changes: &Changes, ring: Bell) -> Webhooks {
    let secrets = &app.config.serving.alert_secrets;
    Webhooks::new(
        secrets.iter().map(|s| Key {
            secret: s.secret.clone(),
            sign: s.sign.clone(),
            owner: s.owner.clone(),
        }),
        stores.clone(),
        app.owners.clone(),
        changes.clone(),
        ring,
        Clock::System,
    )
}

/// The robots of chat groups.
pub(super) fn chats(app: &App) -> reqwest::Result<Chats> {
    let robots = app.config.telling.chats.iter().map(|c| Robot {
        url: c.url.clone(),
        secret: c.secret.clone(),
        owner: c.owner.clone(),
    });
    Ok(Chats::new(client()?, robots.collect(), app.lang()))
}

/// The same for the tools; none where no group is named, so that the answer says what to set.
pub(super) fn chat(chats: Chats) -> Chat {
    if chats.is_empty() {
        return Chat::default();
    }
    Chat::new(Arc::new(move |owner: OwnerAlias, text: String| {
        let chats = chats.clone();
        async move {
            let now_ms = Clock::System.now_ms();
            let sent = chats.send(&owner, &text, now_ms).await;
            sent.map_err(|error| error.to_string())
        }
        .boxed()
    }))
}

/// `logs`: reads the logs around an alarm.
pub(super) fn teller(
    app: &App,
    chats: Chats,
    logs: Option<Arc<ReadAround>>,
) -> reqwest::Result<Teller> {
    let (telling, zone) = (&app.config.telling, app.config.zone());
    let client = client()?;
    let gateway = telling
        .gateway
        .as_ref()
        .map(|g| Gateway::new(client, g.url.clone(), g.signature_key.clone(), zone.clone()));
    let devices = telling.devices.iter().map(|d| Device {
        id: d.id.clone(),
        name: d.name.clone(),
        owner: d.owner.clone(),
    });
    let tools = Tools {
        logs,
        chats,
        gateway,
        devices: devices.collect(),
        quiet: telling.quiet.map(|(from, to)| QuietHours { from, to }),
        broadcast_at: app.config.running.broadcast_at,
        zone: zone.clone(),
        lang: app.lang(),
    };
    Ok(Teller::new(tools, app.judge().catalogue))
}

/// Tends every owner's alarms until stopped.
pub(super) async fn tend(
    app: App,
    teller: Teller,
    ear: Ear,
    stores: Arc<Stores>,
    changes: Changes,
    stop: CancellationToken,
) {
    let open = Arc::new(move |owner: OwnerAlias| {
        let stores = stores.clone();
        async move { stores.of(&owner).await }.boxed()
    });
    let owners = move || app.owners.all().unwrap_or_default();
    let announce = move |owner| changes.announce(Change::Alerts(owner));
    watch(
        teller,
        ear,
        open,
        owners,
        || Clock::System.now_ms(),
        announce,
        stop,
    )
    .await;
}

/// Gateways and chat services are reached directly, as the bucket is.
fn client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder().no_proxy().build()
}
