//! Resources: the two files and the report of each day, the days, the alarms, the fault catalogue.
//!
//! In: an address and who asks. Out: text as stored. Always true: an owner that the caller may not open is as unknown as one that does
//! not exist; lists are private to the caller, the catalogue is public. Writes nothing.

use rmcp::{
    ErrorData,
    model::{
        CacheScope, CompleteRequestParams, CompletionInfo, ListResourceTemplatesResult,
        ListResourcesResult, ReadResourceResult, Reference, Resource, ResourceContents,
        ResourceTemplate,
    },
};
use serde_json::json;

use super::{Access, Address, Desk, File, trouble::Trouble};
use crate::{
    alerts::DayAlarms,
    model::{Day, OwnerAlias, report::Stage},
    round::tasks::Ended,
    store::Store,
};

/// As it was built in.
const FAULTS: &str = include_str!("../../resources/faults.toml");

/// A day's report may have a newer revision at any moment; subscribers are told, others ask again after this.
const DAY_TTL_MS: u64 = 60_000;
/// The catalogue changes with the program only.
const CATALOGUE_TTL_MS: u64 = 24 * 3600 * 1000;
/// Tasks listed per owner.
const LISTED_TASKS: usize = 20;
/// Days listed per owner; older ones are read by address.
const LISTED_DAYS: usize = 31;

/// What the caller may read, newest day first.
pub(super) async fn list(desk: &Desk, access: &Access) -> Result<ListResourcesResult, Trouble> {
    let mut found = vec![resource(
        &Address::Faults,
        "故障目录 fault catalogue",
        "text/x-toml",
    )];
    for owner in desk.stores.owners(access) {
        let store = desk.stores.of(&owner).await?;
        found.push(resource(
            &Address::Days(owner.clone()),
            "有日报的日期 days",
            "application/json",
        ));
        found.push(resource(
            &Address::Alerts(owner.clone()),
            "告警 alarms",
            "application/json",
        ));
        found.push(resource(
            &Address::Tasks(owner.clone()),
            "正在进行的分析 tasks",
            "application/json",
        ));
        for day in store.days().await?.into_iter().take(LISTED_DAYS) {
            for file in File::ALL {
                let name = format!("{owner} {day} {}", file.name());
                found.push(resource(
                    &Address::File(owner.clone(), day, file),
                    &name,
                    file.mime(),
                ));
            }
        }
    }
    Ok(ListResourcesResult::with_all_items(found)
        .with_ttl_ms(DAY_TTL_MS)
        .with_cache_scope(CacheScope::Private))
}

fn resource(address: &Address, name: &str, mime: &str) -> Resource {
    Resource::new(address.to_string(), name).with_mime_type(mime)
}

/// The forms of addresses; the same for everyone.
pub(super) fn templates() -> ListResourceTemplatesResult {
    let day = File::ALL.map(|f| {
        (
            format!("gengfu://{{owner}}/{{date}}/{}", f.name()),
            f.name(),
            f.mime(),
        )
    });
    let owner = ["days", "alerts", "tasks"].map(|path| {
        (
            format!("gengfu://{{owner}}/{path}"),
            path,
            "application/json",
        )
    });
    let all = day
        .into_iter()
        .chain(owner)
        .map(|(uri, name, mime)| ResourceTemplate::new(uri, name).with_mime_type(mime));
    ListResourceTemplatesResult::with_all_items(all.collect())
        .with_ttl_ms(CATALOGUE_TTL_MS)
        .with_cache_scope(CacheScope::Public)
}

/// Opens an address.
pub(super) async fn read(
    desk: &Desk,
    access: &Access,
    uri: &str,
) -> Result<ReadResourceResult, ErrorData> {
    let unknown = || ErrorData::resource_not_found("no such resource", Some(json!({ "uri": uri })));
    let address: Address = uri.parse().map_err(|_| unknown())?;
    let Some(owner) = address.owner() else {
        let text = ResourceContents::text(FAULTS, uri).with_mime_type("text/x-toml");
        return Ok(ReadResourceResult::new(vec![text])
            .with_ttl_ms(CATALOGUE_TTL_MS)
            .with_cache_scope(CacheScope::Public));
    };
    if !desk.stores.owners(access).contains(owner) {
        return Err(unknown());
    }
    let found = content(desk, owner, &address).await.map_err(|trouble| {
        tracing::error!(error = %trouble, "could not read a resource");
        ErrorData::internal_error(
            "the data of this owner cannot be opened now; see the log",
            None,
        )
    })?;
    let found = found.ok_or_else(unknown)?;
    let text = ResourceContents::text(found.text, uri).with_mime_type(found.mime);
    Ok(ReadResourceResult::new(vec![text])
        .with_ttl_ms(found.ttl_ms)
        .with_cache_scope(CacheScope::Private))
}

/// What lies at an address.
struct Content {
    text: String,
    mime: &'static str,
    ttl_ms: u64,
}

async fn content(
    desk: &Desk,
    owner: &OwnerAlias,
    address: &Address,
) -> Result<Option<Content>, Trouble> {
    let store = desk.stores.of(owner).await?;
    let json = |value: &serde_json::Value| {
        Some(Content {
            text: format!("{value:#}"),
            mime: "application/json",
            ttl_ms: DAY_TTL_MS,
        })
    };
    Ok(match address {
        Address::Faults => None,
        Address::Days(_) => {
            let days = store.days().await?;
            json(&json!({ "owner": owner, "days": days }))
        }
        Address::Alerts(_) => {
            json(&json!({ "owner": owner, "alerts": alarms(desk, &store).await? }))
        }
        Address::Tasks(_) => {
            let found = json(&json!({ "owner": owner, "tasks": tasks(desk, owner) }));
            // It is another a second later; subscribers are told.
            found.map(|content| Content {
                ttl_ms: 0,
                ..content
            })
        }
        Address::File(_, day, file) => day_file(desk, &store, *day, *file).await?,
    })
}

/// The owner's tasks of this process, newest first.
fn tasks(desk: &Desk, owner: &OwnerAlias) -> Vec<serde_json::Value> {
    let tasks = desk.rounds.tasks.list();
    let mine = tasks.iter().rev().filter(|t| t.key.owner == *owner);
    let shown = mine.take(LISTED_TASKS).map(|task| {
        let now = task.progress.snapshot();
        let (state, why) = match task.ended() {
            None => ("running", None),
            Some(Ended::Done) => ("done", None),
            Some(Ended::Stopped) => ("stopped", None),
            Some(Ended::Failed(why)) => ("failed", Some(why)),
        };
        json!({ "id": task.id, "date": task.key.day, "state": state, "why": why, "phase": now.phase.as_str(),
            "percent": now.overall(), "objects": now.objects.0, "of_objects": now.objects.1,
            "revision": now.revision.map(|r| r.0), "elapsed_ms": now.elapsed_ms })
    });
    shown.collect()
}

/// Alarms of the last thirty days, newest first, without the sender's raw body.
async fn alarms(desk: &Desk, store: &Store) -> Result<Vec<serde_json::Value>, Trouble> {
    let now = desk.clock.now_ms();
    let rows = store
        .alarms_between(now - 30 * 24 * 3600 * 1000, now + 1)
        .await?;
    let shown = rows.into_iter().map(|row| {
        json!({ "id": row.id, "policy": row.what.policy, "object": row.what.object, "severity": row.what.severity,
            "first_ms": row.what.first_ms, "last_ms": row.what.last_ms, "recovered_ms": row.what.recovered_ms,
            "times": row.times, "state": row.state, "analysis": row.analysis })
    });
    Ok(shown.collect())
}

async fn day_file(
    desk: &Desk,
    store: &Store,
    day: Day,
    file: File,
) -> Result<Option<Content>, Trouble> {
    let Some(mut report) = store.report(day).await? else {
        return Ok(None);
    };
    // While a round goes on, the next revision is seconds away.
    let ttl_ms = if report.stage >= Stage::Complete {
        DAY_TTL_MS
    } else {
        0
    };
    let content = |text| Content {
        text,
        mime: file.mime(),
        ttl_ms,
    };
    let path = match file {
        File::Report => {
            DayAlarms::attach(store, &mut report, &day.range(&desk.zone)).await?;
            let text =
                serde_json::to_string_pretty(&report).map_err(|_| crate::store::Error::Stopped)?;
            return Ok(Some(content(text)));
        }
        File::Summary => report.files.summary,
        File::Analysis => report.files.analysis,
    };
    // The round wrote it and the report names it; a file that was removed by hand is no resource.
    let text = tokio::fs::read_to_string(&path).await.ok();
    Ok(text.map(content))
}

/// Completes `owner` and `date` of the templates.
pub(super) async fn complete(
    desk: &Desk,
    access: &Access,
    request: &CompleteRequestParams,
) -> Result<CompletionInfo, Trouble> {
    let typed = &request.argument.value;
    let owners = desk.stores.owners(access);
    let candidates: Vec<String> = match (&request.r#ref, request.argument.name.as_str()) {
        (_, "owner") => owners.iter().map(ToString::to_string).collect(),
        (Reference::Resource(_) | Reference::Prompt(_), "date") => {
            let chosen = request
                .context
                .as_ref()
                .and_then(|c| c.get_argument("owner"));
            let mut days = Vec::new();
            for owner in owners
                .iter()
                .filter(|o| chosen.is_none_or(|c| c == o.as_str()))
            {
                days.extend(desk.stores.of(owner).await?.days().await?);
            }
            days.sort_unstable_by(|a, b| b.cmp(a));
            days.dedup();
            days.iter().map(ToString::to_string).collect()
        }
        _ => Vec::new(),
    };
    let mut values: Vec<String> = candidates
        .into_iter()
        .filter(|c| c.starts_with(typed))
        .collect();
    let total = u32::try_from(values.len()).unwrap_or(u32::MAX);
    let more = values.len() > CompletionInfo::MAX_VALUES;
    values.truncate(CompletionInfo::MAX_VALUES);
    Ok(CompletionInfo::with_pagination(values, Some(total), more).unwrap_or_default())
}
