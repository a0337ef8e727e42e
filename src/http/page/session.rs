//! Who looks at the page: a token in a header, or a cookie that was given for one.
//!
//! In: headers. Out: a [`Caller`]. Always true: the cookie holds 32 random bytes and never a token; it ends with its token, after
//! [`LASTS_MS`], or when its reader signs out; wrong tokens are counted for all readers together, so that nobody can try many. Kept in
//! memory alone: after a restart people sign in again.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use axum::http::{HeaderMap, HeaderValue, header};

use super::super::{
    auth::{self, Refused, Tokens},
    rate::Rate,
};
use crate::mcp::Caller;

/// A working day.
const LASTS_MS: i64 = 12 * 3600 * 1000;
/// Readers at once; beyond, the one who signed in first goes.
const READERS: usize = 256;
/// Wrong tokens in a minute.
const MISTAKES: u32 = 20;
const COOKIE: &str = "gengfu_page";

/// The readers who signed in.
#[derive(Debug, Default)]
pub(super) struct Readers(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// By the hash of the cookie.
    readers: HashMap<[u8; 32], Reader>,
    mistakes: Option<Rate>,
}

#[derive(Debug)]
struct Reader {
    token: [u8; 32],
    until_ms: i64,
}

/// Why somebody does not come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum No {
    Wrong,
    Often,
}

impl Readers {
    /// The caller of a request, and whether there is a cookie to give back.
    pub(super) fn caller(
        &self,
        tokens: &Tokens,
        headers: &HeaderMap,
        now_ms: i64,
    ) -> Option<(Caller, bool)> {
        if headers.contains_key(header::AUTHORIZATION) || tokens.are_not_needed() {
            return tokens.admit(headers, now_ms).ok().map(|c| (c, false));
        }
        let cookie = auth::sha256(cookie(headers, COOKIE)?);
        let token = {
            let mut state = self.state();
            state.readers.retain(|_, r| r.until_ms > now_ms);
            state.readers.get(&cookie)?.token
        };
        tokens.of_hash(&token, now_ms).ok().map(|c| (c, true))
    }

    /// Takes a token and gives the value of `Set-Cookie`.
    pub(super) fn sign_in(
        &self,
        tokens: &Tokens,
        token: &str,
        headers: &HeaderMap,
        now_ms: i64,
    ) -> Result<HeaderValue, No> {
        let sha256 = auth::sha256(token);
        let admitted = tokens.of_hash(&sha256, now_ms);
        let mut state = self.state();
        if admitted.is_err() {
            let mistakes = state
                .mistakes
                .get_or_insert_with(|| Rate::per_minute(MISTAKES, now_ms));
            let may_try = mistakes.take(now_ms) && admitted == Err(Refused::Unknown);
            return Err(if may_try { No::Wrong } else { No::Often });
        }
        let mut bytes = [0u8; 32];
        getrandom::fill(&mut bytes).map_err(|_| No::Often)?;
        let value = hex::encode(bytes);
        if state.readers.len() >= READERS {
            let oldest = state
                .readers
                .iter()
                .min_by_key(|(_, r)| r.until_ms)
                .map(|(key, _)| *key);
            oldest.map(|key| state.readers.remove(&key));
        }
        state.readers.insert(
            auth::sha256(&value),
            Reader {
                token: sha256,
                until_ms: now_ms + LASTS_MS,
            },
        );
        set(COOKIE, &value, LASTS_MS / 1000, headers).ok_or(No::Often)
    }

    /// Ends a reader's cookie.
    pub(super) fn sign_out(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        if let Some(value) = cookie(headers, COOKIE) {
            self.state().readers.remove(&auth::sha256(value));
        }
        set(COOKIE, "", 0, headers)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A cookie's value.
pub(super) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok());
    all.flat_map(|v| v.split(';')).find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then_some(value)
    })
}

/// The value of `Set-Cookie`; no script reads it, and no foreign page sends it along with a form.
pub(super) fn set(
    name: &str,
    value: &str,
    seconds: i64,
    headers: &HeaderMap,
) -> Option<HeaderValue> {
    let by_tls = headers
        .get("x-forwarded-proto")
        .is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(b"https"));
    let secure = if by_tls { "; Secure" } else { "" };
    HeaderValue::try_from(format!(
        "{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
    ))
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_cookie(set: &HeaderValue) -> HeaderMap {
        let pair = set
            .to_str()
            .expect("text")
            .split(';')
            .next()
            .expect("pair")
            .to_owned();
        HeaderMap::from_iter([(
            header::COOKIE,
            format!("a=b; {pair}").parse().expect("cookie"),
        )])
    }

    fn robot() -> Caller {
        Caller {
            name: "robot".into(),
            ..auth::local()
        }
    }

    #[test]
    fn a_cookie_stands_for_a_token_until_one_of_both_ends() {
        let tokens = Tokens::default();
        let token = auth::Token::new(auth::sha256("s3cret"), robot());
        tokens.refile(vec![token.clone()]);
        let readers = Readers::default();
        let none = HeaderMap::new();
        assert_eq!(readers.caller(&tokens, &none, 0), None);
        assert_eq!(readers.sign_in(&tokens, "wrong", &none, 0), Err(No::Wrong));
        let given = readers.sign_in(&tokens, "s3cret", &none, 0).expect("in");
        let text = given.to_str().expect("text");
        assert!(!text.contains("s3cret") && text.contains("HttpOnly") && !text.contains("Secure"));
        let held = with_cookie(&given);
        assert_eq!(readers.caller(&tokens, &held, 1), Some((robot(), true)));
        assert_eq!(readers.caller(&tokens, &held, LASTS_MS + 1), None);
        let again = with_cookie(&readers.sign_in(&tokens, "s3cret", &none, 0).expect("in"));
        tokens.refile(Vec::new());
        assert_eq!(
            readers.caller(&tokens, &again, 1),
            None,
            "the token was revoked"
        );
        tokens.refile(vec![token]);
        assert!(readers.caller(&tokens, &again, 1).is_some());
        readers.sign_out(&again);
        assert_eq!(readers.caller(&tokens, &again, 1), None);
    }

    #[test]
    fn nobody_tries_many_tokens() {
        let tokens = Tokens::default().with("s3cret", robot());
        let readers = Readers::default();
        let tried: Vec<_> = (0..30)
            .map(|n| readers.sign_in(&tokens, &n.to_string(), &HeaderMap::new(), 0))
            .collect();
        assert_eq!(
            tried.iter().filter(|t| **t == Err(No::Wrong)).count(),
            MISTAKES as usize
        );
        assert!(
            readers
                .sign_in(&tokens, "s3cret", &HeaderMap::new(), 0)
                .is_ok(),
            "the right one still opens"
        );
        let by_tls = HeaderMap::from_iter([(
            header::HeaderName::from_static("x-forwarded-proto"),
            HeaderValue::from_static("https"),
        )]);
        let given = readers.sign_in(&tokens, "s3cret", &by_tls, 0).expect("in");
        assert!(given.to_str().expect("text").ends_with("; Secure"));
    }
}
