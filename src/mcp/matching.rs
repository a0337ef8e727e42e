//! Whether a thing from the logs is what somebody looks for.
//!
//! In: what was said for an object, a namespace, a keyword. Out: the things that fit. Always true: names are compared without case and
//! by part, since people say a part; words that occur nowhere as written are looked for by meaning (the store's lexicon knows that
//! 拉不到镜像 is ImagePullBackOff). Ranks nothing.

use std::collections::HashSet;

use super::{args::Text, context::Call, trouble::Trouble};
use crate::{
    model::{Day, LogKind, ObjectRef},
    store::{Query, What},
};

/// A cause lies before its symptom: this far back a change is worth looking at.
pub(super) const BEFORE_MS: i64 = 30 * 60 * 1000;

/// Records looked at by meaning.
const BY_MEANING: usize = 100;

/// What is looked for, in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    object: Option<String>,
    namespace: Option<String>,
    words: Vec<String>,
    query: Option<String>,
}

impl Wanted {
    pub(super) fn new(object: &Text, namespace: &Text, query: &Text) -> Self {
        let lower = |t: &Text| t.get().map(str::to_lowercase);
        let mut object = lower(object);
        let mut namespace = lower(namespace);
        // "Deployment shop/checkout", "shop/checkout", "deployment/checkout" and "checkout" are one name.
        if let Some(said) = object.take() {
            let name = said.rsplit(' ').next().unwrap_or(&said).to_owned();
            match name.rsplit_once('/') {
                Some((before, name)) => {
                    let is_kind = [
                        "deployment",
                        "statefulset",
                        "daemonset",
                        "pod",
                        "pods",
                        "node",
                        "service",
                        "job",
                    ];
                    if namespace.is_none() && !is_kind.contains(&before) && !before.contains('/') {
                        namespace = Some(before.to_owned());
                    }
                    object = Some(name.to_owned());
                }
                None => object = Some(name),
            }
        }
        let query = lower(query);
        let words = query
            .iter()
            .flat_map(|q| q.split_whitespace().map(str::to_owned))
            .collect();
        Self {
            object,
            namespace,
            words,
            query,
        }
    }

    pub(super) fn object_fits(&self, object: &ObjectRef) -> bool {
        self.name_fits(&object.namespace, &object.name)
    }

    pub(super) fn name_fits(&self, namespace: &str, name: &str) -> bool {
        self.namespace
            .as_ref()
            .is_none_or(|n| namespace.to_lowercase() == *n)
            && self.object.as_ref().is_none_or(|o| {
                let name = name.to_lowercase();
                name.contains(o) || (!name.is_empty() && o.starts_with(&format!("{name}-")))
            })
    }

    pub(super) fn words_fit(&self, text: &str) -> bool {
        if self.words.is_empty() {
            return true;
        }
        let text = text.to_lowercase();
        self.words.iter().all(|w| text.contains(w))
    }

    /// Words that must all occur.
    pub(super) fn words(&self) -> &[String] {
        &self.words
    }

    /// Nothing in particular is looked for.
    pub(super) fn is_open(&self) -> bool {
        *self == Self::default()
    }

    /// What was looked for, as it may be said.
    pub(super) fn spoken(&self) -> String {
        let parts = [&self.object, &self.query, &self.namespace];
        parts
            .into_iter()
            .flatten()
            .cloned()
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// The candidates that hold the words; when none does, those whose records the store finds by meaning.
pub(super) async fn by_words<'a, T>(
    call: &Call,
    day: Day,
    kind: LogKind,
    wanted: &Wanted,
    candidates: Vec<&'a T>,
    text: impl Fn(&T) -> String,
    object: impl Fn(&T) -> &ObjectRef,
) -> Result<Vec<&'a T>, Trouble> {
    let literal: Vec<&T> = candidates
        .iter()
        .copied()
        .filter(|c| wanted.words_fit(&text(c)))
        .collect();
    let Some(query) = wanted
        .query
        .as_ref()
        .filter(|_| literal.is_empty() && !candidates.is_empty())
    else {
        return Ok(literal);
    };
    let mut search = Query::new(query.clone(), call.desk.zone.clone());
    search.what = vec![What::Record];
    search.kind = Some(kind);
    search.days = Some((day, day));
    search.limit = BY_MEANING;
    let hits = call.store.search(search).await?.hits;
    let named: HashSet<(&str, &str)> = hits
        .iter()
        .map(|h| (h.namespace.as_str(), h.object.as_str()))
        .collect();
    let said: Vec<String> = hits.iter().map(|h| h.text.to_lowercase()).collect();
    let first_word = |c: &T| {
        text(c)
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_lowercase()
    };
    let fits = |c: &&T| {
        let o = object(c);
        named.contains(&(o.namespace.as_str(), o.name.as_str()))
            && said.iter().any(|s| s.contains(&first_word(c)))
    };
    Ok(candidates.into_iter().filter(fits).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::mcp::args;

    fn text(s: &str) -> Text {
        #[derive(Default, serde::Deserialize)]
        struct One {
            x: Text,
        }
        let serde_json::Value::Object(o) = json!({ "x": s }) else {
            panic!("object")
        };
        args::read::<One>(o).x
    }

    #[test]
    fn a_name_fits_by_its_parts() {
        let none = Text::default();
        let pod = ObjectRef::new("Pod", "shop", "checkout-6f7c9d8b5d-x2k8q");
        let deployment = ObjectRef::new("Deployment", "shop", "checkout");
        for said in [
            "checkout",
            "Checkout",
            "shop/checkout",
            "Deployment shop/checkout",
            "deployment/checkout",
        ] {
            let wanted = Wanted::new(&text(said), &none, &none);
            assert!(
                wanted.object_fits(&pod) && wanted.object_fits(&deployment),
                "{said}"
            );
        }
        let whole = Wanted::new(&text("checkout-6f7c9d8b5d-x2k8q"), &none, &none);
        assert!(whole.object_fits(&pod) && whole.object_fits(&deployment));
        for said in ["cart", "data/checkout"] {
            assert!(
                !Wanted::new(&text(said), &none, &none).object_fits(&pod),
                "{said}"
            );
        }
        assert!(!Wanted::new(&none, &text("data"), &none).object_fits(&pod));
    }

    #[test]
    fn all_words_must_occur() {
        let none = Text::default();
        let wanted = Wanted::new(&none, &none, &text("Image 404"));
        assert!(
            wanted.words_fit("pull image x: 404 not found") && !wanted.words_fit("pull image x")
        );
    }
}
