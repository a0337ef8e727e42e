//! Finds the addresses of services in a text.
//!
//! In: a line or a setting, and what is known of names. Out: the services that it names, with the port. Always true: a name
//! counts only where the way it is written, or what is known of it, makes it an address. Does not resolve names of the world outside.

use std::collections::{HashMap, HashSet};

use crate::model::ObjectRef;

/// Names that can be an address.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Names of Services, and of workloads where no Service of that name is known, by namespace.
    pub(super) services: HashMap<String, HashSet<String>>,
    /// ClusterIP to (namespace, name).
    pub(super) addresses: HashMap<String, (String, String)>,
}

impl Names {
    pub(super) fn add(&mut self, namespace: &str, name: &str) {
        let names = self.services.entry(namespace.to_owned()).or_default();
        names.insert(name.to_owned());
    }

    fn knows(&self, namespace: &str, name: &str) -> bool {
        self.services
            .get(namespace)
            .is_some_and(|names| names.contains(name))
    }
}

/// An address in a text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Host {
    pub(super) service: ObjectRef,
    pub(super) port: Option<u16>,
    /// Only the bare name of a service was written, without a port or a scheme.
    pub(super) bare: bool,
}

/// Addresses in `text`, read as somebody in `home` writes them: `name` means the own namespace, `name.ns` and `name.ns.svc...`
/// another, an IP the Service that has it.
pub(super) fn hosts_in(text: &str, home: &str, names: &Names) -> Vec<Host> {
    let mut found: Vec<Host> = Vec::new();
    let mut rest = 0;
    while let Some(start) = text[rest..].find(is_host_char).map(|i| i + rest) {
        let end = text[start..]
            .find(|c| !is_host_char(c))
            .map_or(text.len(), |i| i + start);
        rest = end;
        let token = text[start..end].trim_matches(|c| matches!(c, '.' | '-' | '_'));
        let port = port_after(&text[end..]);
        let Some((namespace, name, bare)) =
            resolve(token, home, names, addressed(&text[..start], port))
        else {
            continue;
        };
        let host = Host {
            service: ObjectRef::new("Service", namespace, name),
            port,
            bare,
        };
        if !found.contains(&host) {
            found.push(host);
        }
    }
    found
}

const fn is_host_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}

fn port_after(rest: &str) -> Option<u16> {
    let digits = rest.strip_prefix(':')?;
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    digits[..end].parse().ok().filter(|port| *port > 0)
}

/// Whether what stands around a word makes it an address: a scheme, credentials, or a port behind it.
fn addressed(before: &str, port: Option<u16>) -> bool {
    const WORDS: [&str; 6] = [
        "lookup ",
        "host=",
        "host='",
        "host=\"",
        "resolve '",
        "EAI_AGAIN ",
    ];
    port.is_some()
        || before.ends_with("://")
        || before.ends_with('@')
        || WORDS.iter().any(|w| before.ends_with(w))
        || before.ends_with("ENOTFOUND ")
}

/// Namespace and name of the service that a word stands for, and whether only its form as a bare name says so.
fn resolve<'t>(
    token: &'t str,
    home: &'t str,
    names: &'t Names,
    addressed: bool,
) -> Option<(&'t str, &'t str, bool)> {
    // The longest a DNS name can be.
    if token.is_empty() || token.len() > 253 {
        return None;
    }
    if let Some((namespace, name)) = names.addresses.get(token) {
        return Some((namespace, name, false));
    }
    let Some((rest, last)) = token.rsplit_once('.') else {
        let named_like_one = addressed || token.contains('-');
        return (named_like_one && names.knows(home, token)).then_some((home, token, !addressed));
    };
    let within = token
        .split_once(".svc")
        .filter(|(_, tail)| tail.is_empty() || tail.starts_with('.'));
    let (rest, namespace) = match within {
        Some((host, _)) => host.rsplit_once('.')?,
        None => (rest, last),
    };
    let name = rest.rsplit('.').next().filter(|name| !name.is_empty())?;
    let is_address = within.is_some() || addressed && names.services.contains_key(namespace);
    (is_address || names.knows(namespace, name)).then_some((namespace, name, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let names = Names {
            services: [
                ("shop", ["web-bff", "cart"].as_slice()),
                ("data", &["redis"]),
            ]
            .map(|(ns, names)| {
                (
                    ns.to_owned(),
                    names.iter().map(ToString::to_string).collect(),
                )
            })
            .into(),
            addresses: [(
                "172.18.4.20".to_owned(),
                ("data".to_owned(), "redis".to_owned()),
            )]
            .into(),
        };
        let found: Vec<String> = hosts_in(text, "shop", &names)
            .iter()
            .map(|h| {
                let port = h.port.map_or(String::new(), |p| format!(":{p}"));
                format!(
                    "{}/{}{port}{}",
                    h.service.namespace,
                    h.service.name,
                    if h.bare { "?" } else { "" }
                )
            })
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn addresses_are_found_however_they_are_written() {
        check(
            "Post \"http://cart.shop.svc.cluster.local:8080/v1\": refused",
            &["shop/cart:8080"],
        );
        check(
            "dial tcp 172.18.4.20:6379: i/o timeout",
            &["data/redis:6379"],
        );
        check("redis.data:6379", &["data/redis:6379"]);
        check("mysql-0.mysql.data.svc.cluster.local", &["data/mysql"]);
        check("getaddrinfo EAI_AGAIN cart", &["shop/cart"]);
        check("amqp://u:p@cart:5672/", &["shop/cart:5672"]);
        check("upstream web-bff failed", &["shop/web-bff?"]);
    }

    #[test]
    fn words_are_not_addresses() {
        check("added item to cart at 10:02:11", &[]);
        check("com.shop.checkout.OrderService v1.2.3 took 3.5s", &[]);
        check("https://api.example.com:443/shop", &[]);
        check("cart.redis.data is full", &["data/redis"]);
        check("", &[]);
    }
}
