//! A model's answer as drafts, whatever it looks like.
//!
//! In: text that should be one JSON object with `claims`. Out: [`Draft`]s, or nothing. Code fences and talk around the object are forgiven; a claim that cannot be
//! read is skipped, the others stand. Repetition is cut: the same sentence counts once, and only so many sentences count at all.

use serde::Deserialize;
use serde_json::Value;

use super::claims::Draft;

/// Sentences taken of one answer; the prompt asks for eight.
const MOST_DRAFTS: usize = 12;

#[derive(Deserialize)]
struct Answer {
    claims: Vec<Value>,
}

/// `None`: no JSON object with a list `claims` in it.
pub(super) fn drafts(text: &str) -> Option<Vec<Draft>> {
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
    Some(found)
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
            let found = drafts(&text).expect("claims");
            assert_eq!(found.len(), 1, "{text}");
            assert_eq!(found[0].findings, ["f1"]);
        }
        for broken in ["", "抱歉，我不能", &claim[..40], "[1,2]", "{\"claims\":3}"] {
            assert_eq!(drafts(broken), None, "{broken}");
        }
        let endless = format!(
            "{{\"claims\":[{}]}}",
            vec![r#"{"text":"a","kind":"observed"}"#; 500].join(",")
        );
        assert_eq!(drafts(&endless).map(|d| d.len()), Some(1));
    }
}
