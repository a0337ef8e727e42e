//! Prompt files: front matter, then text, rendered in one pass.
//!
//! In: the files of `prompts/`, compiled in. Out: [`Prompt`]s that render with named arguments. A value is inserted as it is and never rendered
//! again, so that log text cannot become a template. The loader is strict: a file with an unknown key, an argument that the
//! text does not use, or a placeholder that the front matter does not name, fails the test that loads them all.

use std::{collections::BTreeMap, sync::LazyLock};

use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::model::Lang;

/// The text an operator pastes into the robot's console. xiaozhi reads no prompts of ours; this is our only lever on its persona.
pub const XIAOZHI_ROLE: &str = include_str!("../../prompts/xiaozhi_role.zh.md");

/// Every prompt file with its language.
const FILES: [(Lang, &str); 16] = [
    (Lang::Zh, include_str!("../../prompts/broadcast.zh.md")),
    (Lang::En, include_str!("../../prompts/broadcast.en.md")),
    (Lang::Zh, include_str!("../../prompts/follow_up.zh.md")),
    (Lang::En, include_str!("../../prompts/follow_up.en.md")),
    (Lang::Zh, include_str!("../../prompts/trace.zh.md")),
    (Lang::En, include_str!("../../prompts/trace.en.md")),
    (Lang::Zh, include_str!("../../prompts/alert.zh.md")),
    (Lang::En, include_str!("../../prompts/alert.en.md")),
    (Lang::Zh, include_str!("../../prompts/switch_owner.zh.md")),
    (Lang::En, include_str!("../../prompts/switch_owner.en.md")),
    (Lang::Zh, include_str!("../../prompts/analyst.zh.md")),
    (Lang::En, include_str!("../../prompts/analyst.en.md")),
    (Lang::Zh, include_str!("../../prompts/supervisor.zh.md")),
    (Lang::En, include_str!("../../prompts/supervisor.en.md")),
    (Lang::Zh, include_str!("../../prompts/repair.zh.md")),
    (Lang::En, include_str!("../../prompts/repair.en.md")),
];

static PROMPTS: LazyLock<Vec<Prompt>> = LazyLock::new(|| {
    // A broken file cannot be released: `every_file_loads` reads them all.
    FILES
        .iter()
        .filter_map(|(lang, file)| Prompt::parse(*lang, file).ok())
        .collect()
});

/// A prompt of `prompts/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    pub lang: Lang,
    pub name: String,
    pub title: String,
    pub description: String,
    pub arguments: Vec<Argument>,
    /// Offered to MCP clients; the others are for our own agents.
    pub serve: bool,
    text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Argument {
    pub name: String,
    pub description: String,
    #[serde(default)]
    pub required: bool,
}

/// What is wrong with a prompt file or its use.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the file does not begin with front matter between `---` lines")]
    NoFrontMatter,
    #[error("the front matter cannot be read")]
    FrontMatter(#[from] toml::de::Error),
    #[error("`{0}` is used by the text but not an argument, or the other way round")]
    Argument(String),
    #[error("there is no prompt `{0}`")]
    Unknown(String),
    #[error("the text cannot be rendered")]
    Render(#[from] minijinja::Error),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FrontMatter {
    name: String,
    title: String,
    description: String,
    #[serde(default)]
    serve: bool,
    #[serde(default)]
    arguments: Vec<Argument>,
}

/// The prompts that MCP clients see, in a fixed order.
pub fn served(lang: Lang) -> impl Iterator<Item = &'static Prompt> {
    PROMPTS.iter().filter(move |p| p.serve && p.lang == lang)
}

/// A prompt by name.
pub fn prompt(name: &str, lang: Lang) -> Result<&'static Prompt, Error> {
    PROMPTS
        .iter()
        .find(|p| p.name == name && p.lang == lang)
        .ok_or_else(|| Error::Unknown(name.to_owned()))
}

impl Prompt {
    fn parse(lang: Lang, file: &str) -> Result<Self, Error> {
        let rest = file.strip_prefix("---\n").ok_or(Error::NoFrontMatter)?;
        let (head, text) = rest.split_once("\n---\n").ok_or(Error::NoFrontMatter)?;
        let head: FrontMatter = toml::from_str(head)?;
        let prompt = Self {
            lang,
            name: head.name,
            title: head.title,
            description: head.description,
            arguments: head.arguments,
            serve: head.serve,
            text: text.to_owned(),
        };
        let used = prompt
            .environment()?
            .get_template("prompt")?
            .undeclared_variables(false);
        let named = prompt.arguments.iter().map(|a| a.name.clone()).collect();
        match used.symmetric_difference(&named).next() {
            Some(odd) => Err(Error::Argument(odd.clone())),
            None => Ok(prompt),
        }
    }

    /// The text with its arguments; one that is not given is empty.
    pub fn render(&self, values: &BTreeMap<&str, &str>) -> Result<String, Error> {
        let mut given: BTreeMap<&str, String> = BTreeMap::new();
        for a in &self.arguments {
            let value = values.iter().find(|v| *v.0 == a.name);
            given.insert(
                &a.name,
                value.map_or_else(String::new, |v| (*v.1).to_owned()),
            );
        }
        Ok(self
            .environment()?
            .get_template("prompt")?
            .render(given)?
            .trim()
            .to_owned())
    }

    /// Of the file's text, for the report: which wording led to these words.
    #[must_use]
    pub fn sha256(&self) -> String {
        hex::encode(Sha256::digest(self.text.as_bytes()))
    }

    fn environment(&self) -> Result<Environment<'_>, Error> {
        let mut env = Environment::empty();
        // Text for a model, not for a browser.
        env.set_auto_escape_callback(|_| AutoEscape::None);
        env.set_undefined_behavior(UndefinedBehavior::Strict);
        env.add_template("prompt", &self.text)?;
        Ok(env)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_loads_in_both_languages() {
        for (lang, file) in FILES {
            if let Err(e) = Prompt::parse(lang, file) {
                panic!("{}: {e}", file.lines().nth(1).unwrap_or(""));
            }
        }
        for lang in [Lang::Zh, Lang::En] {
            let names: Vec<_> = served(lang).map(|p| p.name.as_str()).collect();
            assert_eq!(
                names,
                ["broadcast", "follow_up", "trace", "alert", "switch_owner"]
            );
        }
    }

    #[test]
    fn a_value_never_becomes_a_template() {
        let alert = prompt("alert", Lang::Zh).expect("prompt");
        let text = alert
            .render(&BTreeMap::from([("text", "{{ 7 * 7 }} {% raw %}<b>")]))
            .expect("rendered");
        assert!(text.contains("{{ 7 * 7 }} {% raw %}<b>"), "{text}");
    }

    #[test]
    fn a_placeholder_without_an_argument_is_refused() {
        let file = "---\nname = \"x\"\ntitle = \"\"\ndescription = \"\"\n---\n{{ date }}";
        assert!(
            matches!(Prompt::parse(Lang::En, file), Err(Error::Argument(name)) if name == "date")
        );
        let unknown = "---\nname = \"x\"\ntitle = \"\"\ndescription = \"\"\ncolour = 1\n---\n";
        assert!(matches!(
            Prompt::parse(Lang::En, unknown),
            Err(Error::FrontMatter(_))
        ));
    }

    #[test]
    fn the_role_fits_the_robots_console() {
        assert!(XIAOZHI_ROLE.trim().chars().count() <= 400);
        assert!(XIAOZHI_ROLE.contains("【仅供选择下一步,不要读出】"));
    }

    /// A change of a prompt is a decision: it shows here.
    #[test]
    fn the_prompts_as_a_model_reads_them() {
        let values = BTreeMap::from([
            ("date", "2026-11-21"),
            ("kind", "event"),
            ("incident", "i1"),
            ("delimiter", "feed"),
            ("object", "checkout"),
            ("text", "CPU > 0"),
            ("owner", "demo"),
            ("faults", "-"),
        ]);
        for lang in [Lang::Zh, Lang::En] {
            let mut all = String::new();
            for p in PROMPTS.iter().filter(|p| p.lang == lang) {
                all += &[
                    "## ",
                    &p.name,
                    "\n",
                    &p.render(&values).expect("rendered"),
                    "\n\n",
                ]
                .concat();
            }
            insta::assert_snapshot!(format!("prompts_{lang}"), all);
        }
        insta::assert_snapshot!("xiaozhi_role", XIAOZHI_ROLE);
    }
}
