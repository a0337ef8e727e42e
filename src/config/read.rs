//! Typed reading of variables, collecting every mistake instead of stopping at the first.
//!
//! In: names and values. Out: values, and a list of [`Mistake`]s. Always true: a secret's text is never part of a mistake.

use std::{collections::BTreeMap, fmt, str::FromStr};

use secrecy::SecretString;

use super::variables;
use crate::model::{Lang, OwnerAlias};

/// Name and value of everything that is set.
pub(super) type Vars = BTreeMap<String, String>;

/// One thing to mend in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    pub variable: String,
    /// What stands there; `None` for secrets and missing values.
    pub found: Option<String>,
    /// What to write, in Chinese and English.
    pub write: (String, String),
}

impl Mistake {
    pub fn new(
        variable: &str,
        found: Option<&str>,
        zh: impl Into<String>,
        en: impl Into<String>,
    ) -> Self {
        // Long values are cut: a mistake is read on a terminal.
        let found = found.map(|f| f.chars().filter(|c| !c.is_control()).take(120).collect());
        Self {
            variable: variable.to_owned(),
            found,
            write: (zh.into(), en.into()),
        }
    }

    pub fn in_words(&self, lang: Lang) -> String {
        let write = lang.pick(&self.write.0, &self.write.1);
        match (&self.found, lang) {
            (Some(found), Lang::Zh) => format!("{}:现在是 `{found}`,请写{write}", self.variable),
            (None, Lang::Zh) => format!("{}:请写{write}", self.variable),
            (Some(found), Lang::En) => format!("{}: found `{found}`, write {write}", self.variable),
            (None, Lang::En) => format!("{}: write {write}", self.variable),
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_words(Lang::En))
    }
}

/// A value of a list with its options: `VALUE;name=N;owner=A`.
pub(super) struct Entry {
    pub(super) value: String,
    pub(super) options: BTreeMap<String, String>,
}

impl Entry {
    pub(super) fn name(&self) -> Option<String> {
        self.options.get("name").cloned()
    }
}

pub(super) struct Reader<'a> {
    vars: &'a Vars,
    pub(super) mistakes: Vec<Mistake>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(vars: &'a Vars) -> Self {
        Self {
            vars,
            mistakes: Vec::new(),
        }
    }

    /// The value, or the default; empty when neither is there.
    pub(super) fn text(&self, name: &str) -> String {
        let variable = variables::find(name);
        debug_assert!(variable.is_some(), "{name} is not in the list of variables");
        match self.vars.get(name).map(|v| v.trim()) {
            Some(value) if !value.is_empty() => value.to_owned(),
            _ => variable.map_or("", |v| v.default).to_owned(),
        }
    }

    pub(super) fn text_if_set(&self, name: &str) -> Option<String> {
        Some(self.text(name)).filter(|t| !t.is_empty())
    }

    pub(super) fn secret(&self, name: &str) -> Option<SecretString> {
        self.text_if_set(name).map(SecretString::from)
    }

    /// `None` when empty, and when it cannot be read (which is noted).
    pub(super) fn parsed<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Option<T>,
        zh: &str,
        en: &str,
    ) -> Option<T> {
        let text = self.text_if_set(name)?;
        let value = read(&text);
        if value.is_none() {
            self.mistakes.push(Mistake::new(name, Some(&text), zh, en));
        }
        value
    }

    /// A number within bounds; the default when it cannot be read (which is noted).
    pub(super) fn number(&mut self, name: &str, range: std::ops::RangeInclusive<u64>) -> u64 {
        let (low, high) = (*range.start(), *range.end());
        self.parsed(
            name,
            |t| t.parse().ok().filter(|n| range.contains(n)),
            &format!("{low} 到 {high} 之间的整数"),
            &format!("a whole number from {low} to {high}"),
        )
        .unwrap_or(low)
    }

    pub(super) fn flag(&mut self, name: &str) -> bool {
        let read = |t: &str| match t.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Some(true),
            "0" | "false" | "no" | "off" => Some(false),
            _ => None,
        };
        self.parsed(name, read, "1 或 0", "1 or 0").unwrap_or(false)
    }

    /// Comma list; blanks around and empty items do not count.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        let items = self.text(name);
        let items = items.split(',').map(str::trim).filter(|i| !i.is_empty());
        items.map(str::to_owned).collect()
    }

    pub(super) fn parsed_list<T: FromStr>(&mut self, name: &str, zh: &str, en: &str) -> Vec<T> {
        let mut read = Vec::new();
        for item in self.list(name) {
            match item.parse() {
                Ok(value) => read.push(value),
                Err(_) => self.mistakes.push(Mistake::new(name, Some(&item), zh, en)),
            }
        }
        read
    }

    pub(super) fn url(&mut self, name: &str) -> Option<url::Url> {
        let read = |t: &str| {
            url::Url::parse(t)
                .ok()
                .filter(|u| matches!(u.scheme(), "http" | "https") && u.has_host())
        };
        self.parsed(
            name,
            read,
            "http:// 或 https:// 开头的地址",
            "an address that starts with http:// or https://",
        )
    }

    /// A list of secrets with options. Neither value nor option texts are repeated in a mistake.
    pub(super) fn entries(&mut self, name: &str, allowed: &[&str]) -> Vec<Entry> {
        let mut entries = Vec::new();
        for item in self.list(name) {
            let mut parts = item.split(';').map(str::trim);
            let value = parts.next().unwrap_or_default().to_owned();
            let mut options = BTreeMap::new();
            for option in parts.filter(|o| !o.is_empty()) {
                match option.split_once('=').map(|(k, v)| (k.trim(), v.trim())) {
                    Some((k, v)) if allowed.contains(&k) && !v.is_empty() => {
                        options.insert(k.to_owned(), v.to_owned());
                    }
                    _ => self.mistakes.push(Mistake::new(
                        name,
                        None,
                        format!("值后面只能跟这些选项(用分号隔开):{}", allowed.join("、")),
                        format!(
                            "only these options after a value, separated by semicolons: {}",
                            allowed.join(", ")
                        ),
                    )),
                }
            }
            if value.is_empty() {
                self.mistakes.push(Mistake::new(
                    name,
                    None,
                    "选项前面的值",
                    "the value in front of its options",
                ));
            } else {
                entries.push(Entry { value, options });
            }
        }
        entries
    }

    /// The owners an entry names with `owner=A|B`.
    pub(super) fn owners_of(&mut self, variable: &str, entry: &Entry) -> Vec<OwnerAlias> {
        let mut owners = Vec::new();
        for alias in entry
            .options
            .get("owner")
            .into_iter()
            .flat_map(|o| o.split('|'))
        {
            match alias.trim().parse() {
                Ok(alias) => owners.push(alias),
                Err(_) => self.mistakes.push(Mistake::new(
                    variable,
                    Some(alias),
                    "主人的别名(字母、数字、- _ .)",
                    "an owner's alias (letters, digits, - _ .)",
                )),
            }
        }
        owners
    }

    pub(super) fn owner_of(&mut self, variable: &str, entry: &Entry) -> Option<OwnerAlias> {
        let mut owners = self.owners_of(variable, entry);
        if owners.len() > 1 {
            self.mistakes.push(Mistake::new(
                variable,
                None,
                "只有一个主人的 owner=",
                "owner= with a single owner",
            ));
        }
        owners.pop()
    }
}
