//! What an agent is asked, and the material and prompt that go with it.
//!
//! In: a [`Task`] and the night's [`Input`]. Out: text for a request. An analyst's material is what retrieval gives and nothing else; who links the kinds
//! sees the sentences that were checked already, and the changes.

use std::collections::BTreeMap;

use crate::{
    llm::{Envelope, estimate_tokens, prompts},
    model::{
        Lang, LogKind,
        report::{Claim, LlmNote},
    },
};

use super::{
    answer::Look,
    claims::Draft,
    fault::Fault,
    material::{self, Material},
    night::Input,
    words::change_text,
};

/// What is asked of an agent.
#[derive(Debug, Clone)]
pub(super) enum Task<'a> {
    /// What one kind of log shows of the incidents from this one on.
    Kind { kind: LogKind, from: usize },
    /// One kind of log more, by a question of the supervisor.
    Look(Look),
    /// What links the sentences of several kinds.
    Link(&'a [Claim]),
}

impl Task<'_> {
    /// The log that is looked into; nobody who links the kinds looks into one himself.
    pub(super) const fn kind(&self) -> Option<LogKind> {
        match self {
            Self::Kind { kind, .. } | Self::Look(Look { kind, .. }) => Some(*kind),
            Self::Link(_) => None,
        }
    }

    pub(super) fn prompt(&self, lang: Lang) -> Option<&'static prompts::Prompt> {
        let name = match self {
            Self::Kind { .. } | Self::Look(_) => "analyst",
            Self::Link(_) => "supervisor",
        };
        prompts::prompt(name, lang).ok()
    }

    /// For the prompt's arguments.
    pub(super) fn values<'b>(
        &self,
        envelope: &'b Envelope,
        lang: Lang,
    ) -> BTreeMap<&'static str, &'b str> {
        let mut values = BTreeMap::from([("delimiter", envelope.delimiter())]);
        if let Some(kind) = self.kind() {
            let name = match kind {
                LogKind::Business => lang.pick("业务日志", "business log"),
                LogKind::Event => lang.pick("事件日志", "event log"),
                LogKind::Audit => lang.pick("审计日志", "audit log"),
            };
            values.insert("kind", name);
        }
        values
    }

    /// At most `room` tokens by estimate; empty when there is nothing to look at.
    pub(super) async fn material(
        &self,
        input: Input<'_>,
        envelope: &Envelope,
        room: u64,
    ) -> Material {
        let text = match self {
            Self::Kind { kind, from } => {
                return material::of_kind(input, *kind, *from, envelope, room).await;
            }
            Self::Look(look) => material::of_look(input, look, envelope, room).await,
            Self::Link(claims) => said(claims, input, envelope, room),
        };
        Material { text, next: None }
    }
}

/// Checked sentences with their ids, and the changes.
fn said(claims: &[Claim], input: Input<'_>, envelope: &Envelope, room: u64) -> String {
    let mut material = String::new();
    let changes = input.report.incidents.iter();
    let changes = changes.filter_map(|i| i.change.as_ref());
    let said = claims.iter().map(|claim| {
        let records = claim.evidence.iter().map(ToString::to_string);
        let ids: Vec<_> = claim.findings.iter().cloned().chain(records).collect();
        (ids.join(" "), claim.text.clone())
    });
    let edits = changes.map(|c| (c.evidence.to_string(), change_text(c, input.lang)));
    for (label, text) in said.chain(edits) {
        let block = envelope.wrap(&label, &text);
        if estimate_tokens(&material) + estimate_tokens(&block) > room {
            break;
        }
        material = material + &block + "\n";
    }
    material
}

/// What is wrong with an answer, for the model that gave it.
pub(super) fn complaint(
    faulty: &[(Draft, Vec<Fault>)],
    unreadable: bool,
    lang: Lang,
    note: &mut LlmNote,
) -> String {
    let mut lines: Vec<String> = Vec::new();
    if unreadable {
        let said = lang.pick(
            "上面的回答不是要求的 JSON 对象。",
            "The answer above is not the JSON object asked for.",
        );
        lines.push(said.to_owned());
    }
    for (draft, faults) in faulty {
        let reasons: Vec<_> = faults.iter().map(ToString::to_string).collect();
        let text: String = draft.text.chars().take(120).collect();
        lines.push(format!("- {text}: {}", reasons.join("; ")));
    }
    let lines = lines.join("\n");
    let Ok(file) = prompts::prompt("repair", lang) else {
        return lines;
    };
    note.prompts.insert(format!("repair.{lang}"), file.sha256());
    let rendered = file.render(&BTreeMap::from([("faults", lines.as_str())]));
    rendered.unwrap_or(lines)
}
