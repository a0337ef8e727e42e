//! Identifiers of people and machines, replaced on the way to a foreign model and put back on the way home.
//!
//! In: text. Out: text in which account numbers, IP addresses and e-mail addresses read `acct_1`, `ip_1`, `mail_1`; the same value always has the same name.
//! Secrets are not its business: they were removed at intake, for good.

use std::{collections::BTreeMap, sync::LazyLock};

use regex::Regex;

static IDENTIFIER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?P<mail>[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)|(?P<ip>\b\d{1,3}(?:\.\d{1,3}){3}\b|\b(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}\b)|(?P<acct>\b1\d{8,12}\b)").ok()
});
static MASKED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\b(?:mail|ip|acct)_\d+\b").ok());

/// Names given so far.
#[derive(Debug, Clone, Default)]
pub struct Mask {
    names: BTreeMap<String, String>,
    values: BTreeMap<String, String>,
    /// The model is the operator's own: nothing is masked.
    off: bool,
}

impl Mask {
    #[must_use]
    pub fn new(private_model: bool) -> Self {
        Self {
            off: private_model,
            ..Self::default()
        }
    }

    /// The text with its identifiers replaced.
    pub fn hide(&mut self, text: &str) -> String {
        let Some(pattern) = IDENTIFIER.as_ref().filter(|_| !self.off) else {
            return text.to_owned();
        };
        pattern
            .replace_all(text, |c: &regex::Captures<'_>| {
                let kind = ["mail", "ip", "acct"]
                    .into_iter()
                    .find(|k| c.name(k).is_some())
                    .unwrap_or("acct");
                self.name(kind, &c[0])
            })
            .into_owned()
    }

    /// The identifiers again, wherever the answer names one.
    #[must_use]
    pub fn show(&self, text: &str) -> String {
        let Some(pattern) = MASKED.as_ref().filter(|_| !self.off) else {
            return text.to_owned();
        };
        pattern
            .replace_all(text, |c: &regex::Captures<'_>| {
                self.values
                    .get(&c[0])
                    .cloned()
                    .unwrap_or_else(|| c[0].to_owned())
            })
            .into_owned()
    }

    fn name(&mut self, kind: &str, value: &str) -> String {
        if let Some(name) = self.names.get(value) {
            return name.clone();
        }
        let n = self.values.keys().filter(|k| k.starts_with(kind)).count() + 1;
        let name = format!("{kind}_{n}");
        self.names.insert(value.to_owned(), name.clone());
        self.values.insert(name.clone(), value.to_owned());
        name
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn identifiers_leave_masked_and_come_home() {
        let mut mask = Mask::new(false);
        let text = "100012347138 from 10.0.3.11 and ops@example.com, again 10.0.3.11; port 3306, 157 times";
        let hidden = mask.hide(text);
        assert_eq!(
            hidden,
            "acct_1 from ip_1 and mail_1, again ip_1; port 3306, 157 times"
        );
        assert_eq!(mask.show(&hidden), text);
        assert_eq!(mask.show("acct_2 is unknown"), "acct_2 is unknown");
        assert_eq!(Mask::new(true).hide(text), text);
    }

    proptest! {
        #[test]
        fn hiding_is_reversible(ips in proptest::collection::vec("[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}", 0..12), text in "[a-z :,]{0,20}") {
            let text = format!("{text} {}", ips.join(" then "));
            let mut mask = Mask::new(false);
            let hidden = mask.hide(&text);
            prop_assert_eq!(mask.show(&hidden), text);
        }
    }
}
