//! The operator's page: routes, who may look, what guards the answers.
//!
//! In: requests of a browser, behind a listed host. Out: HTML of [`crate::page`]. Always true: without a token nothing about any log is
//! shown; an owner that the reader may not open is as unknown as one that does not exist; a form changes something only when it was sent
//! from this very page; the browser is told to load nothing from elsewhere. Computes nothing itself.

mod act;
mod session;
mod show;

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Serialize;

use self::session::{Readers, cookie};
use super::{Ready, Tokens};
use crate::{
    mcp::{Caller, Desk},
    model::{Day, Lang, OwnerAlias},
    page::{self, Frame, Reader},
    store::Store,
};

/// Only what this server itself hands out: a style sheet, a small script, an icon.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

#[derive(Clone)]
struct Page(Arc<Inner>);

struct Inner {
    desk: Arc<Desk>,
    tokens: Tokens,
    ready: Ready,
    readers: Readers,
}

pub(super) fn routes(desk: Arc<Desk>, tokens: Tokens, ready: Ready) -> Router {
    let page = Page(Arc::new(Inner {
        desk,
        tokens,
        ready,
        readers: Readers::default(),
    }));
    Router::new()
        .route("/", get(show::house))
        .route("/o/{owner}", get(show::newest))
        .route("/o/{owner}/round", get(show::round))
        .route("/o/{owner}/alarms", get(show::alarms))
        .route("/o/{owner}/marks", get(show::marks))
        .route("/o/{owner}/marks/{id}/undo", post(act::undo))
        .route("/o/{owner}/{date}", get(show::day))
        .route("/o/{owner}/{date}/search", get(show::search))
        .route("/o/{owner}/{date}/line/{id}", get(show::line))
        .route("/o/{owner}/{date}/{incident}", get(show::incident))
        .route("/o/{owner}/{date}/{incident}/mark", post(act::mark))
        .route("/page/login", post(act::sign_in))
        .route("/page/logout", post(act::sign_out))
        .route("/page/wish", get(act::wish))
        .fallback(lost)
        .layer(middleware::from_fn_with_state(page.clone(), dress_missing))
        .with_state(page)
        .layer(middleware::from_fn(guard))
        .merge(still())
}

/// What is the same for everybody, and may be kept by the browser.
fn still() -> Router {
    let file = |kind: &'static str, text: &'static str| {
        let head = [
            (header::CONTENT_TYPE, kind),
            (header::CACHE_CONTROL, "public, max-age=300"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        get(async move || (head, text))
    };
    Router::new()
        .route(
            "/page/style.css",
            file("text/css; charset=utf-8", page::STYLE),
        )
        .route(
            "/page/script.js",
            file("text/javascript; charset=utf-8", page::SCRIPT),
        )
        .route("/page/icon.svg", file("image/svg+xml", page::ICON))
}

/// Refuses forms of other pages, and tells the browser what an answer may do.
async fn guard(req: Request, next: Next) -> Response {
    let changes =
        req.method() != axum::http::Method::GET && req.method() != axum::http::Method::HEAD;
    let mut answer = if changes && !is_ours(req.headers()) {
        (
            StatusCode::FORBIDDEN,
            "Forbidden: the form is of another page\n",
        )
            .into_response()
    } else {
        next.run(req).await
    };
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Not `no-referrer`: browsers would then hide the origin of our own forms from us.
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        answer
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// An address that nothing stands at. Programs get the bare status.
async fn lost(headers: HeaderMap) -> Response {
    let accepts = headers.get_all(header::ACCEPT).iter();
    let is_browser = |accept: &HeaderValue| accept.to_str().is_ok_and(|a| a.contains("text/html"));
    if accepts.into_iter().any(is_browser) {
        Refusal::Missing.into_response()
    } else {
        StatusCode::NOT_FOUND.into_response()
    }
}

/// Marks an answer that there is no such page.
#[derive(Clone, Copy)]
struct Lost;

/// A page that is missing looks like one of ours, in the reader's language, with a way back; so does what a form or an address could not be
/// read for, since the words of a parser are nobody's language.
async fn dress_missing(State(page): State<Page>, req: Request, next: Next) -> Response {
    let (headers, uri) = (req.headers().clone(), req.uri().clone());
    let answer = next.run(req).await;
    let is_misread = matches!(
        answer.status(),
        StatusCode::BAD_REQUEST
            | StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::UNSUPPORTED_MEDIA_TYPE
            | StatusCode::UNPROCESSABLE_ENTITY
    );
    if !is_misread && answer.extensions().get::<Lost>().is_none() {
        return answer;
    }
    let visit = page.visit(&headers, &uri).map(|v| v.frame);
    let frame = visit.unwrap_or_else(|_| page.frame(&headers, &uri));
    let values = serde_json::json!({ "misread": is_misread });
    let Ok(html) = page::render("missing.html", &frame, &values) else {
        return answer;
    };
    let mut dressed = (answer.status(), Html(html)).into_response();
    // A method that is not allowed is told which are.
    if let Some(allowed) = answer.headers().get(header::ALLOW) {
        dressed.headers_mut().insert(header::ALLOW, allowed.clone());
    }
    dressed
}

/// Whether a form was sent from a page of this very address. Pages of other ports of this machine count as the same site to a browser, so
/// its cookie rules are not enough. What sends no origin is no browser.
fn is_ours(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return headers
            .get("sec-fetch-site")
            .is_none_or(|site| site == "same-origin");
    };
    let from: Option<Uri> = origin.to_str().ok().and_then(|o| o.parse().ok());
    let from = from.and_then(|uri| uri.authority().cloned());
    let here = headers.get(header::HOST).and_then(|h| h.to_str().ok());
    from.is_some_and(|from| here.is_some_and(|here| from.as_str().eq_ignore_ascii_case(here)))
}

/// Somebody who may look, and how the page is wanted.
struct Visit {
    caller: Caller,
    frame: Frame,
    reader: Reader,
}

/// Why there is no page; each is an answer.
enum Refusal {
    /// Nobody signed in: the gate, and where to go then.
    Gate(Frame),
    /// Nobody signed in, and a script asks, to which a form is no answer.
    Closed,
    Missing,
    Page(page::Error),
}

impl<E: Into<page::Error>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Page(error.into())
    }
}

impl Page {
    fn frame(&self, headers: &HeaderMap, uri: &Uri) -> Frame {
        let lang = cookie(headers, act::LANG).and_then(|l| l.parse().ok());
        let theme = match cookie(headers, act::THEME) {
            Some("dark") => "dark",
            Some("light") => "light",
            _ => "",
        };
        Frame {
            lang: lang.unwrap_or(self.0.desk.lang),
            theme,
            signed_in: false,
            here: uri.path_and_query().map_or("/", |p| p.as_str()).to_owned(),
            single: false,
        }
    }

    fn visit(&self, headers: &HeaderMap, uri: &Uri) -> Result<Visit, Refusal> {
        let mut frame = self.frame(headers, uri);
        let desk = &self.0.desk;
        let now_ms = desk.clock.now_ms();
        let Some((caller, by_cookie)) = self.0.readers.caller(&self.0.tokens, headers, now_ms)
        else {
            let script = headers
                .get(header::ACCEPT)
                .is_some_and(|a| a == "application/json");
            return Err(if script {
                Refusal::Closed
            } else {
                Refusal::Gate(frame)
            });
        };
        frame.signed_in = by_cookie;
        let reader = Reader {
            lang: frame.lang,
            zone: desk.zone.clone(),
            now_ms,
        };
        Ok(Visit {
            caller,
            frame,
            reader,
        })
    }

    /// The data of an owner, when the visitor may see it.
    async fn open(&self, visit: &Visit, owner: &str) -> Result<(Store, String), Refusal> {
        let owner: OwnerAlias = owner.parse().map_err(|_| Refusal::Missing)?;
        let desk = &self.0.desk;
        if !desk.stores.owners(&visit.caller.access).contains(&owner) {
            return Err(Refusal::Missing);
        }
        Ok((desk.stores.of(&owner).await?, desk.owners.name(&owner)))
    }
}

fn parsed<T: std::str::FromStr>(text: &str) -> Result<T, Refusal> {
    text.parse().map_err(|_| Refusal::Missing)
}

fn shown(name: &str, visit: &Visit, values: &impl Serialize) -> Result<Response, Refusal> {
    Ok(Html(page::render(name, &visit.frame, values)?).into_response())
}

fn back(wished: &str) -> Redirect {
    Redirect::to(local(wished))
}

/// A local path to go back to; anything else would let a link lead elsewhere. Browsers take tabs and other controls out of an address,
/// so that what stands around them may meet.
fn local(wished: &str) -> &str {
    let stays = wished.starts_with('/')
        && !wished.starts_with("//")
        && !wished.contains(|c: char| c == '\\' || c.is_control());
    if stays { wished } else { "/" }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            // Shows how to connect, and nothing else.
            Self::Gate(frame) => act::gate(&frame, None),
            Self::Closed => (StatusCode::UNAUTHORIZED, "sign in again\n").into_response(),
            Self::Missing => {
                let bare = (StatusCode::NOT_FOUND, "404: 没有这一页 / no such page\n");
                (Extension(Lost), bare).into_response()
            }
            Self::Page(page::Error::Store(error))
                if matches!(error, crate::store::Error::ReadOnly) =>
            {
                (
                    StatusCode::SERVICE_UNAVAILABLE,
                    error.sentence(Lang::En) + "\n",
                )
                    .into_response()
            }
            Self::Page(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "could not make a page"
                );
                (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the page cannot be made now; see the log\n",
                )
                    .into_response()
            }
        }
    }
}

/// The day of an address, or no page.
fn date(text: &str) -> Result<Day, Refusal> {
    parsed(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_of_another_page_is_not_ours() {
        let sent = |origin: &str| {
            HeaderMap::from_iter([
                (header::HOST, HeaderValue::from_static("localhost:8765")),
                (header::ORIGIN, origin.parse().expect("origin")),
            ])
        };
        assert!(is_ours(&sent("http://localhost:8765")));
        for foreign in [
            "http://localhost:3000",
            "https://evil.example",
            "null",
            "http://localhost",
        ] {
            assert!(!is_ours(&sent(foreign)), "{foreign}");
        }
    }

    #[test]
    fn nobody_is_led_elsewhere() {
        let to = |wished| {
            let answer = back(wished).into_response();
            answer.headers()["location"]
                .to_str()
                .expect("text")
                .to_owned()
        };
        assert_eq!(to("/o/demo/2026-11-21"), "/o/demo/2026-11-21");
        for elsewhere in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "",
            "/a\r\nx: y",
        ] {
            assert_eq!(to(elsewhere), "/", "{elsewhere:?}");
        }
    }
}
