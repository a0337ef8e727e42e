//! Many robots at once, for long: 500 sessions, 200 calls a second of stored answers; then sessions that are opened and abandoned.
//!
//! `cargo bench --bench load`; `GENGFU_LOAD_SECONDS` (60), `GENGFU_LOAD_SESSIONS` (500), `GENGFU_LOAD_RATE` (200), `GENGFU_LOAD_ABANDONED` (2000),
//! `GENGFU_LOAD_REST` (180: seconds waited until memory has come back). Loopback only. The server is the real program in a process of its own
//! over the sample day; `GENGFU_LOAD_PROGRAM` is another build of it (with `--profile dev` only this bench is built unoptimised). Calls start by the clock, whether the last one was answered or not, and a time counts from when a call was due. Prints
//! p50, p99 and the slowest, errors, memory along the way; exit status 1 when a promise is broken: p99 of 50 ms, no error, no more live sessions
//! than the cap, memory that is flat over the last two thirds of the calls, and after a second wave of abandoned sessions what it was after the first.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::task::JoinSet;

const P99: Duration = Duration::from_millis(50);
/// `Limits::default().live`.
const CAP: f64 = 1000.0;
/// What a second full house of sessions may leave behind beyond what the first left.
const LEFT_BEHIND_MB: f64 = 8.0;
/// What the median may grow by from the second third of the calls to the last.
const GROWN_MB: f64 = 8.0;
const TOKEN: &str = "token-of-the-load-bench-0001";

struct Server {
    child: Child,
    url: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended by itself, then.
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

impl Server {
    fn start(folder: &std::path::Path) -> anyhow::Result<Self> {
        let program = std::env::var_os("GENGFU_LOAD_PROGRAM");
        let program = program.unwrap_or_else(|| env!("CARGO_BIN_EXE_gengfu").into());
        let mut child = Command::new(program)
            .args(["demo", "--serve", "--keep"])
            .arg(folder)
            .current_dir(folder)
            .env("GENGFU_BIND", "127.0.0.1:0")
            .env("GENGFU_LOG", "warn")
            .env("GENGFU_TOKENS", TOKEN)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let said = BufReader::new(child.stdout.take().context("no stdout")?);
        for line in said.lines() {
            if let Some((_, address)) = line?.split_once(" http://127.0.0.1:") {
                let url = format!("http://127.0.0.1:{}", address.trim_end_matches("/mcp"));
                return Ok(Self { child, url });
            }
        }
        anyhow::bail!("the server ended before it listened")
    }

    /// Resident memory.
    fn mb(&self) -> anyhow::Result<f64> {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.child.id()))?;
        let pages: f64 = statm.split(' ').nth(1).context("statm")?.parse()?;
        Ok(pages * 4096.0 / 1e6)
    }
}

struct Robot {
    http: reqwest::Client,
    url: String,
    session: String,
    number: usize,
}

impl Robot {
    async fn new(http: reqwest::Client, url: String, number: usize) -> anyhow::Result<Self> {
        let mut robot = Self {
            http,
            url,
            session: String::new(),
            number,
        };
        let opened = robot
            .post(&json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
                "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "load", "version": "1"}}}))
            .await?;
        let session = opened.headers().get("mcp-session-id");
        session
            .context("no session")?
            .to_str()?
            .clone_into(&mut robot.session);
        opened.bytes().await?;
        robot
            .post(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))
            .await?;
        Ok(robot)
    }

    async fn post(&self, message: &Value) -> anyhow::Result<reqwest::Response> {
        let mut request = self
            .http
            .post(format!("{}/mcp", self.url))
            .bearer_auth(TOKEN)
            .header("accept", "application/json, text/event-stream")
            .json(message);
        if !self.session.is_empty() {
            request = request.header("mcp-session-id", &self.session);
        }
        Ok(request.send().await?.error_for_status()?)
    }

    /// Asks one of the questions of a morning.
    async fn ask(&self, n: usize) -> anyhow::Result<()> {
        let device = format!(
            "aa:bb:cc:dd:{:02x}:{:02x}",
            self.number / 256,
            self.number % 256
        );
        let (tool, mut arguments) = match n % 5 {
            0 | 1 => ("summarize_day", json!({})),
            2 => ("summarize_day", json!({"part": 2})),
            3 => ("propose_rollback", json!({"incident": "i1"})),
            _ => ("search_audit", json!({"limit": 5})),
        };
        arguments["device_id"] = device.into();
        let call = json!({"jsonrpc": "2.0", "id": n, "method": "tools/call", "params": {"name": tool, "arguments": arguments}});
        let answer = self.post(&call).await?.text().await?;
        ensure!(
            answer.contains("不要读出") && !answer.contains("\"isError\":true"),
            "{tool}: {answer}"
        );
        Ok(())
    }
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name)
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(default)
}

async fn robots(
    server: &Server,
    http: &reqwest::Client,
    n: usize,
) -> anyhow::Result<Vec<Arc<Robot>>> {
    let opening = (0..n).map(|i| Robot::new(http.clone(), server.url.clone(), i));
    let opened: Vec<_> = stream::iter(opening).buffer_unordered(16).collect().await;
    opened.into_iter().map(|r| r.map(Arc::new)).collect()
}

/// Of nothing it is not a number.
fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Live sessions, as the server counts them.
async fn live(server: &Server, http: &reqwest::Client) -> anyhow::Result<f64> {
    let text = http
        .get(format!("{}/metrics", server.url))
        .bearer_auth(TOKEN)
        .send()
        .await?
        .text()
        .await?;
    let line = text
        .lines()
        .find_map(|l| l.strip_prefix("gengfu_sessions "));
    Ok(line.context("no gengfu_sessions")?.parse()?)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let (seconds, sessions, rate) = (
        setting("GENGFU_LOAD_SECONDS", 60),
        setting("GENGFU_LOAD_SESSIONS", 500),
        setting("GENGFU_LOAD_RATE", 200),
    );
    // Whoever comes first installs it; there is nobody else here.
    let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir()?;
    let server = Server::start(folder.path())?;
    let http = reqwest::Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(64)
        .build()?;
    let alone = server.mb()?;
    let robots = robots(&server, &http, sessions).await?;
    println!(
        "{alone:.1} MB alone, {:.1} MB with {} sessions",
        server.mb()?,
        live(&server, &http).await?
    );

    let (calls, gap) = (
        seconds * rate,
        Duration::from_secs(1) / u32::try_from(rate)?,
    );
    let begin = Instant::now();
    let mut running: JoinSet<anyhow::Result<Duration>> = JoinSet::new();
    let mut outcomes = Vec::with_capacity(calls);
    let mut memory = Vec::new();
    for n in 0..calls {
        let due = begin + gap * u32::try_from(n)?;
        tokio::time::sleep_until(due.into()).await;
        let robot = robots[n % robots.len()].clone();
        running.spawn(async move {
            robot.ask(n).await?;
            Ok(due.elapsed())
        });
        while let Some(done) = running.try_join_next() {
            outcomes.push(done?);
        }
        if n % (rate * 10) == 0 {
            memory.push(server.mb()?);
        }
    }
    while let Some(done) = running.join_next().await {
        outcomes.push(done?);
    }
    let errors: Vec<_> = outcomes.iter().filter_map(|o| o.as_ref().err()).collect();
    let mut times: Vec<Duration> = outcomes
        .iter()
        .filter_map(|o| o.as_ref().ok().copied())
        .collect();
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
    println!(
        "{} calls in {:.1?}: p50 {:.2?}, p99 {:.2?}, slowest {:.2?}, {} errors",
        outcomes.len(),
        begin.elapsed(),
        at(50),
        at(99),
        at(100),
        errors.len()
    );
    println!("memory every ten seconds, MB: {memory:.1?}");
    let third = memory.len() / 3;
    let grown = median(&memory[memory.len() - third..]) - median(&memory[third..2 * third]);
    let p99 = at(99);
    if let Some(first) = errors.first() {
        println!("the first error: {first:#}");
    }
    let failed = !errors.is_empty();
    drop(outcomes);
    drop(robots);

    let mut after = Vec::new();
    for wave in ["first", "second"] {
        after.push(abandon(&server, &http, wave).await?);
    }
    ensure!(!failed && p99 <= P99, "too slow, or wrong");
    ensure!(
        grown.is_nan() || grown <= GROWN_MB,
        "memory grew by {grown:.1} MB"
    );
    // What the first wave leaves is the allocator's; what each further one leaves would be a leak.
    let left_behind = after[1] - after[0];
    ensure!(
        left_behind <= LEFT_BEHIND_MB,
        "the second wave left {left_behind:.1} MB behind"
    );
    Ok(())
}

/// Opens sessions, leaves them, and waits until the last is gone. Memory after that, in MB.
async fn abandon(server: &Server, http: &reqwest::Client, wave: &str) -> anyhow::Result<f64> {
    let before = server.mb()?;
    let abandoned = robots(server, http, setting("GENGFU_LOAD_ABANDONED", 2000)).await?;
    drop(abandoned);
    let (most, full) = (live(server, http).await?, server.mb()?);
    let rest = Instant::now();
    let limit = Duration::from_secs(u64::try_from(setting("GENGFU_LOAD_REST", 180))?);
    while live(server, http).await? > 0.0 && rest.elapsed() < limit {
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    let (after, left) = (server.mb()?, live(server, http).await?);
    println!(
        "abandoned, {wave} wave: {most} sessions alive at most; {before:.1} MB before, {full:.1} MB full, {after:.1} MB and {left} sessions after {:.0?}",
        rest.elapsed()
    );
    ensure!(most <= CAP, "the cap did not hold");
    ensure!(left < 0.5, "{left} sessions stayed");
    Ok(after)
}
