//! Which names this server answers to: the wall against DNS rebinding and foreign web pages.
//!
//! In: the `Host` and `Origin` headers. Out: the request, or 403 and a log line that says what to change. Always true: loopback names
//! are allowed, anything else must be listed; a request without `Origin` is no web page and passes. Replaces rmcp's own check, which
//! covers `/mcp` alone and cannot name our settings.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, Uri, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};

/// Names from `GENGFU_ALLOWED_HOSTS` (`example.com` for any port, `example.com:8443` for one, `*` for all), and origins of web pages from
/// `GENGFU_ALLOWED_ORIGINS`.
#[derive(Debug, Clone, Default)]
pub struct Hosts {
    names: Vec<String>,
    origins: Vec<String>,
}

const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

impl Hosts {
    #[must_use]
    pub fn new(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            names: plain(names),
            origins: Vec::new(),
        }
    }

    /// Web pages of these origins may call `/mcp`: `https://app.example.com`, with its port if it has one.
    #[must_use]
    pub fn with_origins(self, origins: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            origins: plain(origins),
            ..self
        }
    }

    /// Whether a web page of `origin` was named to call `/mcp` from a browser.
    pub(super) fn shares_with(&self, origin: &str) -> bool {
        self.origins.contains(&origin.to_ascii_lowercase())
    }

    fn allows(&self, authority: &Authority) -> bool {
        let host = authority.host().to_ascii_lowercase();
        let whole = authority.as_str().to_ascii_lowercase();
        // Neither `user@host` nor `[::1].evil.example` is a Host header; a parser takes the second for `[::1]`.
        let port = whole.strip_prefix(&host);
        let plain = port.is_some_and(|port| {
            port.is_empty()
                || port.starts_with(':') && port[1..].bytes().all(|b| b.is_ascii_digit())
        });
        plain
            && (LOOPBACK.contains(&host.as_str())
                || self
                    .names
                    .iter()
                    .any(|n| n == "*" || *n == host || *n == whole))
    }

    /// Whether a web page of `origin` (`https://host[:port]`) may talk to this server.
    #[must_use]
    pub fn allows_origin(&self, origin: &str) -> bool {
        if self.shares_with(origin) {
            return true;
        }
        origin
            .parse::<Uri>()
            .ok()
            .filter(|uri| uri.scheme().is_some() && uri.path() == "/")
            .is_some_and(|uri| uri.authority().is_some_and(|a| self.allows(a)))
    }

    fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let text = |name| {
            headers
                .get(name)
                .map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned())
        };
        // HTTP/2 has no Host header; its authority stands in the URI.
        let host = text(header::HOST)
            .or_else(|| uri.authority().map(ToString::to_string))
            .unwrap_or_default();
        if !host.parse().is_ok_and(|authority| self.allows(&authority)) {
            return Err(Refusal::Host(host));
        }
        match text(header::ORIGIN) {
            Some(origin) if !self.allows_origin(&origin) => Err(Refusal::Origin(origin)),
            _ => Ok(()),
        }
    }
}

fn plain(list: impl IntoIterator<Item = impl Into<String>>) -> Vec<String> {
    let plain = |item: String| item.trim().trim_end_matches('/').to_ascii_lowercase();
    list.into_iter().map(|item| plain(item.into())).collect()
}

/// What the sender may be shown: its own header, without anything unprintable.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("host `{}` is not in GENGFU_ALLOWED_HOSTS", printable(.0))]
    Host(String),
    #[error("origin `{}` is neither of a host in GENGFU_ALLOWED_HOSTS nor in GENGFU_ALLOWED_ORIGINS", printable(.0))]
    Origin(String),
}

fn printable(text: &str) -> String {
    text.chars()
        .filter(char::is_ascii_graphic)
        .take(80)
        .collect()
}

/// Refuses requests for other names and from foreign web pages.
pub(super) async fn require(State(hosts): State<Hosts>, req: Request, next: Next) -> Response {
    match hosts.check(req.uri(), req.headers()) {
        Ok(()) => next.run(req).await,
        Err(reason) => {
            tracing::warn!(path = req.uri().path(), %reason, "refused a request");
            (StatusCode::FORBIDDEN, format!("Forbidden: {reason}\n")).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(hosts: &Hosts, host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::from_iter([(header::HOST, host.parse().expect("host"))]);
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().expect("origin"));
        }
        hosts.check(&Uri::from_static("/mcp"), &headers).is_ok()
    }

    #[test]
    fn only_listed_names_are_answered_to() {
        let hosts = Hosts::new(["mcp.example.com", "Logs.example.com:8443"]);
        for good in [
            "localhost:8765",
            "127.0.0.1",
            "[::1]:8765",
            "MCP.example.com",
            "mcp.example.com:99",
            "logs.example.com:8443",
        ] {
            assert!(check(&hosts, good, None), "{good}");
        }
        for bad in [
            "evil.example",
            "logs.example.com",
            "localhost.evil.example",
            "localhost@evil.example",
            "x@localhost",
            "[::1].evil.example",
            "",
            "10.0.0.1:8765",
        ] {
            assert!(!check(&hosts, bad, None), "{bad}");
        }
        assert!(check(&Hosts::new(["*"]), "anything:1", None));
    }

    #[test]
    fn a_foreign_web_page_is_refused() {
        let hosts = Hosts::new(["mcp.example.com"]);
        for good in ["http://localhost:6274", "https://mcp.example.com"] {
            assert!(check(&hosts, "localhost", Some(good)), "{good}");
        }
        for bad in [
            "https://evil.example",
            "null",
            "",
            "https://mcp.example.com.evil.example",
            "mcp.example.com",
            "https://mcp.example.com/x",
        ] {
            assert!(!check(&hosts, "localhost", Some(bad)), "{bad}");
        }
    }

    #[test]
    fn a_named_page_is_let_in_and_another_is_not() {
        let hosts = Hosts::default().with_origins(["https://App.example.com/"]);
        assert!(check(&hosts, "localhost", Some("https://app.example.com")));
        assert!(
            !check(&hosts, "app.example.com", None),
            "an origin is no host"
        );
        assert!(!check(&hosts, "localhost", Some("http://app.example.com")));
        assert!(
            hosts.shares_with("https://app.example.com")
                && !hosts.shares_with("http://localhost:6274")
        );
    }

    #[test]
    fn a_refusal_shows_nothing_unprintable() {
        let reason = Refusal::Host("evil\u{1b}[31m\n<x>".to_owned()).to_string();
        assert_eq!(reason, "host `evil[31m<x>` is not in GENGFU_ALLOWED_HOSTS");
    }
}
