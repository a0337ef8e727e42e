//! `analyze_alert`: what an alarm means, what explains it, what to do.

use std::{sync::LazyLock, time::Duration};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Answer, Call, Effect, Spec, Trouble, input};
use crate::{
    alerts::{self, Alarm, Analysis, Conclusion, Look, Looked, inbox},
    diagnosis::faults::{self, Catalogue},
    mcp::{
        args::{Complaint, Text},
        fresh,
    },
    store::{AlarmRow, AlarmState},
    voice::{Detail, clean},
};

pub(super) const SPEC: Spec = Spec {
    name: "analyze_alert",
    title: "Analyse an alarm",
    description: "【K8s集群日志】分析云监控告警:什么意思、原因、怎么处理。用户说「有什么告警」「刚才的告警怎么回事」,或念出、贴出告警内容(放text)时调用。",
    effect: Effect::Notes,
    input: input::<Input>,
};

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Input {
    /// 告警编号;空=最新没讲过的
    alert: Text,
    /// 告警原文
    text: Text,
    #[schemars(extend("enum" = ["brief", "normal", "full"]))]
    detail: Text,
}

/// Alarms older than this are history, not news.
const RECENT_MS: i64 = 7 * 24 * 3600 * 1000;

/// What a robot said unasked this long ago is what "详细说说" means.
const JUST_TOLD_MS: i64 = 10 * 60 * 1000;

/// Of the eight seconds that a robot may wait, two are left for the answer itself.
const PATIENCE: Duration = Duration::from_secs(6);

/// The catalogue is part of the program; its patterns are compiled once.
static CATALOGUE: LazyLock<Result<Catalogue, faults::Error>> = LazyLock::new(Catalogue::builtin);

pub(super) async fn run(call: &Call, input: Input) -> Result<Answer, Trouble> {
    let lang = call.lang();
    let detail = call.detail(&input.detail)?;
    if let Some(text) = input.text.get() {
        let alarm = inbox::pasted(text.as_bytes(), call.now.ms);
        let (analysis, is_late) = analysed(call, &alarm).await?;
        return Ok(if is_late {
            reading(call, &analysis, &[("text", text)])
        } else {
            about(call, &analysis, detail).await
        });
    }
    let Some(row) = stored(call, &input.alert).await? else {
        let told = lang.pick(
            "最近没有收到告警。要不要听昨天的播报？",
            "No alarm has come lately. Shall I tell you about yesterday?",
        );
        return Ok(Answer::told(told)
            .fact("owner", &call.owner)
            .next("summarize_day", &[]));
    };
    let standing = standing(call, &row).await?;
    let is_new = standing.is_none();
    let (mut analysis, is_late) = match standing {
        Some(analysis) => (analysis, false),
        None => analysed(call, &inbox::alarm_of(&row)).await?,
    };
    if is_late {
        // What was found when it came is better than what can be said without the logs.
        match known(&row) {
            Some(before) => analysis = before,
            None => return Ok(reading(call, &analysis, &[("alert", &row.id.to_string())])),
        }
    }
    let answer = about(call, &analysis, detail).await;
    if let Err(error) = note(call, &row, is_new.then_some(&analysis)).await {
        tracing::debug!(%error, "could not note that an alarm was told");
    }
    let unread = inbox::unread(&call.store, call.now.ms).await?;
    let mut answer = answer
        .fact("alert", row.id)
        .fact("times", row.times)
        .fact("unread", unread.len());
    if let Some(next) = unread.first() {
        answer = answer.next(SPEC.name, &[("alert", &next.id.to_string())]);
    }
    Ok(answer)
}

/// Analysed anew each time: a later revision of the report may know more. The second value: the logs take longer than a robot waits.
async fn analysed(call: &Call, alarm: &Alarm) -> Result<(Analysis, bool), Trouble> {
    let look = Look {
        read: call.desk.rounds.around(),
        patience: PATIENCE,
        zone: call.desk.zone.clone(),
        lang: call.lang(),
    };
    let Looked { around, is_late } = look.at(&call.store, alarm).await?;
    fresh::remember(call, &around.lines);
    let empty = Catalogue::default();
    let catalogue = CATALOGUE.as_ref().unwrap_or(&empty);
    let analysis = alerts::analyse(alarm, &around, catalogue, call.lang());
    Ok((analysis, is_late))
}

/// What was made of it when it came, if the logs were seen then.
fn known(row: &AlarmRow) -> Option<Analysis> {
    let analysis = inbox::analysis_of(row)?;
    (analysis.conclusion != Conclusion::Unseen).then_some(analysis)
}

/// What the alarm says, while the logs around it are read.
fn reading(call: &Call, analysis: &Analysis, again: &[(&'static str, &str)]) -> Answer {
    let lang = call.lang();
    let meaning = clean(&analysis.meaning, lang);
    let told = lang.pick(
        format!("{meaning}。前后的日志正在查，还要一会儿，要不要过十几秒再问我一次？"),
        format!(
            "{meaning}. I am reading the logs around it. Could you ask me again in some seconds?"
        ),
    );
    Answer::told(told)
        .fact("owner", &call.owner)
        .fact("began", analysis.began())
        .next(SPEC.name, again)
}

/// The analysis that was made when it came, where it found the cause and nothing was learnt of that day since.
async fn standing(call: &Call, row: &AlarmRow) -> Result<Option<Analysis>, crate::store::Error> {
    let Some(analysis) = known(row).filter(|a| a.conclusion == Conclusion::Incident) else {
        return Ok(None);
    };
    let Some((day, revision)) = analysis.report else {
        return Ok(None);
    };
    let newest = call.store.newest_revision(day).await?;
    Ok((newest == revision).then_some(analysis))
}

/// The user has heard it in full.
async fn note(
    call: &Call,
    row: &AlarmRow,
    analysis: Option<&Analysis>,
) -> Result<(), crate::store::Error> {
    if let Some(analysis) = analysis {
        let value = serde_json::to_value(analysis).unwrap_or_default();
        call.store.put_analysis(row.id, value).await?;
    }
    call.store
        .set_alarm_state(row.id, AlarmState::Acknowledged)
        .await
}

/// The alarm that was named; else the one a robot has just spoken of; else the newest that was not told; else the newest.
async fn stored(call: &Call, said: &Text) -> Result<Option<AlarmRow>, Trouble> {
    if let Some(text) = said.get() {
        let number = text.trim_start_matches(['a', '#']).parse().ok();
        let named = match number {
            Some(id) => call.store.alarm(id).await?,
            None => None,
        };
        let complaint = Complaint::new(
            "alert",
            text,
            "回答里给过的告警编号,或留空",
            "an alarm's number from an answer, or nothing",
        );
        return Ok(Some(named.ok_or(complaint)?));
    }
    let now_ms = call.now.ms;
    if let Some(id) = call.store.last_told_alarm(now_ms - JUST_TOLD_MS).await?
        && let Some(row) = call.store.alarm(id).await?
        && row.state == AlarmState::Told
    {
        return Ok(Some(row));
    }
    if let Some(row) = inbox::unread(&call.store, now_ms).await?.into_iter().next() {
        return Ok(Some(row));
    }
    let recent = call
        .store
        .alarms_between(now_ms - RECENT_MS, now_ms + 1)
        .await?;
    Ok(recent.into_iter().next())
}

async fn about(call: &Call, analysis: &Analysis, detail: Detail) -> Answer {
    let lang = call.lang();
    let told = if detail == Detail::Full {
        analysis.page(lang)
    } else {
        analysis.spoken(&call.ask(detail))
    };
    let alarm = &analysis.alarm;
    let mut answer = Answer::told(told)
        .fact("owner", &call.owner)
        .fact("object", alarm.subject())
        .fact("began", analysis.began());
    let date = analysis.report.map(|(day, _)| day.to_string());
    let date = date.unwrap_or_else(|| call.today().to_string());
    let object = alarm.object.as_ref().map_or("", |o| o.name.as_str());
    let (start, end) = (
        analysis.logs.from.hour_minute(),
        analysis.logs.to.hour_minute(),
    );
    let window = [
        ("date", date.as_str()),
        ("object", object),
        ("start", start.as_str()),
        ("end", end.as_str()),
    ];
    match analysis.conclusion {
        Conclusion::Policy => {
            answer = answer.fact("conclusion", "the policy is wrong, not the cluster");
        }
        Conclusion::Incident => {
            for incident in &analysis.incidents {
                answer = answer.fact("incident", &incident.id).next(
                    "trace_cause",
                    &[("date", &date), ("incident", &incident.id)],
                );
            }
            note_incident(call, analysis).await;
        }
        Conclusion::Signs => {
            let shown = analysis.signs.iter().flat_map(|s| &s.evidence).take(5);
            let ids: Vec<String> = shown.map(ToString::to_string).collect();
            answer = answer
                .fact("evidence", ids.join(","))
                .next("search_events", &window)
                .next("search_audit", &window);
        }
        Conclusion::Change => {
            answer = answer
                .fact(
                    "conclusion",
                    "no trouble in the logs, but a change shortly before",
                )
                .next("search_audit", &window);
        }
        Conclusion::Nothing => {
            answer = answer
                .fact(
                    "conclusion",
                    if analysis.logs.is_partial() {
                        "not all logs of that time were read; what was read shows nothing abnormal"
                    } else {
                        "the logs of that time show nothing abnormal"
                    },
                )
                .next("search_audit", &window);
        }
        Conclusion::Unseen => {
            answer = answer
                .fact("conclusion", "there are no logs of that time yet")
                .next("summarize_day", &[("date", &date), ("refresh", "true")]);
        }
    }
    answer
}

/// From now on "它" means the incident that explains the alarm.
async fn note_incident(call: &Call, analysis: &Analysis) {
    let Some((day, _)) = analysis.report else {
        return;
    };
    let incident = analysis.incidents.first().map(|i| i.id.clone());
    if let (Some(id), Ok(Some(report))) = (incident, call.store.report(day).await) {
        call.told(&report, &[id], 0).await;
    }
}
