//! Groups masked texts into templates: texts that one statement of a program wrote.
//!
//! In: distinct masked texts and the templates of earlier days. Out: a template text for each of them. A known template that fits is
//! taken first, so that a template keeps its id as long as its lines look the same; the rest are mined among themselves.
//!
//! # Invariants
//! - The result depends on the set of texts, not on their order (`proptest: order_changes_nothing`).
//! - Every text fits its template: it differs from it only at the places marked [`ANY`] and in the class of placeholders.

mod group;
mod known;
mod together;
mod token;

use std::{
    collections::{BTreeSet, HashMap},
    hash::Hasher,
};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3Default;

use crate::{
    mining::mask::Class,
    model::{Level, shapes::TemplateId},
};

use known::{Known, forms};
use token::Tokens;

/// A place where the texts of a template differ.
pub const ANY: &str = "<*>";

/// A template of an earlier day.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct KnownTemplate {
    /// `namespace/name` of the service.
    pub service: String,
    pub level: Level,
    pub text: String,
}

/// The id of a template: a hash of its level and of what its texts are compared by, so that a trace id that happens to have digits
/// only does not make a new template.
#[must_use]
pub fn id_of(level: Level, text: &str) -> TemplateId {
    let mut hash = Xxh3Default::new();
    hash.write_u8(level as u8);
    let tokens = Tokens::of(text);
    let mut keys = tokens.keys.iter().peekable();
    while let Some(key) = keys.next() {
        hash.update(key.as_bytes());
        // How a run of Chinese is parted is a matter of comparing.
        let goes_on = token::is_chinese(key) && keys.peek().is_some_and(|k| token::is_chinese(k));
        if !goes_on {
            hash.write_u8(0);
        }
    }
    TemplateId(hash.digest())
}

/// The text with every placeholder replaced by [`ANY`].
#[must_use]
pub fn signature(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        let (before, from) = rest.split_at(open);
        out.push_str(before);
        let len = placeholder(from);
        out.push_str(if len == 0 { "<" } else { ANY });
        rest = &from[len.max(1)..];
    }
    out.push_str(rest);
    out
}

/// Length of the placeholder at the beginning of `text`; 0 when there is none.
#[must_use]
pub fn placeholder(text: &str) -> usize {
    let longest = Class::IpPort.placeholder().len();
    let Some(end) = text.bytes().take(longest).position(|b| b == b'>') else {
        return 0;
    };
    let found = &text[..=end];
    if found == ANY || Class::of(found).is_some() {
        end + 1
    } else {
        0
    }
}

/// Different texts that are mined among themselves. The cost grows with their number, and a service that writes more different ones writes
/// data, not statements; those beyond the bound take the template of one within it, or [`ANY`] as the name of the overflow.
pub const MINED: usize = 20_000;
/// Keys that these have together at most: it is by them that the cost grows, and prose has hundreds a line.
const MINED_KEYS: usize = 600_000;

/// The template text of each of `texts`, which should be distinct. `known` are texts of templates of earlier days.
///
/// A text is taken apart when it is needed and not kept in pieces: a service may have a million different ones.
#[must_use]
pub fn mine(texts: &[&str], known: &[&str]) -> Vec<String> {
    let known = Known::new(known);
    let mut out: Vec<Option<&str>> = Vec::with_capacity(texts.len());
    let mut hashes = Vec::with_capacity(texts.len());
    let mut tokens = Tokens::default();
    for (i, text) in texts.iter().enumerate() {
        tokens.reuse(text);
        let hash = known::hash(tokens.keys.iter().copied());
        let found = known.find(&tokens.keys, hash);
        out.push(found);
        if found.is_none() {
            hashes.push((hash, i));
        }
    }
    // Texts that are compared by the same keys. The first by hash: whatever the order of the texts, the same ones are mined.
    hashes.sort_unstable();
    let mut keys = 0;
    let alike: Vec<Vec<usize>> = hashes
        .chunk_by(|a, b| a.0 == b.0)
        .take(MINED)
        .take_while(|alike| {
            tokens.reuse(texts[alike[0].1]);
            keys += tokens.keys.len();
            keys <= MINED_KEYS
        })
        .map(|alike| alike.iter().map(|(_, i)| *i).collect())
        .collect();
    let mut sequences: Vec<(Vec<&str>, usize)> = alike
        .iter()
        .enumerate()
        .map(|(n, members)| (Tokens::of(texts[members[0]]).keys, n))
        .collect();
    sequences.sort_unstable();
    let (sequences, order): (Vec<Vec<&str>>, Vec<usize>) = sequences.into_iter().unzip();
    let mut groups: HashMap<Vec<&str>, Vec<usize>> = HashMap::new();
    for (joined, n) in group::join(&sequences).into_iter().zip(order) {
        groups.entry(joined).or_default().extend(&alike[n]);
    }
    let mined: BTreeSet<String> = groups
        .into_iter()
        .map(|(keys, members)| {
            text_of(
                &keys,
                members.iter().map(|i| Tokens::of(texts[*i])).collect(),
            )
        })
        .collect();
    // Once all are known, each text takes the one that tomorrow's look-up will give it.
    let mined = Known::new(&mined.iter().map(String::as_str).collect::<Vec<_>>());
    texts
        .iter()
        .zip(out)
        .map(|(text, known)| {
            if let Some(text) = known {
                return text.to_owned();
            }
            tokens.reuse(text);
            let hash = known::hash(tokens.keys.iter().copied());
            mined.find(&tokens.keys, hash).unwrap_or(ANY).to_owned()
        })
        .collect()
}

/// The text of a template: the pieces that all members share, and [`ANY`] where they differ.
fn text_of(keys: &[&str], mut members: Vec<Tokens<'_>>) -> String {
    members.sort_unstable_by(|a, b| {
        a.keys.cmp(&b.keys).then_with(|| {
            a.pieces
                .iter()
                .map(|p| p.text)
                .cmp(b.pieces.iter().map(|p| p.text))
        })
    });
    let first = &members[0];
    if members.iter().any(|m| m.pieces.len() != first.pieces.len()) {
        return keys.concat();
    }
    let mut text = String::new();
    for (at, piece) in first.pieces.iter().enumerate() {
        let alike = members.iter().all(|m| m.pieces[at].text == piece.text);
        text.push_str(if alike || !piece.atom {
            piece.text
        } else {
            ANY
        });
    }
    // Lists of other lengths can hide behind the same keys and the same number of pieces: `<num> <hex> x <ip>`, `<num> x <hex> <ip>`.
    let forms = forms(&text);
    if members
        .iter()
        .all(|m| forms.iter().any(|f| f.fits(&m.keys)))
    {
        text
    } else {
        keys.concat()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_word_that_varies_while_all_else_is_equal_is_a_place() {
        let texts: Vec<String> = ["shoes", "coat", "手机壳", "lamp"]
            .iter()
            .map(|w| format!("INFO [<hex>] query q={w} hits=<num>"))
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        assert!(
            mine(&texts, &[])
                .iter()
                .all(|t| t == "INFO [<hex>] query q=<*> hits=<num>")
        );
    }

    #[test]
    fn what_two_chinese_statements_say_stays_apart_whatever_names_they_hold() {
        let names = [
            "张三",
            "李四",
            "欧阳修",
            "王小明",
            "赵云",
            "孙尚香",
            "诸葛孔明",
        ];
        let said = |who: &str, what: &str| {
            names.map(|name| format!("ERROR {who}{name}{what},原因:接口无响应"))
        };
        let texts = [said("用户", "实名认证失败"), said("商户", "提现到账成功")].concat();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let mined: BTreeSet<String> = mine(&texts, &[]).into_iter().collect();
        let known: Vec<&str> = mined.iter().map(String::as_str).collect();
        assert_eq!(
            known,
            [
                "ERROR 商户<*>成功,原因:接口无响应",
                "ERROR 用户<*>失败,原因:接口无响应"
            ]
        );
        // Tomorrow's news is no line of yesterday's.
        let news = "ERROR 主库订单一写入丢失,原因:接口无响应";
        assert_eq!(mine(&[news], &known), [news]);
        let again = "ERROR 用户陈叔宝实名认证失败,原因:接口无响应";
        assert_eq!(mine(&[again], &known), known[1..]);
    }

    #[test]
    fn a_known_template_is_taken_before_mining() {
        let known = ["INFO query q=<*> hits=<num>"];
        assert_eq!(mine(&["INFO query q=shoes hits=<num>"], &known), known);
    }

    #[test]
    fn the_id_of_a_template_ignores_the_class_of_its_placeholders() {
        assert_eq!(
            id_of(Level::Info, "a <num> b"),
            id_of(Level::Info, "a <hex> b")
        );
        assert_ne!(
            id_of(Level::Info, "a <num> b"),
            id_of(Level::Error, "a <num> b")
        );
    }

    /// Texts that share words, values, names and quoted values.
    fn texts() -> impl Strategy<Value = Vec<String>> {
        const TEXT: &str = "(GET|PUT|q=[a-e]|<num>|x)( (ok|failed|u=[a-d]|<hex>|n=\"(a b|c|<num> d)\"|a.[b-d]X)){0,4}";
        prop::collection::btree_set(TEXT, 0..30).prop_map(|s| s.into_iter().collect())
    }

    proptest! {
        #[test]
        fn order_changes_nothing(mut texts in texts()) {
            let forward: Vec<&str> = texts.iter().map(String::as_str).collect();
            let first: HashMap<String, String> = forward.iter().map(|t| (*t).to_owned()).zip(mine(&forward, &[])).collect();
            texts.reverse();
            let backward: Vec<&str> = texts.iter().map(String::as_str).collect();
            for (text, template) in backward.iter().zip(mine(&backward, &[])) {
                prop_assert_eq!(&first[*text], &template);
                prop_assert_eq!(mine(&[*text], &[&template]), vec![template]);
            }
        }

        #[test]
        fn ids_are_equal_across_days(yesterday in texts(), today in texts()) {
            let yesterday: Vec<&str> = yesterday.iter().map(String::as_str).collect();
            let first = mine(&yesterday, &[]);
            let known: Vec<&str> = first.iter().map(String::as_str).collect();
            let mut all = [yesterday.clone(), today.iter().map(String::as_str).collect()].concat();
            all.sort_unstable();
            all.dedup();
            let second: HashMap<&str, String> = all.iter().copied().zip(mine(&all, &known)).collect();
            for (text, template) in yesterday.iter().zip(&first) {
                prop_assert_eq!(id_of(Level::Info, &second[text]), id_of(Level::Info, template), "{}", text);
            }
        }
    }
}
