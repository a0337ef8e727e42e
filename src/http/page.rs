//! `/`: what runs, whose days are there, how to connect.
//!
//! In: the desk, and the caller's token if there is one. Out: HTML without a script. Always true: without a token nothing about any
//! log is shown; every text is escaped, so a log line stays text; the page asks no other host for anything. Changes nothing.

use std::sync::{Arc, LazyLock};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use minijinja::{Environment, Value, value::Serde};
use serde::Serialize;

use super::{Ready, Tokens};
use crate::{
    mcp::{Access, Desk},
    model::{Day, Lang, OwnerAlias},
    store::Error,
};

/// Nothing but our own style sheet; no script, no frame, no form to elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const STYLE: &str = include_str!("../../resources/page/page.css");

/// A page fits this many titles; the rest is told by voice or read as a report.
const TITLES: usize = 6;

#[derive(Clone)]
struct Page {
    desk: Arc<Desk>,
    tokens: Tokens,
    ready: Ready,
}

pub(super) fn routes(desk: Arc<Desk>, tokens: Tokens, ready: Ready) -> Router {
    let css = [(header::CONTENT_TYPE, "text/css; charset=utf-8")];
    Router::new()
        .route("/", get(show))
        .route("/page.css", get(async move || (css, STYLE)))
        .with_state(Page {
            desk,
            tokens,
            ready,
        })
}

/// What the template is given.
#[derive(Serialize)]
struct View {
    lang: &'static str,
    version: &'static str,
    t: Texts,
    /// `None`: the caller has shown no token.
    owners: Option<Vec<Row>>,
    problems: Vec<String>,
    connect: String,
}

#[derive(Serialize)]
struct Row {
    owner: String,
    date: Option<Day>,
    verdict: &'static str,
    incidents: usize,
    round: String,
    titles: Vec<String>,
}

#[derive(Serialize)]
struct Texts {
    title: &'static str,
    closed: &'static str,
    none: &'static str,
    connect: &'static str,
    heads: [&'static str; 5],
}

async fn show(State(page): State<Page>, headers: HeaderMap) -> Response {
    let lang = page.desk.lang;
    let caller = page.tokens.caller(&headers);
    let rows = match &caller {
        Some(caller) => rows(&page.desk, &caller.access).await.map(Some),
        None => Ok(None),
    };
    let rendered = rows.map_err(anyhow::Error::from).and_then(|owners| {
        // What is wrong with the house may name an owner.
        let problems = if owners.is_some() {
            page.ready.problems()
        } else {
            Vec::new()
        };
        let host = headers
            .get(header::HOST)
            .and_then(|h| h.to_str().ok())
            .unwrap_or("127.0.0.1:8765");
        let values = View {
            lang: lang.as_str(),
            version: env!("CARGO_PKG_VERSION"),
            t: texts(lang),
            owners,
            problems,
            connect: connect(host),
        };
        Ok(TEMPLATES
            .get_template("status")?
            .render(Value::from(Serde(&values)))?)
    });
    match rendered {
        Ok(html) => {
            let guards = [
                (header::CONTENT_SECURITY_POLICY, POLICY),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
                (HeaderName::from_static("referrer-policy"), "no-referrer"),
            ];
            (guards, Html(html)).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "could not make the status page");
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                "the page cannot be made now; see the log\n",
            )
                .into_response()
        }
    }
}

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    templates.set_auto_escape_callback(|_| minijinja::AutoEscape::Html);
    if let Err(error) =
        templates.add_template("status", include_str!("../../resources/page/status.html"))
    {
        tracing::error!(%error, "the template of the status page is wrong");
    }
    templates
});

async fn rows(desk: &Desk, access: &Access) -> Result<Vec<Row>, Error> {
    let mut rows = Vec::new();
    for owner in desk.stores.owners(access) {
        rows.push(row(desk, &owner).await?);
    }
    Ok(rows)
}

async fn row(desk: &Desk, owner: &OwnerAlias) -> Result<Row, Error> {
    let store = desk.stores.of(owner).await?;
    let date = store.days().await?.into_iter().next();
    let report = match date {
        Some(day) => store.report(day).await?,
        None => None,
    };
    let task = desk
        .rounds
        .tasks
        .newest(owner)
        .filter(|t| t.ended().is_none());
    Ok(Row {
        owner: owner.to_string(),
        date,
        verdict: report
            .as_ref()
            .map_or("-", |r| verdict(r.verdict, desk.lang)),
        incidents: report.as_ref().map_or(0, |r| r.incidents.len()),
        round: task.map_or_else(
            || "-".to_owned(),
            |t| {
                format!(
                    "{} {} {}%",
                    t.id,
                    t.key.day,
                    t.progress.snapshot().percent()
                )
            },
        ),
        titles: report
            .iter()
            .flat_map(|r| &r.incidents)
            .take(TITLES)
            .map(|i| i.title.clone())
            .collect(),
    })
}

fn verdict(verdict: crate::model::report::Verdict, lang: Lang) -> &'static str {
    use crate::model::report::Verdict;
    match verdict {
        Verdict::Healthy => lang.pick("正常", "healthy"),
        Verdict::Incidents => lang.pick("有问题", "incidents"),
        Verdict::Unknown => lang.pick("没有读到日志", "nothing could be read"),
    }
}

fn texts(lang: Lang) -> Texts {
    lang.pick(
        Texts {
            title: "更夫 gengfu",
            closed: "要看日志分析,请带上令牌(Authorization: Bearer ...)。",
            none: "还没有数据。运行 gengfu run,或等到夜里。",
            connect: "连接",
            heads: ["主人", "日期", "结论", "问题数", "正在分析"],
        },
        Texts {
            title: "gengfu, the night watchman",
            closed: "To see any analysis, send a token (Authorization: Bearer ...).",
            none: "No data yet. Run `gengfu run`, or wait for the night.",
            connect: "Connect",
            heads: ["owner", "date", "verdict", "incidents", "round"],
        },
    )
}

/// The xiaozhi server's entry. It takes anything but these two spellings of `transport` for the old SSE.
fn connect(host: &str) -> String {
    format!(
        "{{\"mcpServers\": {{\"gengfu\": {{\n  \"url\": \"http://{host}/mcp\", \"transport\": \"streamable-http\",\n  \"headers\": {{\"Authorization\": \"Bearer <token>\"}} }}}}}}"
    )
}
