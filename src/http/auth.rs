//! Bearer tokens: who may come in, and how often.
//!
//! In: the `Authorization` header. Out: a [`Caller`] in the request's extensions, 401, or 429. Always true: tokens are held as SHA-256 and
//! compared in constant time; the header is removed before any handler, log or panic message can see it; without any token only
//! the local machine is served (see [`Tokens::may_listen_on`]), and a server that once had a token, or a file of tokens, never opens again
//! while it runs. Does not decide whose data a caller sees.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::rate::Rate;
use crate::{
    mcp::{Access, Caller, Clock},
    model::Lang,
    voice::Detail,
};

/// Requests of one token in a minute unless it says otherwise: a thousand robots that ask once a second.
pub const PER_MINUTE: u32 = 60_000;

/// The tokens that open the door, each with the caller it stands for. Clones share them.
#[derive(Clone, Default)]
pub struct Tokens(Arc<RwLock<Known>>);

#[derive(Default)]
struct Known {
    /// Of the configuration.
    fixed: Vec<Token>,
    /// Of the file that `gengfu token` writes; may change while the server runs.
    filed: Vec<Token>,
    /// A token was needed once.
    closed: bool,
}

impl Known {
    fn is_empty(&self) -> bool {
        self.fixed.is_empty() && self.filed.is_empty()
    }
}

/// A token and what it stands for.
#[derive(Debug, Clone)]
pub struct Token {
    pub sha256: [u8; 32],
    pub caller: Caller,
    pub per_minute: u32,
    used: Arc<Mutex<Option<Rate>>>,
}

impl Token {
    #[must_use]
    pub fn new(sha256: [u8; 32], caller: Caller) -> Self {
        Self {
            sha256,
            caller,
            per_minute: PER_MINUTE,
            used: Arc::default(),
        }
    }

    #[must_use]
    pub fn per_minute(self, per_minute: u32) -> Self {
        Self { per_minute, ..self }
    }

    fn take(&self, now_ms: i64) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.get_or_insert_with(|| Rate::per_minute(self.per_minute, now_ms))
            .take(now_ms)
    }
}

/// Off the local machine a token is needed, or anyone in the network could read the logs' summary.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` can be reached from other machines, but there is no token")]
pub struct TokenNeeded(SocketAddr);

impl TokenNeeded {
    /// What is wrong and what to do about it.
    #[must_use]
    pub fn sentence(&self, lang: Lang) -> String {
        let todo = "GENGFU_BIND=127.0.0.1:8765";
        match lang {
            Lang::Zh => format!(
                "别的机器连得到 {}，却没有令牌；运行 gengfu token add <名字>，或设 GENGFU_TOKENS，或只在本机监听：{todo}",
                self.0
            ),
            Lang::En => format!(
                "{self}; run `gengfu token add <name>`, set GENGFU_TOKENS, or listen on this machine alone: {todo}"
            ),
        }
    }
}

/// Why a request does not come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    Unknown,
    TooOften,
}

impl Tokens {
    /// Adds a token; nothing of it is kept but its hash.
    #[must_use]
    pub fn with(self, token: &str, caller: Caller) -> Self {
        self.with_token(Token::new(sha256(token), caller))
    }

    /// Adds a token of the configuration.
    #[must_use]
    pub fn with_token(self, token: Token) -> Self {
        self.change(|known| known.fixed.push(token));
        self
    }

    /// Replaces the tokens of the file. One that stays keeps count of its requests.
    pub fn refile(&self, mut filed: Vec<Token>) {
        self.change(|known| {
            for token in &mut filed {
                let before = known.filed.iter().find(|t| t.sha256 == token.sha256);
                if let Some(before) = before.filter(|t| t.per_minute == token.per_minute) {
                    token.used = before.used.clone();
                }
            }
            known.filed = filed;
        });
    }

    /// Lets nobody in without a token from now on, though there be none.
    pub fn close(&self) {
        self.change(|known| known.closed = true);
    }

    fn change(&self, write: impl FnOnce(&mut Known)) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        write(&mut known);
        known.closed |= !known.is_empty();
    }

    /// Whether everybody on this machine comes in without a token.
    #[must_use]
    pub fn are_not_needed(&self) -> bool {
        !self.0.read().unwrap_or_else(PoisonError::into_inner).closed
    }

    /// Whether there is no token at all: then nobody comes in, or everybody of this machine.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty()
    }

    /// Whether a server with these tokens may listen on `addr`.
    pub fn may_listen_on(&self, addr: SocketAddr) -> Result<(), TokenNeeded> {
        if self.is_empty() && !addr.ip().is_loopback() {
            return Err(TokenNeeded(addr));
        }
        Ok(())
    }

    /// The token of this hash, if it is in force.
    #[must_use]
    pub fn known(&self, presented: &[u8; 32]) -> Option<Token> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        // Every entry is looked at, so that the time does not tell which one came close.
        let mut found = None;
        for token in known.fixed.iter().chain(&known.filed) {
            if bool::from(token.sha256.ct_eq(presented)) {
                found = Some(token);
            }
        }
        found.cloned()
    }

    /// The caller behind the `Authorization` header; without any token, the local user.
    pub(super) fn admit(&self, headers: &HeaderMap, now_ms: i64) -> Result<Caller, Refused> {
        if self.are_not_needed() {
            return Ok(local());
        }
        self.of_hash(&presented(headers).ok_or(Refused::Unknown)?, now_ms)
    }

    /// The caller of a token's hash; counts as one request.
    pub(super) fn of_hash(&self, sha256: &[u8; 32], now_ms: i64) -> Result<Caller, Refused> {
        let token = self.known(sha256).ok_or(Refused::Unknown)?;
        if token.take(now_ms) {
            Ok(token.caller)
        } else {
            Err(Refused::TooOften)
        }
    }
}

/// What a token is known by.
#[must_use]
pub fn sha256(token: &str) -> [u8; 32] {
    Sha256::digest(token.trim().as_bytes()).into()
}

fn presented(headers: &HeaderMap) -> Option<[u8; 32]> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| sha256(token))
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let names = known.fixed.iter().chain(&known.filed);
        f.debug_list()
            .entries(names.map(|t| &t.caller.name))
            .finish()
    }
}

pub(super) fn local() -> Caller {
    Caller {
        name: Arc::from("local"),
        access: Access::All,
        detail: Detail::Normal,
    }
}

/// Lets a request with a known token pass and leaves its [`Caller`] in the extensions.
pub(super) async fn require(
    State((tokens, clock)): State<(Tokens, Clock)>,
    mut req: Request,
    next: Next,
) -> Response {
    let caller = match tokens.admit(req.headers(), clock.now_ms()) {
        Ok(caller) => caller,
        Err(refused) => return refusal(refused, req.uri().path()),
    };
    req.headers_mut().remove(header::AUTHORIZATION);
    req.extensions_mut().insert(caller);
    next.run(req).await
}

fn refusal(refused: Refused, path: &str) -> Response {
    match refused {
        Refused::Unknown => {
            tracing::warn!(
                path,
                "refused a request: no known token in its header `Authorization: Bearer ...`"
            );
            let challenge = [(header::WWW_AUTHENTICATE, r#"Bearer error="invalid_token""#)];
            let advice = "Unauthorized: send the header `Authorization: Bearer <token>` with a token of GENGFU_TOKENS or of `gengfu token add`\n";
            (StatusCode::UNAUTHORIZED, challenge, advice).into_response()
        }
        Refused::TooOften => {
            tracing::warn!(path, "refused a request: its token is used too often");
            let wait = [(header::RETRY_AFTER, "5")];
            let advice = "Too Many Requests: this token has a limit per minute (`rate=` in GENGFU_TOKENS, `gengfu token add --rate`)\n";
            (StatusCode::TOO_MANY_REQUESTS, wait, advice).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().expect("header"))])
    }

    fn named(name: &str) -> Caller {
        Caller {
            name: name.into(),
            ..local()
        }
    }

    #[test]
    fn only_a_known_token_names_a_caller() {
        let tokens = Tokens::default().with("s3cret", named("robot"));
        for good in ["Bearer s3cret", "bearer  s3cret "] {
            assert_eq!(tokens.admit(&with(good), 0), Ok(named("robot")), "{good}");
        }
        for bad in [
            "Bearer s3cre",
            "Bearer s3crets",
            "Bearer",
            "Basic s3cret",
            "s3cret",
            "Bearer ",
        ] {
            assert_eq!(tokens.admit(&with(bad), 0), Err(Refused::Unknown), "{bad}");
        }
        assert_eq!(tokens.admit(&HeaderMap::new(), 0), Err(Refused::Unknown));
        assert_eq!(format!("{tokens:?}"), r#"["robot"]"#);
    }

    #[test]
    fn without_a_token_only_the_local_machine_is_served() {
        let open = Tokens::default();
        for here in ["127.0.0.1:8765", "[::1]:8765"] {
            assert_eq!(open.may_listen_on(here.parse().expect("addr")), Ok(()));
        }
        let everywhere = "0.0.0.0:8765".parse().expect("addr");
        assert!(open.may_listen_on(everywhere).is_err());
        let closed = open.with("t", local());
        assert_eq!(closed.may_listen_on(everywhere), Ok(()));
    }

    #[test]
    fn a_revoked_token_ends_and_the_last_one_leaves_the_door_closed() {
        let tokens = Tokens::default();
        assert_eq!(tokens.admit(&HeaderMap::new(), 0), Ok(local()));
        tokens.refile(vec![Token::new(sha256("s3cret"), named("desk"))]);
        assert_eq!(tokens.admit(&with("Bearer s3cret"), 0), Ok(named("desk")));
        assert_eq!(tokens.admit(&HeaderMap::new(), 0), Err(Refused::Unknown));
        tokens.refile(Vec::new());
        assert_eq!(
            tokens.admit(&with("Bearer s3cret"), 0),
            Err(Refused::Unknown)
        );
        assert_eq!(tokens.admit(&HeaderMap::new(), 0), Err(Refused::Unknown));
    }

    #[test]
    fn each_token_has_its_own_limit_and_reading_the_file_again_does_not_reset_it() {
        let token = |name: &str| Token::new(sha256(name), named(name)).per_minute(2);
        let tokens = Tokens::default();
        tokens.refile(vec![token("a"), token("b")]);
        let ask = |who: &str, ms| tokens.admit(&with(&format!("Bearer {who}")), ms);
        assert!(ask("a", 0).is_ok() && ask("a", 0).is_ok());
        tokens.refile(vec![token("a"), token("b")]);
        assert_eq!(ask("a", 0), Err(Refused::TooOften));
        assert!(ask("b", 0).is_ok());
        assert!(ask("a", 60_000).is_ok());
    }
}
