//! `gengfu serve`: the server and its timer, until a signal.
//!
//! In: the configuration. Out: MCP, webhooks, probes on `GENGFU_BIND`; the round of every night. Always true: the address is printed
//! once the server answers; a signal lets running answers finish before anything ends.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::http::Uri;
use futures::future::join_all;
use secrecy::ExposeSecret as _;
use tokio::{net::TcpListener, signal::unix, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{
    Failure, Outcome, doctor, environment,
    handover::{self, Counter},
    measures, nightly,
    polling::Poller,
    rounds, tell, telling,
};
use crate::{
    alerts::bell,
    app::{App, LOCAL_OWNER},
    config::{Config, Serving, TokenSpec},
    http::{
        self, Hosts, Parts, Ready, Tokens,
        auth::{self, Token},
        token_file,
    },
    mcp::{
        Caller, Calls, Changes, Clock, ClusterDays, Desk, Endpoint, Stop, Stores, serve_endpoint,
        sessions,
    },
    model::Lang,
    round::tasks::Tasks,
};

/// Running answers get this long after a signal; a tool call ends within eight seconds.
const DRAIN: Duration = Duration::from_secs(10);

#[derive(Debug, clap::Args)]
pub struct Args {}

pub async fn run(config: Config) -> Result<Outcome, Failure> {
    let app = App::new(config, LOCAL_OWNER.parse()?)?;
    if let Some(other) = handover::in_the_way(&app.config.running.data_dir, app.lang()).await {
        return Err(Failure::Failed(anyhow::anyhow!(other)));
    }
    serve(app).await
}

/// Serves until SIGTERM or SIGINT.
pub(super) async fn serve(app: App) -> Result<Outcome, Failure> {
    let serving = &app.config.serving;
    let tokens = tokens(&app.config)?;
    let stop = Stop::default();
    let rounds_stop = CancellationToken::new();
    let holder = format!("gengfu serve {} ({})", serving.bind, std::process::id());
    let stores = Arc::new(Stores::new(&app.config.running.data_dir).held_by(holder));
    let tasks = Tasks::new(rounds_stop.clone());
    let changes = Changes::default();
    let rounds = rounds::wired(&app, &stores, &changes, tasks.clone());
    let (ring, ear) = bell();
    let chats = telling::chats(&app)?;
    let teller = telling::teller(&app, chats.clone(), rounds.around())?;
    let alerts = telling::webhooks(&app, &stores, &changes, ring.clone());
    let poller = Poller::new(&app, &stores, &changes, ring);
    let desk = Arc::new(Desk {
        clock: Clock::System,
        zone: app.config.zone().clone(),
        lang: app.lang(),
        stores: stores.clone(),
        owners: app.owners.clone(),
        rounds: rounds.clone(),
        chat: telling::chat(chats),
        changes: changes.clone(),
        stop: stop.clone(),
        calls: Calls::default(),
        days: ClusterDays::default(),
    });
    let ready = Ready::default();
    let filed = tokio::spawn(token_file::follow(
        tokens.clone(),
        token_file::path(&app.config.running.data_dir),
        rounds_stop.clone(),
    ));
    let router = http::router(Parts {
        desk: desk.clone(),
        tokens: tokens.clone(),
        hosts: hosts(serving, &tokens),
        limits: sessions::Limits::default(),
        ready: ready.clone(),
        metrics: measures::install(&rounds_stop),
        guarded: axum::Router::new(),
        open: alerts.routes(),
    });
    app.owners.take_up_switches();
    let listener = TcpListener::bind(serving.bind)
        .await
        .map_err(|error| cannot_listen(&app, error))?;
    let address = listener.local_addr()?;
    let counter = Counter::open(&app.config.running.data_dir);
    tell(&where_it_serves(address, app.lang()))?;
    tracing::info!(%address, "serving");

    let model = tokio::spawn(ask_model(app.clone(), rounds_stop.clone()));
    app.owners.adopt_environment(Clock::System.now_ms())?;
    let environment = tokio::spawn(environment::follow(
        app.clone(),
        stores.clone(),
        rounds.clone(),
        rounds_stop.clone(),
    ));
    let tending = tokio::spawn(telling::tend(
        app.clone(),
        teller,
        ear,
        stores.clone(),
        changes,
        rounds_stop.clone(),
    ));
    let polling = tokio::spawn(poller.every_minute(rounds_stop.clone()));
    let endpoints = dial(&app.config, &desk, &rounds_stop);
    let handed_over = counter.map(|c| tokio::spawn(c.serve(rounds.clone(), rounds_stop.clone())));
    rounds::take_up_again(&app, &stores, &rounds).await;
    let watchman = nightly::Watchman {
        app: app.clone(),
        stores,
        rounds,
        ready,
    };
    let nights = tokio::spawn(watchman.every_night(rounds_stop.clone()));
    let stopping = tokio::spawn(drain_when_signalled(stop.clone(), rounds_stop.clone()));
    let served = http::serve(listener, router, &stop).await;
    rounds_stop.cancel();
    stopping.abort();
    if tokio::time::timeout(DRAIN, tasks.finish()).await.is_err() {
        tracing::warn!("a round did not stop in time; it goes on at the next start");
    }
    // All end with their token; how, changes nothing any more.
    let ending = [nights, environment, tending, polling, filed, model];
    let ending = ending.into_iter().chain(endpoints).chain(handed_over);
    let _ended = join_all(ending).await;
    served?;
    Ok(Outcome::Done)
}

/// Reports are made by rules when the model does not answer; the operator should know before the first night does.
async fn ask_model(app: App, stop: CancellationToken) {
    let trouble = tokio::select! {
        () = stop.cancelled() => return,
        trouble = doctor::model_trouble(&app.config) => trouble,
    };
    if let Some(trouble) = trouble {
        tracing::warn!(trouble, "the model does not answer");
    }
}

fn where_it_serves(address: SocketAddr, lang: Lang) -> String {
    match lang {
        Lang::Zh => format!("MCP 地址 http://{address}/mcp"),
        Lang::En => format!("MCP at http://{address}/mcp"),
    }
}

async fn drain_when_signalled(stop: Stop, rounds_stop: CancellationToken) {
    signalled().await;
    tracing::info!("stopping");
    rounds_stop.cancel();
    let left = stop.drain(DRAIN).await;
    if left > 0 {
        tracing::warn!(left, "some answers were not finished");
    }
}

/// Serves every endpoint of the configuration until `stop`.
fn dial(config: &Config, desk: &Arc<Desk>, stop: &CancellationToken) -> Vec<JoinHandle<()>> {
    let of = |e: &crate::config::Endpoint| Endpoint {
        name: e.name.clone(),
        url: e.url.clone(),
        access: token_file::access(e.owner.as_slice()),
    };
    let endpoints = config.telling.endpoints.iter().map(of);
    endpoints
        .map(|e| tokio::spawn(serve_endpoint(desk.clone(), e, stop.clone())))
        .collect()
}

/// The public address is a name of this server, too - where nobody comes in without a token.
fn hosts(serving: &Serving, tokens: &Tokens) -> Hosts {
    let public = serving
        .public_url
        .iter()
        .filter(|_| !tokens.are_not_needed());
    let public = public.filter_map(|url| {
        let uri: Uri = url.parse().ok()?;
        Some(uri.authority()?.as_str().to_owned())
    });
    Hosts::new(serving.allowed_hosts.iter().cloned().chain(public))
        .with_origins(serving.allowed_origins.iter().cloned())
}

/// The tokens of the configuration and of the file; enough of them for the address.
fn tokens(config: &Config) -> Result<Tokens, Failure> {
    let serving = &config.serving;
    let tokens = configured(&serving.tokens);
    let path = token_file::path(&config.running.data_dir);
    if let Err(error) = token_file::load(&tokens, &path) {
        let (found, todo) = token_file::unreadable(&path, &error, config.lang());
        return Err(Failure::Misused(format!("{found}\n  {todo}")));
    }
    tokens
        .may_listen_on(serving.bind)
        .map_err(|error| Failure::Misused(error.sentence(config.lang())))?;
    Ok(tokens)
}

fn configured(specs: &[TokenSpec]) -> Tokens {
    specs.iter().fold(Tokens::default(), |tokens, spec| {
        let caller = Caller {
            name: spec.name.as_str().into(),
            access: token_file::access(&spec.owners),
            detail: token_file::detail(spec.detail.as_deref()),
        };
        let token = Token::new(auth::sha256(spec.token.expose_secret()), caller);
        tokens.with_token(token.per_minute(spec.rate.unwrap_or(auth::PER_MINUTE)))
    })
}

fn cannot_listen(app: &App, error: std::io::Error) -> Failure {
    let bind = app.config.serving.bind;
    let advice = match app.lang() {
        Lang::Zh => format!("不能监听 {bind}:换一个 GENGFU_BIND,或停掉占用它的程序"),
        Lang::En => {
            format!("cannot listen on {bind}; choose another GENGFU_BIND or stop what uses it")
        }
    };
    Failure::Failed(anyhow::Error::new(error).context(advice))
}

async fn signalled() {
    let terminated = async {
        match unix::signal(unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = terminated => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn config(data: &std::path::Path, pairs: &[(&str, &str)]) -> Config {
        let data = data.display().to_string();
        let pairs = [&[("GENGFU_DATA_DIR", data.as_str())], pairs].concat();
        let vars: BTreeMap<_, _> = pairs
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect();
        Config::from_vars(&vars).expect("config")
    }

    #[test]
    fn a_file_of_tokens_that_cannot_be_read_keeps_the_server_from_starting() {
        let dir = tempfile::tempdir().expect("dir");
        let config = config(dir.path(), &[("GENGFU_ALLOWED_HOSTS", "logs.example.com")]);
        assert!(tokens(&config).expect("no file").are_not_needed());
        std::fs::write(token_file::path(dir.path()), "{\"broken").expect("write");
        let Err(Failure::Misused(text)) = tokens(&config) else {
            panic!("it started");
        };
        assert!(text.contains("tokens.json"), "{text}");
    }

    #[test]
    fn the_public_address_is_answered_to_once_a_token_is_needed() {
        let dir = tempfile::tempdir().expect("dir");
        let public = [("GENGFU_PUBLIC_URL", "https://logs.example.com:8443/")];
        let open = config(dir.path(), &public);
        let closed = config(dir.path(), &[public[0], ("GENGFU_TOKENS", "s3cret")]);
        for (config, admits) in [(open, false), (closed, true)] {
            let tokens = tokens(&config).expect("tokens");
            let hosts = hosts(&config.serving, &tokens);
            assert_eq!(hosts.allows_origin("https://logs.example.com:8443"), admits);
            assert!(!hosts.allows_origin("https://evil.example"));
        }
    }
}
