//! Arguments as a language model writes them, read leniently.
//!
//! In: JSON of any shape. Out: the type that was meant, or a [`Complaint`] that says what to write. Always true: reading never fails as
//! a whole - unknown fields, `null`, `""`, `"null"`, numbers as strings and strings as numbers are all fine; serde's words never reach
//! a user.
//!
//! A tool's input is a struct of [`Text`], [`Number`] and [`Flag`] fields; their doc comments become the schema. [`date`] and [`time`]
//! read what people say for a day and a time.

pub(super) mod date;
mod numerals;
pub(super) mod time;

pub(super) use numerals::plain;

use std::{borrow::Cow, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::model::Lang;

/// The longest text an argument may have; a pasted alarm has a few thousand characters.
const LONGEST: usize = 20_000;

/// Reads a tool's input. Fields that are missing or unusable are empty.
pub(in crate::mcp) fn read<T: DeserializeOwned + Default>(arguments: Map<String, Value>) -> T {
    serde_json::from_value(Value::Object(arguments)).unwrap_or_default()
}

/// What was sent is not what the argument takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::mcp) struct Complaint {
    pub(in crate::mcp) field: &'static str,
    pub(in crate::mcp) got: String,
    /// What to write instead, in Chinese and English.
    pub(in crate::mcp) write: (Cow<'static, str>, Cow<'static, str>),
}

impl Complaint {
    pub(in crate::mcp) fn new(
        field: &'static str,
        got: &str,
        zh: impl Into<Cow<'static, str>>,
        en: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            field,
            got: got.chars().filter(|c| !c.is_control()).take(60).collect(),
            write: (zh.into(), en.into()),
        }
    }

    /// A sentence for the model that made the call.
    #[must_use]
    pub(in crate::mcp) fn sentence(&self, lang: Lang) -> String {
        let Self {
            field,
            got,
            write: (zh, en),
        } = self;
        match lang {
            Lang::Zh => format!("参数 {field} 收到「{got}」,请写{zh}"),
            Lang::En => format!("argument {field} was \"{got}\"; write {en}"),
        }
    }
}

/// Words. Empty, `null` and the words "null", "none", "undefined" are nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::mcp) struct Text(Option<String>);

impl Text {
    #[must_use]
    pub(in crate::mcp) fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// The value that the words stand for; `write` says what may be written.
    pub(in crate::mcp) fn parse<T: FromStr>(
        &self,
        field: &'static str,
        zh: &'static str,
        en: &'static str,
    ) -> Result<Option<T>, Complaint> {
        let parse = |s: &str| s.parse().map_err(|_| Complaint::new(field, s, zh, en));
        self.get().map(parse).transpose()
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Self(words(&Value::deserialize(d)?)))
    }
}

fn words(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(s) => s.clone(),
        Value::Array(items) => items.iter().filter_map(words).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    };
    let text: String = text.trim().chars().take(LONGEST).collect();
    let nothing =
        text.is_empty() || ["null", "none", "undefined"].contains(&text.to_lowercase().as_str());
    (!nothing).then_some(text)
}

/// A whole number from 0 on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::mcp) struct Number(Text);

impl Number {
    /// The words, for an argument that takes more than a number.
    pub(in crate::mcp) fn said(&self) -> Option<&str> {
        self.0.get()
    }

    /// The number if it lies in `low..=high`.
    pub(in crate::mcp) fn within(
        &self,
        field: &'static str,
        low: u64,
        high: u64,
    ) -> Result<Option<u64>, Complaint> {
        let Some(text) = self.0.get() else {
            return Ok(None);
        };
        let digits = numerals::plain(text);
        let digits = digits
            .trim()
            .trim_start_matches('第')
            .trim_end_matches(['个', '条', '页', '部', '分']);
        let whole = digits.strip_suffix(".0").unwrap_or(digits);
        match whole.parse() {
            Ok(n) if (low..=high).contains(&n) => Ok(Some(n)),
            _ => Err(Complaint::new(
                field,
                text,
                format!("{low} 到 {high} 的数字"),
                format!("a number from {low} to {high}"),
            )),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Text::deserialize(d).map(Self)
    }
}

/// Yes or no; nothing is no.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::mcp) struct Flag(Text);

impl Flag {
    pub(in crate::mcp) fn get(&self, field: &'static str) -> Result<bool, Complaint> {
        let Some(text) = self.0.get() else {
            return Ok(false);
        };
        match text.to_lowercase().as_str() {
            "true" | "1" | "yes" | "y" | "on" | "是" | "要" | "好" | "对" => Ok(true),
            "false" | "0" | "no" | "n" | "off" | "否" | "不" | "不要" | "不是" => Ok(false),
            _ => Err(Complaint::new(
                field,
                text,
                " true 或 false",
                "true or false",
            )),
        }
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Text::deserialize(d).map(Self)
    }
}

/// The schema says the plain type: a model then writes it, and we read it whatever it wrote.
macro_rules! plain_schema {
    ($($kind:ident => $json:literal),*) => {$(
        impl JsonSchema for $kind {
            fn schema_name() -> Cow<'static, str> {
                stringify!($kind).into()
            }
            fn inline_schema() -> bool {
                true
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": $json })
            }
        }
    )*};
}
plain_schema!(Text => "string", Number => "integer", Flag => "boolean");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Input {
        date: Text,
        part: Number,
        refresh: Flag,
    }

    fn input(value: Value) -> Input {
        match value {
            Value::Object(o) => read(o),
            _ => Input::default(),
        }
    }

    #[test]
    fn whatever_a_model_writes_is_read() {
        for part in [
            json!(2),
            json!("2"),
            json!(2.0),
            json!("2.0"),
            json!("二"),
            json!("第二部分"),
            json!(["2"]),
        ] {
            assert_eq!(
                input(json!({ "part": part })).part.within("part", 1, 4),
                Ok(Some(2)),
                "{part}"
            );
        }
        for nothing in [
            json!(null),
            json!(""),
            json!(" "),
            json!("null"),
            json!("None"),
            json!([]),
        ] {
            let read = input(json!({ "part": nothing, "date": nothing, "refresh": nothing }));
            assert_eq!(read.part.within("part", 1, 4), Ok(None), "{nothing}");
            assert_eq!(
                (read.date.get(), read.refresh.get("refresh")),
                (None, Ok(false)),
                "{nothing}"
            );
        }
        for yes in [
            json!(true),
            json!("true"),
            json!(1),
            json!("是"),
            json!("True"),
        ] {
            assert_eq!(
                input(json!({ "refresh": yes })).refresh.get("refresh"),
                Ok(true),
                "{yes}"
            );
        }
        assert_eq!(
            input(json!({ "date": 20_261_121, "unknown": {} }))
                .date
                .get(),
            Some("20261121")
        );
    }

    #[test]
    fn a_complaint_says_what_to_write() {
        let part = input(json!({ "part": "九\u{7}" }))
            .part
            .within("part", 1, 4)
            .expect_err("out of range");
        assert_eq!(
            part.sentence(Lang::Zh),
            "参数 part 收到「九」,请写1 到 4 的数字"
        );
        let flag = input(json!({ "refresh": { "a": 1 } }))
            .refresh
            .get("refresh")
            .expect_err("not a flag");
        assert_eq!(
            flag.sentence(Lang::En),
            r#"argument refresh was "{"a":1}"; write true or false"#
        );
    }

    proptest! {
        #[test]
        fn no_json_is_too_strange(text in "\\PC{0,30}", n in any::<f64>()) {
            for value in [json!(text), json!(n), json!([text, n]), json!({ text.clone(): n })] {
                let read = input(json!({ "date": value, "part": value, "refresh": value }));
                let _ = (read.date.get(), read.part.within("part", 0, 9), read.refresh.get("refresh"));
            }
        }
    }
}
