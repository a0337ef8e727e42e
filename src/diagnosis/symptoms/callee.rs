//! Whom a line is about: the service that its writer called.
//!
//! In: a line, its writer, the object model. Out: the services that it names or may mean, and the one that a client's complaint
//! accuses. Always true: an accused callee is one that the writer is known to call. Does not say what is wrong with it.

use super::View;
use crate::model::ObjectRef;

/// Where cluster DNS listens; an address with this port is the one that was asked, not the one that was wanted.
const DNS_PORT: u16 = 53;

/// Words by which a client's error tells which product refused it, and the port that this product listens on.
const PRODUCTS: [(&str, u16); 16] = [
    ("mysql", 3306),
    ("mariadb", 3306),
    ("innodb", 3306),
    ("postgres", 5432),
    ("psqlexception", 5432),
    ("psycopg", 5432),
    ("pgx", 5432),
    ("redis", 6379),
    ("lettuce", 6379),
    ("maxmemory", 6379),
    ("kafka", 9092),
    ("elasticsearch", 9200),
    ("cluster_block", 9200),
    ("mongo", 27017),
    ("rabbitmq", 5672),
    ("amqp", 5672),
];
/// Words that any database of tables uses.
const TABLES: [&str; 8] = [
    "java.sql",
    "jdbc",
    "error 1040",
    "(1040",
    "error 1290",
    "(1290",
    "binlog",
    "the table '",
];
const TABLE_PORTS: [u16; 2] = [3306, 5432];

/// The workload that a client's complaint accuses, when it speaks of one alone.
pub(super) fn of(view: &View<'_>, caller: &ObjectRef, text: &str) -> Option<ObjectRef> {
    match named(view, caller, text) {
        (to, true) if to.len() == 1 => Some(behind(view, &to[0])),
        _ => None,
    }
}

/// The only callee of the product that a line speaks of: drivers name their product, but often no address.
fn of_product(view: &View<'_>, caller: &ObjectRef, text: &str) -> Option<ObjectRef> {
    let text = text.to_lowercase();
    let mut ports: Vec<u16> = PRODUCTS
        .iter()
        .filter(|(word, _)| text.contains(word))
        .map(|(_, port)| *port)
        .collect();
    if ports.is_empty() && TABLES.iter().any(|word| text.contains(word)) {
        ports.extend(TABLE_PORTS);
    }
    let calls = view.objects.calls_from(caller);
    let mut fitting: Vec<&ObjectRef> = calls
        .filter(|call| call.port.is_some_and(|port| ports.contains(&port)))
        .map(|call| &call.to)
        .collect();
    fitting.sort();
    fitting.dedup();
    match fitting.as_slice() {
        [one] => Some((*one).clone()),
        _ => None,
    }
}

fn behind(view: &View<'_>, service: &ObjectRef) -> ObjectRef {
    let mut workloads = view.objects.workloads_behind(service);
    if workloads.is_empty() {
        return service.clone();
    }
    workloads.swap_remove(0)
}

/// Services that a line of `caller` is about: those it names, else those of the caller's known callees whose name stands in it,
/// else the only one of the product that it speaks of, else (unsure) all that it is known to call.
pub(super) fn named(view: &View<'_>, caller: &ObjectRef, text: &str) -> (Vec<ObjectRef>, bool) {
    let own = |s: &ObjectRef| {
        view.objects.workloads_behind(s).contains(caller)
            || s.name == caller.name && s.namespace == caller.namespace
    };
    let mut named: Vec<ObjectRef> = view
        .objects
        .services_in(text, &caller.namespace)
        .into_iter()
        .filter(|(service, port)| *port != Some(DNS_PORT) && !own(service))
        .map(|(service, _)| service)
        .collect();
    named.sort();
    named.dedup();
    if !named.is_empty() {
        return (named, true);
    }
    let mut known: Vec<ObjectRef> = view
        .objects
        .calls_from(caller)
        .map(|c| c.to.clone())
        .collect();
    known.sort();
    known.dedup();
    let spoken: Vec<ObjectRef> = known
        .iter()
        .filter(|s| stands_in(&s.name, text))
        .cloned()
        .collect();
    if !spoken.is_empty() {
        return (spoken, true);
    }
    match of_product(view, caller, text) {
        Some(one) => (vec![one], true),
        None => (known, false),
    }
}

/// Whether `name` stands in `text` as a word of its own, and not inside a path, a package or a longer name.
fn stands_in(name: &str, text: &str) -> bool {
    let edge = |c: Option<char>| {
        c.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '-' | '_' | '.' | '/'))
    };
    text.match_indices(name).any(|(at, _)| {
        edge(text[..at].chars().next_back()) && edge(text[at + name.len()..].chars().next())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_counts_as_a_word_only() {
        assert!(stands_in("cart", "upstream cart failed"));
        assert!(stands_in("cart", "调用 cart 失败"));
        assert!(!stands_in("cart", "at com.shop.cart.Client"));
        assert!(!stands_in("cart", "GET /cart/items"));
        assert!(!stands_in("cart", "cart-db is gone"));
    }
}
