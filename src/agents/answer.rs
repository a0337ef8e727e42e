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
pub(super) const QUERY_CHARS: usize = 120;

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

/// `None`: no JSON object with a list `claims` in it, nor the beginning of one with a whole sentence.
pub(super) fn reply(text: &str) -> Option<Reply> {
    // A model that thinks aloud may draft the object before it gives it: the last one counts.
    let starts = text.match_indices('{').map(|(at, _)| at);
    let object = |at: usize| {
        let mut values = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Answer>();
        values.next()?.ok()
    };
    let answer = starts.rev().find_map(object).or_else(|| begun(text))?;
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

/// The whole sentences of an answer that was cut.
fn begun(text: &str) -> Option<Answer> {
    let after = text.rsplit_once("\"claims\"")?.1;
    let mut rest = after.trim_start().strip_prefix(':')?.trim_start();
    rest = rest.strip_prefix('[')?;
    let mut claims = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let Some(Ok(value)) = values.next() else {
            break;
        };
        claims.push(value);
        let read = values.byte_offset();
        rest = &rest[read..];
    }
    let look = Value::Null;
    (!claims.is_empty()).then_some(Answer { claims, look })
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
        let cut = format!("{},{{\"text\":\"half of", &claim[..claim.len() - 2]);
        assert_eq!(reply(&cut).map(|r| r.drafts.len()), Some(1));
        let thought = format!("<think>{{\"claims\":[]}} no</think>{claim}");
        assert_eq!(reply(&thought).map(|r| r.drafts.len()), Some(1));
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
