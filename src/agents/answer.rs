//! A model's answer as drafts and a question, whatever it looks like.
//!
//! In: text that should be one JSON object with `claims`. Out: a [`Reply`], or nothing. Code fences and talk around the object are forgiven; a claim that cannot be
//! read is skipped, the others stand. Repetition is cut: the same sentence counts once, and only so many sentences count at all.

use serde::Deserialize;
use serde_json::Value;

use super::claims::Draft;
use crate::model::LogKind;

/// Sentences taken of one answer; the prompt asks for eight.
const MOST_DRAFTS: usize = 12;
/// Longest question to the store in characters.
const QUERY_CHARS: usize = 120;

/// What a model said.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Reply {
    pub drafts: Vec<Draft>,
    pub look: Option<Look>,
}

/// A question to the store: the one thing a model may ask for, and it only reads.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Look {
    pub kind: LogKind,
    pub query: String,
}

#[derive(Deserialize)]
struct Answer {
    claims: Vec<Value>,
    #[serde(default)]
    look: Value,
}

/// `None`: no JSON object with a list `claims` in it.
pub(super) fn reply(text: &str) -> Option<Reply> {
    let start = text.find('{')?;
    // Talk before the object may hold a brace of its own; the object that names the claims is meant.
    let start = text.find("{\"claims\"").unwrap_or(start);
    let mut values = serde_json::Deserializer::from_str(text.get(start..)?).into_iter::<Answer>();
    let answer = values.next()?.ok()?;
    let mut found: Vec<Draft> = Vec::new();
    for value in answer.claims {
        let Ok(draft) = serde_json::from_value::<Draft>(value) else {
            continue;
        };
        if found.len() < MOST_DRAFTS && !found.iter().any(|d| d.text == draft.text) {
            found.push(draft);
        }
    }
    let look = serde_json::from_value::<Look>(answer.look).ok();
    Some(Reply {
        drafts: found,
        look: look.filter(|l| !l.query.trim().is_empty() && l.query.chars().count() <= QUERY_CHARS),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fences_and_talk_are_forgiven_broken_json_is_not() {
        let claim = r#"{"claims":[{"text":"a","kind":"observed","findings":["f1"]},{"text":"b"},{"text":"a","kind":"observed"}]}"#;
        for text in [
            claim.to_owned(),
            format!("```json\n{claim}\n```"),
            format!("好的 {{如下}}：{claim} 以上"),
        ] {
            let found = reply(&text).expect("claims").drafts;
            assert_eq!(found.len(), 1, "{text}");
            assert_eq!(found[0].findings, ["f1"]);
        }
        for broken in ["", "抱歉，我不能", &claim[..40], "[1,2]", "{\"claims\":3}"] {
            assert_eq!(reply(broken), None, "{broken}");
        }
        let asks = |look: &str| {
            reply(&format!("{{\"claims\":[],\"look\":{look}}}"))
                .expect("reply")
                .look
        };
        assert_eq!(
            asks(r#"{"kind":"audit","query":"谁改了 checkout"}"#).map(|l| l.kind),
            Some(LogKind::Audit)
        );
        for odd in [
            "null",
            "3",
            r#"{"kind":"shell","query":"rm"}"#,
            r#"{"kind":"audit","query":" "}"#,
        ] {
            assert_eq!(asks(odd), None, "{odd}");
        }
        let endless = format!(
            "{{\"claims\":[{}]}}",
            vec![r#"{"text":"a","kind":"observed"}"#; 500].join(",")
        );
        assert_eq!(reply(&endless).map(|r| r.drafts.len()), Some(1));
    }
}
