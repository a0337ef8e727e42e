//! `gengfu connect`: the exact configuration of a client, tested through its very URL.
//!
//! In: which client, and the URL it will use. Out: configuration on stdout, and on stderr what a client sees there, or the step that
//! fails and what to do about it. A fresh token is made when none is configured; nothing is written.

use std::io::{self, Write as _};

use secrecy::ExposeSecret as _;
use serde_json::json;

use super::{
    Failure, Outcome,
    probe::{self, Passed, Step, Stuck},
    tell, token,
};
use crate::{config::Config, model::Lang};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which client
    #[arg(value_enum)]
    pub client: Client,
    /// The MCP address as the client will use it; default: GENGFU_PUBLIC_URL or GENGFU_BIND, with /mcp
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Print the configuration only
    #[arg(long)]
    pub no_test: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Client {
    /// A xiaozhi server (data/.mcp_server_settings.json)
    Xiaozhi,
    /// Claude Code, Claude Desktop and other MCP clients
    Claude,
}

pub(super) async fn run(args: Args, config: &Config) -> Result<Outcome, Failure> {
    let lang = config.lang();
    let url = args.url.clone().unwrap_or_else(|| default_url(config));
    let address = url::Url::parse(&url)
        .ok()
        .filter(|u| u.has_host() && matches!(u.scheme(), "http" | "https"));
    let Some(address) = address else {
        let text = lang.pick(
            "--url 要写成 http://主机:端口/mcp",
            "write --url as http://host:port/mcp",
        );
        return Err(Failure::Misused(text.to_owned()));
    };
    let known = token_for(args.client, config);
    let is_fresh = known.is_none();
    let token = match known {
        Some(token) => token,
        None => token::fresh().map_err(|e| anyhow::anyhow!("no randomness: {e}"))?,
    };
    tell(&configuration(args.client, &url, &token))?;
    let mut advice = advice(args.client, &address, config);
    if is_fresh {
        advice.insert(0, lang.pick(
            format!("这个令牌是新的:请在 .env 里写上 GENGFU_TOKENS='{token};name={0}',再重启 gengfu serve", args.client.name()),
            format!("this token is new: write GENGFU_TOKENS='{token};name={0}' into .env and restart gengfu serve", args.client.name()),
        ));
    }
    say(&advice)?;
    if args.no_test {
        return Ok(Outcome::Done);
    }
    // A server that knows no token yet is asked without one.
    let (passed, stuck) = probe::probe(&url, (!is_fresh).then_some(token.as_str())).await;
    let steps: Vec<_> = passed.iter().map(|p| step_in_words(p, lang)).collect();
    say(&steps)?;
    match stuck {
        None => Ok(Outcome::Done),
        Some(stuck) => Err(Failure::Failed(anyhow::anyhow!(stuck_in_words(
            &stuck, &address, lang
        )))),
    }
}

impl Client {
    const fn name(self) -> &'static str {
        match self {
            Self::Xiaozhi => "xiaozhi",
            Self::Claude => "claude",
        }
    }
}

fn default_url(config: &Config) -> String {
    let base = config.serving.public_url.clone();
    let base = base.unwrap_or_else(|| format!("http://{}", config.serving.bind));
    format!("{base}/mcp")
}

/// The configured token that this client is to use: the one of its name, else the first.
fn token_for(client: Client, config: &Config) -> Option<String> {
    let tokens = &config.serving.tokens;
    let named = tokens.iter().find(|t| t.name == client.name());
    named
        .or(tokens.first())
        .map(|t| t.token.expose_secret().to_owned())
}

/// Exactly what goes into the client's file. `transport` must be spelt as here: xiaozhi takes any other word for legacy SSE.
fn configuration(client: Client, url: &str, token: &str) -> String {
    let headers = json!({"Authorization": format!("Bearer {token}")});
    let server = match client {
        Client::Xiaozhi => json!({"url": url, "transport": "streamable-http", "headers": headers}),
        Client::Claude => json!({"type": "http", "url": url, "headers": headers}),
    };
    let file = json!({"mcpServers": {"gengfu": server}});
    serde_json::to_string_pretty(&file).unwrap_or_default()
}

/// What else has to be done, and where the configuration goes.
fn advice(client: Client, url: &url::Url, config: &Config) -> Vec<String> {
    let lang = config.lang();
    let mut lines = vec![match client {
        Client::Xiaozhi => lang.pick(
            "以上内容写入 xiaozhi-server 的 data/.mcp_server_settings.json,然后重启 xiaozhi-server;智能体的意图识别要选 function_call",
            "put this into data/.mcp_server_settings.json of the xiaozhi server and restart it; the agent's intent must be function_call",
        ),
        Client::Claude => lang.pick(
            "以上内容写入项目的 .mcp.json,或执行 claude mcp add --transport http gengfu <地址> --header \"Authorization: Bearer <令牌>\"",
            "put this into .mcp.json of your project, or: claude mcp add --transport http gengfu <url> --header \"Authorization: Bearer <token>\"",
        ),
    }
    .to_owned()];
    let host = url.host_str().unwrap_or_default();
    let is_local = host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback());
    let with_port = url
        .port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let allowed = &config.serving.allowed_hosts;
    if !is_local && !allowed.iter().any(|a| *a == with_port || a == host) {
        lines.push(lang.pick(
            format!("还要在 .env 里写上 GENGFU_ALLOWED_HOSTS={with_port}"),
            format!("also write GENGFU_ALLOWED_HOSTS={with_port} into .env"),
        ));
    }
    if !is_local && config.serving.bind.ip().is_loopback() {
        let bind = config.serving.bind;
        lines.push(lang.pick(
            format!("现在只监听本机({bind});别的机器要能连上,请写 GENGFU_BIND=0.0.0.0:{}", bind.port()),
            format!("the server listens on {bind} only; for other machines write GENGFU_BIND=0.0.0.0:{}", bind.port()),
        ));
    }
    if client == Client::Xiaozhi && is_local {
        lines.push(lang.pick(
            "xiaozhi-server 在容器里时,127.0.0.1 是容器自己:请用 --url http://<本机地址或容器名>:端口/mcp",
            "when the xiaozhi server runs in a container, 127.0.0.1 is that container: use --url http://<address or container name>:port/mcp",
        ).to_owned());
    }
    lines
}

fn step_in_words(passed: &Passed, lang: Lang) -> String {
    let good = lang.pick("正常", "ok");
    format!(
        "{good}  {} ({} ms) {}",
        passed.step.name(),
        passed.elapsed_ms,
        passed.note
    )
}

fn stuck_in_words(stuck: &Stuck, url: &url::Url, lang: Lang) -> String {
    let host = url.host_str().unwrap_or_default();
    let what_to_do = match (stuck.step, stuck.status) {
        (Step::Connect, _) => lang.pick(
            "连不上:gengfu serve 在运行吗?地址和端口对吗?防火墙放行了吗?".to_owned(),
            "cannot connect: is gengfu serve running, are address and port right, does a firewall stand between?".to_owned(),
        ),
        (_, Some(401)) => lang.pick(
            "令牌不对:GENGFU_TOKENS 里要有这个令牌,改后重启 gengfu serve".to_owned(),
            "the token is not known: GENGFU_TOKENS must hold it; restart gengfu serve after changing it".to_owned(),
        ),
        (_, Some(403 | 421)) => lang.pick(
            format!("服务器不接受主机名 {host}:请把它写进 GENGFU_ALLOWED_HOSTS"),
            format!("the server does not accept the host {host}: add it to GENGFU_ALLOWED_HOSTS"),
        ),
        (_, Some(404)) => lang.pick("地址要以 /mcp 结尾".to_owned(), "the address must end in /mcp".to_owned()),
        (_, Some(502..=504)) => lang.pick(
            "前面的反向代理找不到 gengfu:请检查代理的上游地址".to_owned(),
            "the reverse proxy in front cannot reach gengfu: check its upstream".to_owned(),
        ),
        _ => stuck.what.clone(),
    };
    let status = stuck
        .status
        .map_or_else(String::new, |s| format!(" (HTTP {s})"));
    let at = lang.pick("失败的一步", "failed at");
    format!("{at}: {}{status}: {what_to_do}", stuck.step.name())
}

/// To stderr, so that the configuration alone can be piped into a file.
fn say(lines: &[String]) -> io::Result<()> {
    let mut err = io::stderr().lock();
    lines.iter().try_for_each(|line| writeln!(err, "{line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_gets_its_own_spelling() {
        let of = |client| {
            serde_json::from_str::<serde_json::Value>(&configuration(client, "http://h/mcp", "t"))
                .expect("json")
        };
        assert_eq!(
            of(Client::Xiaozhi)["mcpServers"]["gengfu"]["transport"],
            "streamable-http"
        );
        assert_eq!(of(Client::Claude)["mcpServers"]["gengfu"]["type"], "http");
        assert_eq!(
            of(Client::Claude)["mcpServers"]["gengfu"]["headers"]["Authorization"],
            "Bearer t"
        );
    }

    #[test]
    fn the_sample_file_serves_both_clients() {
        let text = include_str!("../../mcp.json");
        let file: serde_json::Value = serde_json::from_str(text).expect("json");
        let server = &file["mcpServers"]["gengfu"];
        assert_eq!(
            (&server["type"], &server["transport"]),
            (&json!("http"), &json!("streamable-http"))
        );
    }
}
