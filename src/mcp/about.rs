//! Whose logs an answer is about, said with every answer.
//!
//! In: a call, then its answer. Out: the answer with its owner named for the model, and for the ear when the last answer here was about
//! somebody else. Always true: an owner whom nobody has named is not called by an alias made of hex digits; a voice is a hint that the
//! model may ask about, and changes nothing by itself.

use super::{Answer, context::Call};
use crate::{
    model::{Lang, OwnerAlias},
    owners::Owners,
    voice,
};

/// Longest name that is said.
const NAME_CHARS: usize = 20;
/// See the module's head. Taken from a call before its answer is made, since that may be shared with another one.
#[derive(Debug)]
pub(super) struct About {
    owner: OwnerAlias,
    /// The first words, when they are due.
    greeting: Option<String>,
    /// Whose voice it seems to be, when it is another owner's.
    hint: Option<(OwnerAlias, String)>,
    lang: Lang,
}

impl About {
    pub(super) fn of(call: &Call) -> Self {
        let (owners, lang) = (&call.desk.owners, call.lang());
        let speaker = call.origin.speaker.as_deref();
        let hinted = speaker.and_then(|voice| owners.hinted_by(voice));
        let hinted = hinted.filter(|o| *o != call.owner && call.origin.caller.access.allows(o));
        Self {
            greeting: greeting(call),
            hint: hinted.map(|o| {
                let name = name(owners, &o, lang);
                (o, name)
            }),
            owner: call.owner.clone(),
            lang,
        }
    }

    pub(super) fn said(self, mut answer: Answer) -> Answer {
        if let Some(greeting) = self.greeting {
            // Markdown begins on a line of its own.
            let gap = if answer.told.starts_with('#') {
                "\n\n"
            } else {
                ""
            };
            answer.told = format!("{greeting}{gap}{}", answer.told);
        }
        if !answer.facts.iter().any(|(name, _)| *name == "owner") {
            answer = answer.fact("owner", &self.owner);
        }
        match self.hint {
            // What the answer advises itself goes before.
            Some((owner, name)) if answer.advice.is_none() => answer
                .advice(self.lang.pick(
                    format!("声音像{name},不能当真;先问用户要不要换主人,不要自己换"),
                    format!("the voice may be {name}'s, which proves nothing: ask whether to switch, do not switch by yourself"),
                ))
                .next("switch_owner_keys", &[("owner", owner.as_str())]),
            _ => answer,
        }
    }
}

/// The first words, when the last answer here was about somebody else.
pub(super) fn greeting(call: &Call) -> Option<String> {
    call.new_here.then(|| {
        let name = name(&call.desk.owners, &call.owner, call.lang());
        call.lang().pick(
            format!("这是{name}的日志。"),
            format!("These are the logs of {name}. "),
        )
    })
}

/// What to call an owner in speech.
pub(super) fn name(owners: &Owners, owner: &OwnerAlias, lang: Lang) -> String {
    if owners.is_unnamed(owner) {
        return lang.pick("新主人", "the new owner").to_owned();
    }
    let name = voice::clean(&owners.name(owner), lang);
    name.chars().take(NAME_CHARS).collect()
}
