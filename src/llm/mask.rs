//! Identifiers of people and machines, replaced on the way to a foreign model and put back on the way home.
//!
//! In: text. Out: text in which account numbers, IP addresses, e-mail addresses, clusters and hosts of one's own (services, registries)
//! read `acct_1`, `ip_1`, `mail_1`, `cluster_1`, `host_1`; the same value always has the same name.
//! Chinese around an identifier hides it from nobody: 账号100012347138的 has one. Secrets are not its business: they were removed
//! at intake, for good.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use regex::Regex;

static IDENTIFIER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    // Word boundaries of ASCII: for Unicode, a Chinese character before a digit is none.
    Regex::new(concat!(
        r"(?P<mail>[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)",
        r"|(?P<ip>(?-u:\b)[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?-u:\b)",
        r"|(?-u:\b)(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}(?-u:\b)",
        r"|(?-u:\b)(?:[0-9a-fA-F]{1,4}:){1,6}:(?:[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){0,5})?)",
        r"|(?P<acct>[0-9A-Za-z]*[0-9]{9,}[0-9A-Za-z]*)",
        r"|(?P<cluster>(?-u:\b)cls-[0-9a-z]{6,}(?-u:\b))",
        r"|(?P<host>(?:[A-Za-z0-9-]+\.)+(?:svc|internal|local|lan|corp|intranet)(?:\.[A-Za-z0-9-]+)*(?-u:\b))",
        // What stands before the path of an image or of a URL.
        r"|(?P<registry>(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}(?::[0-9]+)?)/",
    ))
    .ok()
});
static MASKED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)(?-u:\b)(?:mail|ip|acct|cluster|host)_[0-9]+").ok());

/// Names given so far.
#[derive(Debug, Clone, Default)]
pub struct Mask {
    names: BTreeMap<String, String>,
    values: BTreeMap<String, String>,
    /// Words of the text itself that look like a name of ours; they are not given to anything.
    taken: BTreeSet<String>,
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
        let alike = MASKED.iter().flat_map(|p| p.find_iter(text));
        self.taken.extend(alike.map(|m| m.as_str().to_lowercase()));
        pattern
            .replace_all(text, |c: &regex::Captures<'_>| {
                if let Some(host) = c.name("registry") {
                    return if is_public(host.as_str()) {
                        c[0].to_owned()
                    } else {
                        self.name("host", host.as_str()) + "/"
                    };
                }
                let kind = ["mail", "ip", "cluster", "host"]
                    .into_iter()
                    .find(|k| c.name(k).is_some())
                    .unwrap_or("acct");
                if kind == "acct" && !is_account(&c[0]) {
                    return c[0].to_owned();
                }
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
                let name = c[0].to_lowercase();
                self.values
                    .get(&name)
                    .cloned()
                    .unwrap_or_else(|| c[0].to_owned())
            })
            .into_owned()
    }

    fn name(&mut self, kind: &str, value: &str) -> String {
        if let Some(name) = self.names.get(value) {
            return name.clone();
        }
        let given = self.values.keys().filter(|k| k.starts_with(kind)).count();
        let free = (given + 1..).map(|n| format!("{kind}_{n}"));
        let name = free
            .into_iter()
            .find(|n| !self.taken.contains(n) && !self.values.contains_key(n));
        let name = name.unwrap_or_default();
        self.names.insert(value.to_owned(), name.clone());
        self.values.insert(name.clone(), value.to_owned());
        name
    }
}

/// Account numbers of Tencent Cloud and mobile numbers; a hash or a longer number is none.
fn is_account(word: &str) -> bool {
    word.starts_with('1')
        && (9..=13).contains(&word.len())
        && word.bytes().all(|b| b.is_ascii_digit())
}

/// Groups of the API and registries of everybody, which say nothing of anyone.
fn is_public(host: &str) -> bool {
    [
        "k8s.io",
        "kubernetes.io",
        "docker.io",
        "quay.io",
        "gcr.io",
        "ghcr.io",
    ]
    .iter()
    .any(|public| {
        let before = host.strip_suffix(public);
        before.is_some_and(|b| b.is_empty() || b.ends_with('.'))
    })
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

    #[test]
    fn chinese_around_an_identifier_does_not_hide_it() {
        let mut mask = Mask::new(false);
        let text = "账号100012347138在节点10.0.3.11上，fe80::1:2 也是，联系ops@example.com。";
        let hidden = mask.hide(text);
        assert_eq!(hidden, "账号acct_1在节点ip_1上，ip_2 也是，联系mail_1。");
        assert_eq!(
            mask.show("就在节点ip_1上，账号Acct_1改的"),
            "就在节点10.0.3.11上，账号100012347138改的"
        );
        // What is no identifier stays: an evidence id, a time, a long number.
        let plain = "event:a1234567890bcdef 10:02:11 12345678901234567";
        assert_eq!(mask.hide(plain), plain);
    }

    #[test]
    fn clusters_and_hosts_of_ones_own_leave_masked_and_come_home() {
        let mut mask = Mask::new(false);
        let text = "集群cls-l9taan9w里 dial tcp: lookup payment.shop.svc.cluster.local: no such host; \
            my-registry.tencentcloudcr.com/app/config-app:v1.2.0 和 https://my-registry.tencentcloudcr.com/v2/，registry.k8s.io/pause:3.9";
        let hidden = mask.hide(text);
        assert_eq!(
            hidden,
            "集群cluster_1里 dial tcp: lookup host_1: no such host; \
            host_2/app/config-app:v1.2.0 和 https://host_2/v2/，registry.k8s.io/pause:3.9"
        );
        assert_eq!(mask.show(&hidden), text);
    }

    #[test]
    fn a_word_of_the_log_that_looks_like_a_mask_is_not_taken_for_one() {
        let mut mask = Mask::new(false);
        let text = "label ip_1 of 10.0.3.11";
        let hidden = mask.hide(text);
        assert_eq!(hidden, "label ip_1 of ip_2");
        assert_eq!(mask.show(&hidden), text);
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
