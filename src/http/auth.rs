//! Bearer tokens: who may come in.
//!
//! In: the `Authorization` header. Out: a [`Caller`] in the request's extensions, or 401. Always true: tokens are held as SHA-256 and
//! compared in constant time; the header is removed before any handler, log or panic message can see it; without any token only
//! the local machine is served (see [`Tokens::may_listen_on`]). Does not decide whose data a caller sees.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{
    mcp::{Access, Caller},
    voice::Detail,
};

/// The tokens that open the door, each with the caller it stands for.
#[derive(Clone, Default)]
pub struct Tokens(Vec<([u8; 32], Caller)>);

/// Off the local machine a token is needed, or anyone in the network could read the logs' summary.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` can be reached from other machines, but GENGFU_TOKENS is empty; set a token, or GENGFU_BIND=127.0.0.1:8765"
)]
pub struct TokenNeeded(SocketAddr);

impl Tokens {
    /// Adds a token; nothing of it is kept but its hash.
    #[must_use]
    pub fn with(self, token: &str, caller: Caller) -> Self {
        self.with_sha256(Sha256::digest(token.as_bytes()).into(), caller)
    }

    /// Adds a token by its SHA-256.
    #[must_use]
    pub fn with_sha256(mut self, sha256: [u8; 32], caller: Caller) -> Self {
        self.0.push((sha256, caller));
        self
    }

    /// Whether a server with these tokens may listen on `addr`.
    pub fn may_listen_on(&self, addr: SocketAddr) -> Result<(), TokenNeeded> {
        if self.0.is_empty() && !addr.ip().is_loopback() {
            return Err(TokenNeeded(addr));
        }
        Ok(())
    }

    /// The caller behind the `Authorization` header; without any token, the local user.
    #[must_use]
    pub fn caller(&self, headers: &HeaderMap) -> Option<Caller> {
        if self.0.is_empty() {
            return Some(local());
        }
        let presented = headers
            .get(header::AUTHORIZATION)?
            .to_str()
            .ok()?
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| <[u8; 32]>::from(Sha256::digest(token.trim().as_bytes())))?;
        // Every entry is looked at, so that the time does not tell which one came close.
        let mut found = None;
        for (known, caller) in &self.0 {
            if bool::from(known.ct_eq(&presented)) {
                found = Some(caller);
            }
        }
        found.cloned()
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(_, c)| &c.name))
            .finish()
    }
}

fn local() -> Caller {
    Caller {
        name: Arc::from("local"),
        access: Access::All,
        detail: Detail::Normal,
    }
}

/// Lets a request with a known token pass and leaves its [`Caller`] in the extensions.
pub async fn require(State(tokens): State<Tokens>, mut req: Request, next: Next) -> Response {
    let Some(caller) = tokens.caller(req.headers()) else {
        let path = req.uri().path();
        tracing::warn!(
            path,
            "refused a request: no token of GENGFU_TOKENS in its header `Authorization: Bearer ...`"
        );
        let challenge = [(header::WWW_AUTHENTICATE, r#"Bearer error="invalid_token""#)];
        let advice = "Unauthorized: send the header `Authorization: Bearer <token>` with a token of GENGFU_TOKENS\n";
        return (StatusCode::UNAUTHORIZED, challenge, advice).into_response();
    };
    req.headers_mut().remove(header::AUTHORIZATION);
    req.extensions_mut().insert(caller);
    next.run(req).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().expect("header"))])
    }

    #[test]
    fn only_a_known_token_names_a_caller() {
        let robot = Caller {
            name: "robot".into(),
            ..local()
        };
        let tokens = Tokens::default().with("s3cret", robot.clone());
        for good in ["Bearer s3cret", "bearer  s3cret "] {
            assert_eq!(tokens.caller(&with(good)), Some(robot.clone()), "{good}");
        }
        for bad in [
            "Bearer s3cre",
            "Bearer s3crets",
            "Bearer",
            "Basic s3cret",
            "s3cret",
            "Bearer ",
        ] {
            assert_eq!(tokens.caller(&with(bad)), None, "{bad}");
        }
        assert_eq!(tokens.caller(&HeaderMap::new()), None);
        assert_eq!(format!("{tokens:?}"), r#"["robot"]"#);
    }

    #[test]
    fn without_a_token_only_the_local_machine_is_served() {
        let open = Tokens::default();
        assert_eq!(
            open.may_listen_on("127.0.0.1:8765".parse().expect("addr")),
            Ok(())
        );
        assert_eq!(
            open.may_listen_on("[::1]:8765".parse().expect("addr")),
            Ok(())
        );
        assert!(
            open.may_listen_on("0.0.0.0:8765".parse().expect("addr"))
                .is_err()
        );
        let closed = open.with("t", local());
        assert_eq!(
            closed.may_listen_on("0.0.0.0:8765".parse().expect("addr")),
            Ok(())
        );
    }
}
