//! A day as one HTML file that opens anywhere: no request, no script, its style inside.
//!
//! In: a store and a day. Out: the text of the file. Always true: the file's own policy lets it load nothing; all evidence that is kept is
//! inside. Without a link to a server: whoever gets the file may have none.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{
    Error, Frame, Reader, STYLE,
    day::{self, DayView},
    incident::{self, IncidentView},
    render,
};
use crate::{model::Day, store::Store};

#[derive(Serialize)]
struct Whole {
    day: DayView,
    incidents: Vec<IncidentView>,
    policy: String,
}

/// Writes a day; `None` when it has no report.
pub async fn file(
    store: &Store,
    of: Day,
    name: String,
    reader: &Reader,
) -> Result<Option<String>, Error> {
    let Some(day) = day::day(store, of, name.clone(), reader).await? else {
        return Ok(None);
    };
    let marks = store.marks().await?;
    let ids: Vec<String> = day.report.incidents.iter().map(|i| i.id.clone()).collect();
    let lines = incident::lines(store, &day.report, &ids, reader).await?;
    let view = |id: &String| incident::view(&day.report, id, name.clone(), &marks, &lines, reader);
    let incidents = ids.iter().filter_map(view).collect();
    // The one style is known by its hash; a style that a log line smuggled in would not be.
    let hash = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'"
    );
    let frame = Frame {
        lang: reader.lang,
        theme: "",
        signed_in: false,
        here: String::new(),
        single: true,
    };
    Ok(Some(render(
        "file.html",
        &frame,
        &Whole {
            day,
            incidents,
            policy,
        },
    )?))
}
