//! How long a robot waits for the broadcast of a stored day: the real program over loopback, asked by a plain HTTP client.
//!
//! `cargo bench --bench answers`; `GENGFU_BENCH_CALLS` sets another number of calls. The day is the sample of `gengfu demo`, read by a
//! real round first. Prints p50 and p99 of `summarize_day` from the request to the last byte; the aim is a p99 under 20 ms.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

/// A program that ends with this value.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended by itself, then.
        let _gone = self.0.kill();
        let _status = self.0.wait();
    }
}

/// The sample day behind a server, and the address that it prints.
fn serve(folder: &std::path::Path) -> anyhow::Result<(Server, String)> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_gengfu"))
        .args(["demo", "--serve", "--keep"])
        .arg(folder)
        .current_dir(folder)
        .env("GENGFU_BIND", "127.0.0.1:0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let said = BufReader::new(child.stdout.take().context("no stdout")?);
    let server = Server(child);
    for line in said.lines() {
        // The broadcast is printed first, and may hold addresses too.
        if let Some((_, address)) = line?.split_once(" http://127.0.0.1:") {
            return Ok((server, format!("http://127.0.0.1:{address}")));
        }
    }
    anyhow::bail!("the server ended before it listened")
}

/// A session of the handshake era, as the xiaozhi server opens one.
struct Robot {
    http: reqwest::Client,
    url: String,
    session: String,
    device: String,
}

impl Robot {
    async fn new(url: &str, n: usize) -> anyhow::Result<Self> {
        let mut robot = Self {
            http: reqwest::Client::builder().no_proxy().build()?,
            url: url.to_owned(),
            session: String::new(),
            device: format!("aa:bb:cc:dd:ee:{n:02x}"),
        };
        let opened = robot
            .post(&json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
                "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}}))
            .await?;
        let session = opened.headers().get("mcp-session-id");
        session
            .context("no session")?
            .to_str()?
            .clone_into(&mut robot.session);
        robot
            .post(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))
            .await?;
        Ok(robot)
    }

    async fn post(&self, message: &Value) -> anyhow::Result<reqwest::Response> {
        let mut request = self
            .http
            .post(&self.url)
            .header("accept", "application/json, text/event-stream")
            .json(message);
        if !self.session.is_empty() {
            request = request.header("mcp-session-id", &self.session);
        }
        Ok(request.send().await?.error_for_status()?)
    }

    /// The time of each of `calls` broadcasts, one after the other.
    async fn listen(&self, detail: &str, calls: usize) -> anyhow::Result<Vec<Duration>> {
        let arguments = json!({"detail": detail, "device_id": self.device});
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "summarize_day", "arguments": arguments}});
        let mut times = Vec::with_capacity(calls);
        for _ in 0..calls {
            let start = Instant::now();
            let answer = self.post(&call).await?.text().await?;
            times.push(start.elapsed());
            ensure!(answer.contains("revision="), "no broadcast: {answer}");
        }
        Ok(times)
    }
}

fn percentile(times: &[Duration], percent: usize) -> Duration {
    times[(times.len() * percent / 100).min(times.len() - 1)]
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let calls: usize = std::env::var("GENGFU_BENCH_CALLS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(2000);
    // Whoever comes first installs it; there is nobody else here.
    let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir()?;
    let (_server, url) = serve(folder.path())?;
    for robots in [1, 8] {
        for detail in ["normal", "full"] {
            let robots: Vec<Robot> =
                futures::future::try_join_all((0..robots).map(|n| Robot::new(&url, n))).await?;
            let each = calls / robots.len();
            for robot in &robots {
                robot.listen(detail, 20).await?;
            }
            let listening = robots.iter().map(|robot| robot.listen(detail, each));
            let mut times = futures::future::try_join_all(listening).await?.concat();
            times.sort_unstable();
            println!(
                "summarize_day {detail}, {} at once: p50 {:.2?}, p99 {:.2?}, slowest {:.2?} of {} calls",
                robots.len(),
                percentile(&times, 50),
                percentile(&times, 99),
                percentile(&times, 100),
                times.len()
            );
        }
    }
    Ok(())
}
