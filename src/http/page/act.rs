//! What a reader does on the page: signing in and out, choosing a language and a theme, marking a problem and taking the mark back.
//!
//! In: forms that the guard let through. Out: where to go next. Always true: a mark is the same as one that `mark_incident` makes.

use axum::{
    Form,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::{
    Page, Refusal, back, date, parsed,
    session::{self, No},
};
use crate::{
    mcp::marking,
    page::{self, Frame},
    store::Verdict,
};

pub(super) const LANG: &str = "gengfu_lang";
pub(super) const THEME: &str = "gengfu_theme";
/// A year.
const WISH_SECONDS: i64 = 365 * 24 * 3600;

#[derive(Deserialize)]
pub(super) struct SignIn {
    #[serde(default)]
    token: String,
    #[serde(default)]
    back: String,
}

#[derive(Serialize)]
struct Gate {
    wrong: &'static str,
    back: String,
    connect: String,
}

/// The form that asks for a token.
pub(super) fn gate(frame: &Frame, wrong: Option<No>) -> Response {
    let said = match wrong {
        None => "",
        Some(No::Wrong) => "wrong",
        Some(No::Often) => "often",
    };
    let values = Gate {
        wrong: said,
        back: frame.here.clone(),
        connect: connect(),
    };
    match page::render("login.html", frame, &values) {
        Ok(html) => Html(html).into_response(),
        Err(error) => Refusal::Page(error).into_response(),
    }
}

/// The xiaozhi server's entry. It takes anything but these two spellings of `transport` for the old SSE.
pub(super) fn connect() -> String {
    "{\"mcpServers\": {\"gengfu\": {\n  \"url\": \"http://<host>:8765/mcp\",\n  \"transport\": \"streamable-http\",\n  \"headers\": {\"Authorization\": \"Bearer <token>\"} }}}".to_owned()
}

pub(super) async fn sign_in(
    State(page): State<Page>,
    uri: Uri,
    headers: HeaderMap,
    Form(form): Form<SignIn>,
) -> Response {
    let inner = &page.0;
    let now_ms = inner.desk.clock.now_ms();
    match inner
        .readers
        .sign_in(&inner.tokens, &form.token, &headers, now_ms)
    {
        Ok(cookie) => ([(header::SET_COOKIE, cookie)], back(&form.back)).into_response(),
        Err(no) => {
            tracing::warn!("somebody tried to sign in with an unknown token");
            let mut frame = page.frame(&headers, &uri);
            frame.here = form.back;
            let status = match no {
                No::Wrong => StatusCode::UNAUTHORIZED,
                No::Often => StatusCode::TOO_MANY_REQUESTS,
            };
            (status, gate(&frame, Some(no))).into_response()
        }
    }
}

pub(super) async fn sign_out(State(page): State<Page>, headers: HeaderMap) -> Response {
    let ended = page.0.readers.sign_out(&headers);
    let cookie = ended.map(|value| [(header::SET_COOKIE, value)]);
    (cookie, back("/")).into_response()
}

#[derive(Deserialize)]
pub(super) struct Wish {
    lang: Option<String>,
    theme: Option<String>,
    #[serde(default)]
    back: String,
}

/// A language or a theme, remembered by the browser.
pub(super) async fn wish(headers: HeaderMap, Query(wish): Query<Wish>) -> Response {
    let lang = wish.lang.filter(|l| ["zh", "en"].contains(&l.as_str()));
    let theme = wish
        .theme
        .filter(|t| ["dark", "light"].contains(&t.as_str()));
    let mut answer = back(&wish.back).into_response();
    for (name, value) in [(LANG, lang), (THEME, theme)] {
        let cookie = value.and_then(|value| session::set(name, &value, WISH_SECONDS, &headers));
        if let Some(cookie) = cookie {
            answer.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    answer
}

#[derive(Deserialize)]
pub(super) struct Said {
    r#as: Verdict,
    #[serde(default)]
    note: String,
}

pub(super) async fn mark(
    State(page): State<Page>,
    Path((owner, day, incident)): Path<(String, String, String)>,
    uri: Uri,
    headers: HeaderMap,
    Form(said): Form<Said>,
) -> Result<Response, Refusal> {
    let visit = page.visit(&headers, &uri)?;
    let (store, _) = page.open(&visit, &owner).await?;
    let report = store.report(date(&day)?).await?.ok_or(Refusal::Missing)?;
    let found = report.incidents.iter().find(|i| i.id == incident);
    let found = found.ok_or(Refusal::Missing)?;
    let about = (found, &report);
    marking::mark(&store, about, (said.r#as, &said.note), visit.reader.now_ms).await?;
    let here = uri.path().trim_end_matches("/mark").to_owned();
    Ok(back(&here).into_response())
}

#[derive(Deserialize)]
pub(super) struct Undo {
    #[serde(default)]
    back: String,
}

pub(super) async fn undo(
    State(page): State<Page>,
    Path((owner, id)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
    Form(form): Form<Undo>,
) -> Result<Response, Refusal> {
    let visit = page.visit(&headers, &uri)?;
    let (store, _) = page.open(&visit, &owner).await?;
    marking::take_back(&store, parsed(&id)?, visit.reader.now_ms).await?;
    Ok(back(&form.back).into_response())
}
