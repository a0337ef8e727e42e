//! Reads the catalogue strictly: a mistake is named with its file, fault and field, in a sentence.

use std::collections::HashMap;

use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use super::{
    Catalogue, ChangePattern, EventPattern, Fault, Pair, Side, Sign, coarse,
    raw::{RawChange, RawEvent, RawFault, RawFile, RawText},
};

/// Bound of one compiled pattern, and twenty times that for a set: a pattern above it is a mistake, not a need.
const PATTERN_BYTES: usize = 2 << 20;

/// What is wrong with a catalogue.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("`{file}` is not a fault catalogue: {reason}")]
    Syntax { file: String, reason: String },
    #[error("fault `{code}` in `{file}`: field `{field}` {problem}")]
    Field {
        file: String,
        code: String,
        field: &'static str,
        problem: String,
    },
}

/// Names the place of a mistake.
struct Place<'a> {
    file: &'a str,
    code: &'a str,
}

impl Place<'_> {
    fn wrong(&self, field: &'static str, problem: impl Into<String>) -> Error {
        Error::Field {
            file: self.file.to_owned(),
            code: self.code.to_owned(),
            field,
            problem: problem.into(),
        }
    }

    /// Every text stands in both languages, and what is said names the object it is about.
    fn filled(&self, fault: &Fault) -> Result<(), Error> {
        let one = |pair: &Pair| std::slice::from_ref(pair).to_vec();
        let texts = [
            ("name", one(&fault.name)),
            ("tell", one(&fault.tell)),
            ("say", one(&fault.say)),
            ("rollback", one(&fault.rollback)),
            ("confirm", fault.confirm.clone()),
            ("fix", fault.fix.clone()),
            ("verify", fault.verify.clone()),
        ];
        for (field, pairs) in texts {
            let blank = |p: &Pair| p.0.trim().is_empty() || p.1.trim().is_empty();
            if pairs.is_empty() || pairs.iter().any(blank) {
                return Err(self.wrong(field, "needs a Chinese and an English text"));
            }
        }
        Ok(())
    }

    fn pattern(&self, field: &'static str, text: Option<&String>) -> Result<Option<Regex>, Error> {
        let build = |text: &String| {
            let built = RegexBuilder::new(text).size_limit(PATTERN_BYTES).build();
            built.map_err(|e| self.wrong(field, format!("is not a pattern: {e}")))
        };
        text.map(build).transpose()
    }

    fn set(&self, field: &'static str, texts: &[String]) -> Result<RegexSet, Error> {
        let limit = 20 * PATTERN_BYTES;
        let built = RegexSetBuilder::new(texts)
            .size_limit(limit)
            .dfa_size_limit(limit)
            .build();
        built.map_err(|e| self.wrong(field, format!("holds a wrong pattern: {e}")))
    }
}

impl Catalogue {
    /// Reads a catalogue; `file` is only named in mistakes.
    pub fn load(file: &str, text: &str) -> Result<Self, Error> {
        let raw: RawFile = toml::from_str(text).map_err(|e| Error::Syntax {
            file: file.to_owned(),
            reason: e.to_string(),
        })?;
        let everywhere = Place { file, code: "*" };
        let modes = raw
            .mode
            .iter()
            .map(|m| Ok((m.name, everywhere.set("mode.text", &m.text)?)))
            .collect::<Result<_, Error>>()?;
        let (mut texts, mut text_of) = (Vec::new(), Vec::new());
        let (mut refusals, mut refusal_of) = (Vec::new(), Vec::new());
        let mut faults: Vec<Fault> = Vec::new();
        let mut by_code = HashMap::new();
        for raw in raw.fault {
            let code = raw.code.clone();
            let place = Place { file, code: &code };
            let index = faults.len();
            if by_code.insert(code.clone(), index).is_some() {
                return Err(place.wrong("code", "stands twice"));
            }
            for (side, patterns) in [(Side::Own, &raw.text), (Side::Server, &raw.server)] {
                for pattern in patterns {
                    let (is, not) = match pattern {
                        RawText::Is(is) => (is, None),
                        RawText::But(but) => (&but.is, Some(&but.not)),
                    };
                    place.pattern("text", Some(is))?;
                    texts.push(is.clone());
                    text_of.push((index, side, place.pattern("text.not", not)?));
                }
            }
            for pattern in &raw.refusal {
                if let Some(compiled) = place.pattern("refusal", Some(pattern))? {
                    refusals.push(pattern.clone());
                    refusal_of.push((index, compiled));
                }
            }
            let parent = by_code.get(coarse(&code)).map(|&i: &usize| &faults[i..]);
            let parent = parent.and_then(<[Fault]>::first);
            faults.push(fault(raw, parent, &place)?);
        }
        for known in &faults {
            let place = Place {
                file,
                code: &known.code,
            };
            let others = known.over.iter().map(|c| ("over", c));
            let others = others.chain(known.under.iter().map(|c| ("under", c)));
            let job = known.job.iter().map(|c| ("job", c));
            let unknown = others.chain(job).find(|(_, c)| !by_code.contains_key(*c));
            if let Some((field, code)) = unknown {
                return Err(place.wrong(
                    field,
                    format!("names `{code}`, which is no fault of this file"),
                ));
            }
            place.filled(known)?;
        }
        Ok(Self {
            faults,
            by_code,
            modes,
            texts: everywhere.set("text", &texts)?,
            text_of,
            refusals: everywhere.set("refusal", &refusals)?,
            refusal_of,
        })
    }
}

/// One fault; what it does not say itself it takes from the coarse one.
fn fault(raw: RawFault, parent: Option<&Fault>, place: &Place<'_>) -> Result<Fault, Error> {
    let parts = raw.code.split('.').count();
    if !raw
        .code
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._".contains(&b))
    {
        return Err(place.wrong("code", "may hold a-z, 0-9, `_` and dots only"));
    }
    if parts > 3 || parts == 3 && parent.is_none() {
        return Err(place.wrong("code", "refines a code that does not stand before it"));
    }
    macro_rules! own_or_inherited {
        ($field:ident) => {
            raw.$field
                .or_else(|| parent.map(|p| p.$field.clone()))
                .ok_or_else(|| place.wrong(stringify!($field), "is missing"))?
        };
    }
    let sign = raw
        .sign
        .or(parent.map(|p| p.sign))
        .unwrap_or(Sign::Definitive);
    let events = raw
        .event
        .iter()
        .map(|e| event(e, sign, place))
        .collect::<Result<_, _>>()?;
    let causes = match raw.cause {
        Some(causes) => causes
            .iter()
            .map(|c| change(c, place))
            .collect::<Result<_, _>>()?,
        None => parent.map(|p| p.causes.clone()).unwrap_or_default(),
    };
    Ok(Fault {
        name: raw.name,
        severity: own_or_inherited!(severity),
        sign,
        tell: own_or_inherited!(tell),
        say: own_or_inherited!(say),
        confirm: own_or_inherited!(confirm),
        fix: own_or_inherited!(fix),
        rollback: own_or_inherited!(rollback),
        verify: own_or_inherited!(verify),
        events,
        calls: raw
            .calls
            .or_else(|| parent.map(|p| p.calls.clone()))
            .unwrap_or_default(),
        makes: raw
            .makes
            .or_else(|| parent.map(|p| p.makes.clone()))
            .unwrap_or_default(),
        follows: raw.follows || parent.is_some_and(|p| p.follows),
        job: raw.job.or_else(|| parent.and_then(|p| p.job.clone())),
        over: raw.over,
        under: raw.under,
        slow: raw.slow,
        messenger: raw.messenger,
        of_callee: raw.of_callee || parent.is_some_and(|p| p.of_callee),
        ends: raw
            .ends
            .or_else(|| parent.map(|p| p.ends.clone()))
            .unwrap_or_default(),
        causes,
        shared: raw.shared,
        telling: raw
            .telling
            .or_else(|| parent.and_then(|p| p.telling.clone())),
        code: raw.code,
    })
}

fn event(raw: &RawEvent, sign: Sign, place: &Place<'_>) -> Result<EventPattern, Error> {
    if raw.reason.is_empty() && raw.message.is_none() {
        return Err(place.wrong("event", "needs a reason or a message"));
    }
    Ok(EventPattern {
        reasons: raw.reason.clone(),
        kinds: raw.kind.clone(),
        on: place.pattern("event.on", raw.on.as_ref())?,
        message: place.pattern("event.message", raw.message.as_ref())?,
        not: place.pattern("event.not", raw.not.as_ref())?,
        names: raw.names.clone(),
        object: raw.object,
        sign: raw.sign.unwrap_or(sign),
        pinned: raw.pinned,
        last: raw.last,
    })
}

fn change(raw: &RawChange, place: &Place<'_>) -> Result<ChangePattern, Error> {
    if raw.class.is_empty() {
        return Err(place.wrong("cause.class", "is empty"));
    }
    if let Some(idle) = raw.class.iter().find(|c| !c.has_effect()) {
        let problem = format!("names {idle:?}, which changes nothing that runs");
        return Err(place.wrong("cause.class", problem));
    }
    Ok(ChangePattern {
        classes: raw.class.clone(),
        kinds: raw.kind.clone(),
        of: raw.of,
        root: raw.root,
        must: raw.must,
        lowered: raw.lowered,
        strong: raw.strong,
        name: place.pattern("cause.name", raw.name.as_ref())?,
        value: place.pattern("cause.value", raw.value.as_ref())?,
        field: place.pattern("cause.field", raw.field.as_ref())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(text: &str) -> String {
        let whole = format!("mode = []\n{text}");
        Catalogue::load("faults.toml", &whole)
            .expect_err("a mistake")
            .to_string()
    }

    #[test]
    fn a_mistake_is_named_with_file_fault_and_field() {
        let head = "[[fault]]\ncode = \"a.b\"\nname = [\"一\", \"one\"]\n";
        assert_eq!(
            mistake(head),
            "fault `a.b` in `faults.toml`: field `severity` is missing"
        );
        let bad = format!("{head}text = ['(']\n");
        assert!(
            mistake(&bad)
                .starts_with("fault `a.b` in `faults.toml`: field `text` is not a pattern")
        );
        let fine = head.replace("a.b", "a.b.c");
        assert!(mistake(&fine).contains("refines a code that does not stand before it"));
        assert!(mistake(&format!("{head}colour = 1\n")).contains("unknown field `colour`"));
        let whole = "severity = \"error\"\ntell = [\"一\", \"a\"]\nsay = [\"一\", \"a\"]\nconfirm = [[\"一\", \"a\"]]\nfix = [[\"一\", \"a\"]]\nrollback = [\"一\", \"a\"]\nverify = [[\"一\", \"a\"]]\n";
        let whole = format!("{head}{whole}");
        assert!(Catalogue::load("faults.toml", &format!("mode = []\n{whole}")).is_ok());
        assert_eq!(
            mistake(&whole.replace("fix = [[\"一\", \"a\"]]", "fix = [[\"一\", \"\"]]")),
            "fault `a.b` in `faults.toml`: field `fix` needs a Chinese and an English text"
        );
        assert_eq!(
            mistake(&format!("{whole}over = [\"a.z\"]\n")),
            "fault `a.b` in `faults.toml`: field `over` names `a.z`, which is no fault of this file"
        );
        // A slip that TOML itself refuses is shown with its line.
        assert!(
            mistake(&whole.replace("severity = \"error\"", "severity = \"bad\""))
                .contains("unknown variant `bad`")
        );
        assert!(mistake(&whole.replace("tell = [", "tell = ")).contains("line 6"));
    }

    #[test]
    fn the_example_of_the_documentation_is_a_fault() {
        let page = include_str!("../../../docs/faults.md");
        let example = page
            .split("```")
            .find_map(|part| part.strip_prefix("toml\n"));
        let example = format!("mode = []\n{}", example.expect("an example"));
        let catalogue = Catalogue::load("docs/faults.md", &example).expect("a fault");
        let [fault] = catalogue.faults() else {
            panic!("one fault")
        };
        assert_eq!((fault.events.len(), fault.causes.len()), (1, 1));
    }
}
