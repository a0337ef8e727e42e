//! The tools: one file each, with its input, its description and its handler.
//!
//! In: a [`Call`] and lenient arguments. Out: an [`Answer`]. Always true: every schema is flat (strings, numbers, booleans), has no
//! output schema, and takes `device_id` and `speaker`; all together stay under the budget of the contract, since a robot pays for them
//! on every spoken turn. The list of tools is a snapshot: changing it is a decision seen in review.

mod analyze_alert;
mod analyze_business;
mod fetch_logs;
mod mark_incident;
mod propose_rollback;
mod search_audit;
mod search_events;
mod summarize_day;
pub(super) mod switch_owner_keys;
mod task_status;
mod trace_cause;

use std::sync::{Arc, LazyLock};

use rmcp::model::{JsonObject, ToolAnnotations};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::{
    Answer,
    args::{Complaint, Text},
    context::Call,
    trouble::Trouble,
};
use crate::model::LogKind;

/// All tools, in the order in which a model should consider them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Tool {
    SummarizeDay,
    AnalyzeBusiness,
    SearchEvents,
    SearchAudit,
    TraceCause,
    FetchLogs,
    ProposeRollback,
    AnalyzeAlert,
    SwitchOwnerKeys,
    MarkIncident,
    TaskStatus,
}

/// What a client sees of a tool.
#[derive(Debug)]
struct Spec {
    name: &'static str,
    /// English, for people at a screen.
    title: &'static str,
    /// Chinese, for the model behind a robot: when to use it, how people ask, what it is not for.
    description: &'static str,
    effect: Effect,
    input: fn() -> JsonObject,
}

/// What calling it does to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// Reads what is stored; of a day that was never run, the part of the bucket that it needs.
    Reads,
    /// Reads, and may set a round going or read the bucket again.
    Works,
    /// Remembers something the user said; saying it again changes nothing.
    Notes,
    /// Sends a message to the user's chat.
    Sends,
}

impl Effect {
    /// Every hint is explicit: the protocol's defaults are the worst case.
    fn annotations(self) -> ToolAnnotations {
        ToolAnnotations::new()
            .read_only(matches!(self, Self::Reads))
            .destructive(false)
            .idempotent(!matches!(self, Self::Sends))
            .open_world(matches!(self, Self::Works | Self::Sends))
    }
}

impl Tool {
    pub(super) const ALL: [Self; 11] = [
        Self::SummarizeDay,
        Self::AnalyzeBusiness,
        Self::SearchEvents,
        Self::SearchAudit,
        Self::TraceCause,
        Self::FetchLogs,
        Self::ProposeRollback,
        Self::AnalyzeAlert,
        Self::SwitchOwnerKeys,
        Self::MarkIncident,
        Self::TaskStatus,
    ];

    const fn spec(self) -> &'static Spec {
        match self {
            Self::SummarizeDay => &summarize_day::SPEC,
            Self::AnalyzeBusiness => &analyze_business::SPEC,
            Self::SearchEvents => &search_events::SPEC,
            Self::SearchAudit => &search_audit::SPEC,
            Self::TraceCause => &trace_cause::SPEC,
            Self::FetchLogs => &fetch_logs::SPEC,
            Self::ProposeRollback => &propose_rollback::SPEC,
            Self::AnalyzeAlert => &analyze_alert::SPEC,
            Self::SwitchOwnerKeys => &switch_owner_keys::SPEC,
            Self::MarkIncident => &mark_incident::SPEC,
            Self::TaskStatus => &task_status::SPEC,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        self.spec().name
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.name() == name)
    }

    /// Whether a repeated call must not begin again at once.
    pub(super) fn starts_work(self) -> bool {
        self.spec().effect == Effect::Sends
    }

    pub(super) async fn run(
        self,
        call: &Call,
        arguments: Map<String, Value>,
    ) -> Result<Answer, Trouble> {
        match self {
            Self::SummarizeDay => summarize_day::run(call, super::args::read(arguments)).await,
            Self::AnalyzeBusiness => {
                analyze_business::run(call, super::args::read(arguments)).await
            }
            Self::SearchEvents => search_events::run(call, super::args::read(arguments)).await,
            Self::SearchAudit => search_audit::run(call, super::args::read(arguments)).await,
            Self::TraceCause => trace_cause::run(call, super::args::read(arguments)).await,
            Self::FetchLogs => fetch_logs::run(call, super::args::read(arguments)).await,
            Self::ProposeRollback => {
                propose_rollback::run(call, super::args::read(arguments)).await
            }
            Self::AnalyzeAlert => analyze_alert::run(call, super::args::read(arguments)).await,
            Self::SwitchOwnerKeys => {
                switch_owner_keys::run(&call.desk, &call.origin, super::args::read(arguments)).await
            }
            Self::MarkIncident => mark_incident::run(call, super::args::read(arguments)).await,
            Self::TaskStatus => task_status::run(call, super::args::read(arguments)).await,
        }
    }

    /// As clients list it.
    fn listed(self) -> rmcp::model::Tool {
        let spec = self.spec();
        rmcp::model::Tool::new(spec.name, spec.description, Arc::new((spec.input)()))
            .with_title(spec.title)
            .with_annotations(spec.effect.annotations())
    }
}

/// All tools as clients list them; made once.
pub(super) fn listed() -> &'static [rmcp::model::Tool] {
    static LISTED: LazyLock<Vec<rmcp::model::Tool>> =
        LazyLock::new(|| Tool::ALL.map(Tool::listed).to_vec());
    &LISTED
}

/// The schema of an input, plain enough for every model: xiaozhi hands it on as it is, and Gemini's gateways refuse `$schema`,
/// `format: uint32` and unions with null.
fn input<T: JsonSchema>() -> JsonObject {
    let settings = SchemaSettings::draft2020_12().with(|s| s.meta_schema = None);
    let Value::Object(mut schema) = settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
    else {
        return JsonObject::new();
    };
    schema.remove("title");
    schema.remove("description");
    let properties = schema.entry("properties").or_insert_with(|| json!({}));
    if let Value::Object(properties) = properties {
        for property in properties.values_mut().filter_map(Value::as_object_mut) {
            property.remove("default");
            property.remove("format");
        }
        properties.insert(
            "device_id".to_owned(),
            json!({ "type": "string", "description": "设备ID" }),
        );
        properties.insert(
            "speaker".to_owned(),
            json!({ "type": "string", "description": "说话人" }),
        );
    }
    schema
}

/// A kind of log; `all` and nothing are none.
fn kind(field: &'static str, said: &Text) -> Result<Option<LogKind>, Complaint> {
    let one = said.get().filter(|k| !["all", "全部", "所有"].contains(k));
    let parse = |k: &str| {
        k.parse().map_err(|_| {
            Complaint::new(
                field,
                k,
                " business、event 或 audit",
                "business, event or audit",
            )
        })
    };
    one.map(parse).transpose()
}

#[cfg(test)]
mod tests;
