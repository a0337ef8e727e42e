//! Many callers at once who switch owners at random: every answer belongs to the owner that the contract's rule gives the call.

use std::{path::Path, sync::atomic::Ordering};

use gengfu::{
    mcp::MARK,
    model::{Credentials, OwnerAlias},
    owners::{NewOwner, Owner},
};
use reqwest::Client;
use serde_json::{Value, json};

use crate::{
    running::{OTHER, ROBOT, Running, http_client, initialize},
    stored_day::{self, owner},
};

const CALLERS: u64 = 50;
const CALLS: u64 = 200;
/// Without a spoken code.
const OWNERS: [&str; 5] = ["demo", "o1", "o2", "o3", "o4"];

/// Enough of a generator to send every caller its own way, the same way each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// Somebody with a scope of its own: a robot that names itself, or a session.
struct Caller {
    http: Client,
    url: String,
    token: &'static str,
    session: String,
    device: Option<String>,
}

impl Caller {
    async fn new(server: &Running, n: u64, http: Client) -> Self {
        let token = if n.is_multiple_of(3) { OTHER } else { ROBOT };
        let answer = server
            .post(token, None, &initialize())
            .send()
            .await
            .expect("initialize");
        let session = answer.headers()["mcp-session-id"].to_str().expect("text");
        Self {
            http,
            url: server.url("/mcp"),
            token,
            session: session.to_owned(),
            device: n
                .is_multiple_of(2)
                .then(|| format!("aa:bb:cc:00:00:{n:02x}")),
        }
    }

    async fn ask(&self, tool: &str, mut arguments: Value) -> String {
        if let Some(device) = &self.device {
            arguments["device_id"] = json!(device);
        }
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}});
        let answer = self
            .http
            .post(&self.url)
            .bearer_auth(self.token)
            .header("accept", "application/json, text/event-stream")
            .header("mcp-session-id", &self.session)
            .header("mcp-protocol-version", "2025-06-18")
            .json(&body)
            .send()
            .await
            .expect("answer");
        assert!(answer.status().is_success(), "{}", answer.status());
        answer.text().await.expect("body")
    }

    /// Asks one thing, and whom it was about.
    async fn hears_of(&self, tool: &str, arguments: Value) -> String {
        let text = self.ask(tool, arguments).await;
        let aside = text.split(MARK).nth(1).unwrap_or_default();
        let named = aside.split("owner=").nth(1).unwrap_or_default();
        let end = named.find([';', '\\', '"']).unwrap_or(named.len());
        assert!(!named.is_empty(), "no owner: {text}");
        for other in OWNERS.iter().filter(|o| **o != &named[..end]) {
            assert!(!text.contains(&planted(other)), "{other}: {text}");
        }
        named[..end].to_owned()
    }
}

/// A word that only this owner's report holds.
fn planted(owner: &str) -> String {
    format!("planted-{owner}-word")
}

async fn lay(server: &Running, data: &Path) {
    for alias in OWNERS {
        let alias: OwnerAlias = owner(alias);
        if alias.as_str() != "demo" {
            let key = Credentials::new(format!("AKIDtest{alias}"), format!("secret-of-{alias}"));
            let new = NewOwner {
                alias: alias.clone(),
                key,
                code: None,
                about: Owner::default(),
            };
            server.desk.owners.add(new).expect("add");
        }
        let store = server.desk.stores.of(&alias).await.expect("store");
        stored_day::lay(data, &store).await;
        let mut report = stored_day::report();
        report.owner = alias.clone();
        report.incidents[0].title = format!("{} 出错", planted(alias.as_str()));
        store.put_revision(report).await.expect("revision");
    }
}

/// One caller's way through the owners; `standing` is whom `.env` names.
async fn walk(caller: &Caller, dice: &mut Dice, standing: &str, steps: u64) {
    let mut expected = standing.to_owned();
    for step in 0..steps {
        if dice.below(5) < 2 {
            let wanted = OWNERS[usize::try_from(dice.below(5)).expect("small")];
            let heard = caller
                .hears_of(
                    "switch_owner_keys",
                    json!({ "owner": wanted, "run": "never" }),
                )
                .await;
            assert_eq!(heard, wanted, "step {step}");
            wanted.clone_into(&mut expected);
            continue;
        }
        let (tool, arguments) = match dice.below(4) {
            0 => ("summarize_day", json!({ "part": 1 })),
            1 => ("search_events", json!({})),
            _ => ("task_status", json!({})),
        };
        assert_eq!(
            caller.hears_of(tool, arguments).await,
            expected,
            "step {step}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_calls_of_fifty_callers_each_see_whom_they_chose() {
    let server = Running::start().await;
    lay(&server, server.data.path()).await;
    let http = http_client();
    let mut callers = Vec::new();
    for n in 0..CALLERS {
        callers.push((Caller::new(&server, n, http.clone()).await, Dice(n)));
    }
    let mut standing = "demo".to_owned();
    for half in 0..2 {
        let mut walking = tokio::task::JoinSet::new();
        for (caller, mut dice) in callers.drain(..) {
            let standing = standing.clone();
            walking.spawn(async move {
                // A new session of a token begins with the token's newest switch, whoever's that was: so each begins with its own.
                if half == 0 {
                    let begun = json!({ "owner": standing, "run": "never" });
                    let heard = caller.hears_of("switch_owner_keys", begun).await;
                    assert_eq!(heard, standing);
                }
                walk(
                    &caller,
                    &mut dice,
                    &standing,
                    CALLS / 2 - u64::from(half == 0),
                )
                .await;
                (caller, dice)
            });
        }
        while let Some(walked) = walking.join_next().await {
            callers.push(walked.expect("a walk"));
        }
        // The file names somebody: from now on everybody hears of that owner, until they switch again.
        server.clock.fetch_add(1_000, Ordering::SeqCst);
        let key = Credentials::new("AKIDtesto3", "secret-of-o3");
        let now_ms = server.clock.load(Ordering::SeqCst);
        let changed = server.desk.owners.environment_changed(&key, now_ms);
        standing = changed.expect("change").owner.to_string();
        server.clock.fetch_add(1_000, Ordering::SeqCst);
    }
    server.stop().await;
}
