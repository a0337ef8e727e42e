//! A stored day as a page for people: for the server's operator, and as one file to be sent around.
//!
//! In: an owner's [`Store`]. Out: HTML. Always true: every number comes from the report, the counts, the search and the
//! alarms that the tools answer from; every text is escaped, so a log line stays text; a page asks nobody for anything but this server, and
//! the single file asks nobody at all. Knows no request and changes nothing.
//!
//! - [`house`]: owners and their newest days; [`day`]: a day; [`incident`]: one problem with its chain; [`lists`]: alarms, marks, hits, lines;
//!   [`mod@file`]: a day as one file. `chart` and `lanes` draw, `shapes` says which templates are new or gone.

mod chart;
pub mod day;
pub mod file;
pub mod house;
pub mod incident;
mod lanes;
pub mod lists;
mod shapes;

use std::sync::LazyLock;

use jiff::tz::TimeZone;
use minijinja::{Environment, UndefinedBehavior, Value, context, value::Serde};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::{
    diagnosis::retell::{retold, retold_text},
    model::{Day, Lang, plain, report::Report},
    store::Store,
};

/// The style sheet, for a route of its own or to be put into a file.
pub const STYLE: &str = include_str!("../../resources/page/page.css");
/// The little script.
pub const SCRIPT: &str = include_str!("../../resources/page/page.js");
/// A lantern.
pub const ICON: &str = include_str!("../../resources/page/icon.svg");

/// Everything that is not a day of logs: how the reader wants the page.
#[derive(Debug, Clone, Serialize)]
pub struct Frame {
    pub lang: Lang,
    /// `light`, `dark`, or empty for what the reader's system says.
    pub theme: &'static str,
    /// The reader came in with a token and may go out again.
    pub signed_in: bool,
    /// Address of this page, to come back to.
    pub here: String,
    /// One file: no links to other pages.
    pub single: bool,
}

/// A page cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    #[error("a template of the page is wrong")]
    Template(#[from] minijinja::Error),
    #[error("the work on a page was lost")]
    Lost(#[from] tokio::task::JoinError),
}

/// How times are shown, and in which language.
#[derive(Debug, Clone)]
pub struct Reader {
    pub lang: Lang,
    pub zone: TimeZone,
    pub now_ms: i64,
}

/// A stored title or sentence in the reader's language, when it is one of ours.
#[must_use]
pub fn told(text: String, lang: Lang) -> String {
    retold_text(&text, lang).unwrap_or(text)
}

/// A day's report, in the reader's language as far as it is the catalogue's words.
pub async fn report(store: &Store, day: Day, lang: Lang) -> Result<Option<Report>, Error> {
    let report = store.report(day).await?;
    Ok(report.map(|r| retold(r, lang)))
}

/// Fills a template with values.
pub fn render(name: &str, frame: &Frame, values: &impl Serialize) -> Result<String, Error> {
    let pages = match frame.lang {
        Lang::Zh => &*ZH,
        Lang::En => &*EN,
    };
    let values = context! { frame => Value::from(Serde(frame)), v => Value::from(Serde(values)), version => env!("CARGO_PKG_VERSION"), style => STYLE };
    Ok(pages.get_template(name)?.render(values)?)
}

static ZH: LazyLock<Environment<'static>> = LazyLock::new(|| pages(Lang::Zh));
static EN: LazyLock<Environment<'static>> = LazyLock::new(|| pages(Lang::En));

const TEMPLATES: [(&str, &str); 15] = [
    ("base.html", include_str!("../../resources/page/base.html")),
    (
        "login.html",
        include_str!("../../resources/page/login.html"),
    ),
    (
        "house.html",
        include_str!("../../resources/page/house.html"),
    ),
    ("day.html", include_str!("../../resources/page/day.html")),
    (
        "incident.html",
        include_str!("../../resources/page/incident.html"),
    ),
    (
        "alarms.html",
        include_str!("../../resources/page/alarms.html"),
    ),
    (
        "marks.html",
        include_str!("../../resources/page/marks.html"),
    ),
    (
        "search.html",
        include_str!("../../resources/page/search.html"),
    ),
    (
        "missing.html",
        include_str!("../../resources/page/missing.html"),
    ),
    ("line.html", include_str!("../../resources/page/line.html")),
    ("file.html", include_str!("../../resources/page/file.html")),
    (
        "parts/day.html",
        include_str!("../../resources/page/parts/day.html"),
    ),
    (
        "parts/incident.html",
        include_str!("../../resources/page/parts/incident.html"),
    ),
    (
        "parts/shapes.html",
        include_str!("../../resources/page/parts/shapes.html"),
    ),
    (
        "parts/alarm.html",
        include_str!("../../resources/page/parts/alarm.html"),
    ),
];

fn pages(lang: Lang) -> Environment<'static> {
    let mut pages = Environment::new();
    pages.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    pages.set_auto_escape_callback(|_| minijinja::AutoEscape::Html);
    // Both languages of a text stand side by side where it is shown.
    pages.add_function("t", move |zh: String, en: String| lang.pick(zh, en));
    pages.add_filter("hm", |moment: &str| {
        moment.get(11..16).unwrap_or(moment).to_owned()
    });
    pages.add_filter("mdhm", |moment: &str| {
        moment
            .get(5..16)
            .map_or_else(|| moment.to_owned(), |m| m.replace('T', " "))
    });
    pages.add_filter("num", grouped);
    pages.add_filter("json", |value: &Value| {
        serde_json::to_string(value).unwrap_or_default()
    });
    pages.add_filter("seg", segment);
    pages.add_filter("plain", |text: &str| plain(text).into_owned());
    for (name, text) in TEMPLATES {
        if let Err(error) = pages.add_template(name, text) {
            tracing::error!(%error, name, "a template of the page is wrong");
        }
    }
    pages
}

/// A part of a path.
#[must_use]
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// 12345678 as `12,345,678`.
fn grouped(n: &Value) -> String {
    let Ok(n) = i64::try_from(n.clone()) else {
        // A mean of days is no whole number.
        return f64::try_from(n.clone()).map_or_else(|_| n.to_string(), |x| format!("{x:.1}"));
    };
    let digits = n.unsigned_abs().to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if n < 0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_well_formed_in_both_languages() {
        for lang in [Lang::Zh, Lang::En] {
            let pages = pages(lang);
            for (name, _) in TEMPLATES {
                assert!(pages.get_template(name).is_ok(), "{name}");
            }
        }
    }

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(grouped(&Value::from(12_345_678)), "12,345,678");
        assert_eq!(
            (grouped(&Value::from(7)), grouped(&Value::from(1.25))),
            ("7".into(), "1.2".into())
        );
        assert_eq!(segment("张三/.."), "%E5%BC%A0%E4%B8%89%2F%2E%2E");
    }
}
