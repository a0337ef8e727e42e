//! Owners from a CSV: an existing user table, or what a command prints.
//!
//! In: text with a header. Out: [`NewOwner`]s, or every mistake with its line. Always true: no cell of a key is repeated in a mistake.
//! Columns (any order, others are passed over): `alias`, `secret_id`, `secret_key`; optional `token`, `expires`, `name` (spoken),
//! `voiceprint`, `region`, `bucket`, `business_prefix`, `event_prefix`, `audit_prefix`, `partition`, `clusters`, `run_at`, `code`.
//! Several values in a cell are separated by `|`.

use std::{fmt, io::Read, str::FromStr};

use secrecy::SecretString;

use super::{NewOwner, Owner};
use crate::model::{Credentials, LogKind, OwnerAlias, Places};

/// A line that is not an owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// From 1, the header included; 0 for the file as a whole.
    pub line: u64,
    pub column: &'static str,
    pub what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {}, column `{}`: {}",
            self.line, self.column, self.what
        )
    }
}

/// Reads all owners, or says all that is wrong.
pub fn read_csv(input: impl Read) -> Result<Vec<NewOwner>, Vec<Mistake>> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .flexible(true)
        .from_reader(input);
    let header = match reader.headers() {
        Ok(header) => header
            .iter()
            .map(|h| h.trim_start_matches('\u{feff}').to_lowercase())
            .collect::<Vec<_>>(),
        Err(_) => return Err(vec![whole_file("the header cannot be read")]),
    };
    let mut mistakes: Vec<_> = ["alias", "secret_id", "secret_key"]
        .into_iter()
        .filter(|needed| !header.iter().any(|h| h == needed))
        .map(|column| Mistake {
            line: 1,
            column,
            what: "is missing in the header".to_owned(),
        })
        .collect();
    let mut owners: Vec<NewOwner> = Vec::new();
    if mistakes.is_empty() {
        for record in reader.records() {
            let Ok(record) = record else {
                mistakes.push(whole_file("a line cannot be read as CSV"));
                continue;
            };
            let line = record.position().map_or(0, csv::Position::line);
            let mut row = Row {
                header: &header,
                record: &record,
                line,
                mistakes: &mut mistakes,
            };
            if let Some(owner) = row.owner() {
                if owners.iter().any(|o| o.alias == owner.alias) {
                    mistakes.push(Mistake {
                        line,
                        column: "alias",
                        what: "occurs twice".to_owned(),
                    });
                }
                owners.push(owner);
            }
        }
    }
    if mistakes.is_empty() {
        Ok(owners)
    } else {
        Err(mistakes)
    }
}

fn whole_file(what: &str) -> Mistake {
    Mistake {
        line: 0,
        column: "-",
        what: what.to_owned(),
    }
}

struct Row<'a> {
    header: &'a [String],
    record: &'a csv::StringRecord,
    line: u64,
    mistakes: &'a mut Vec<Mistake>,
}

impl Row<'_> {
    fn owner(&mut self) -> Option<NewOwner> {
        let alias = self.parsed::<OwnerAlias>("alias", "letters, digits, - _ . only");
        let (id, key) = (self.needed("secret_id"), self.needed("secret_key"));
        let mut places = Places {
            bucket: self.parsed("bucket", "cos://<bucket-appid> or file:///absolute/dir"),
            partition: self.text("partition"),
            clusters: self.list("clusters"),
            ..Places::default()
        };
        for (kind, column) in [
            (LogKind::Business, "business_prefix"),
            (LogKind::Event, "event_prefix"),
            (LogKind::Audit, "audit_prefix"),
        ] {
            let prefixes = self
                .list(column)
                .iter()
                .map(|p| p.parse())
                .collect::<Result<Vec<_>, _>>();
            match prefixes {
                Ok(prefixes) if prefixes.is_empty() => {}
                Ok(prefixes) => drop(places.prefixes.insert(kind, prefixes)),
                Err(_) => self.note(column, "a prefix, or cos://bucket-appid/prefix"),
            }
        }
        let about = Owner {
            spoken: self.list("name"),
            voiceprints: self.list("voiceprint"),
            region: self.text("region").unwrap_or_default(),
            places,
            run_at: self.parsed("run_at", "hour:minute such as 01:00"),
            ..Owner::default()
        };
        let expires =
            self.parsed::<jiff::Timestamp>("expires", "a time such as 2026-11-24T10:00:00+08:00");
        let mut key =
            Credentials::new(id?, key?).with_token(self.text("token").map(SecretString::from));
        key.expires_ms = expires.map(jiff::Timestamp::as_millisecond);
        Some(NewOwner {
            alias: alias?,
            key,
            code: self.text("code").map(SecretString::from),
            about,
        })
    }

    fn text(&self, column: &str) -> Option<String> {
        let at = self.header.iter().position(|h| h == column)?;
        self.record
            .get(at)
            .filter(|cell| !cell.is_empty())
            .map(str::to_owned)
    }

    fn needed(&mut self, column: &'static str) -> Option<String> {
        let text = self.text(column);
        if text.is_none() {
            self.note(column, "is empty");
        }
        text
    }

    fn list(&self, column: &str) -> Vec<String> {
        let text = self.text(column).unwrap_or_default();
        let items = text.split('|').map(str::trim).filter(|i| !i.is_empty());
        items.map(str::to_owned).collect()
    }

    fn parsed<T: FromStr>(&mut self, column: &'static str, write: &str) -> Option<T> {
        let text = self.text(column)?;
        let value = text.parse().ok();
        if value.is_none() {
            self.note(column, &format!("cannot be read; write {write}"));
        }
        value
    }

    fn note(&mut self, column: &'static str, what: &str) {
        self.mistakes.push(Mistake {
            line: self.line,
            column,
            what: what.to_owned(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_table_becomes_owners() {
        let csv = "\u{feff}id,Alias,secret_id,secret_key,name,bucket,event_prefix,run_at,code\n\
                   7,zhang,AKIDz,kz,张三|老张,cos://logs-125,tke/event/|cos://old-125/event/,02:30,1234\n\
                   8,li,AKIDl,kl,,,,,\n";
        let owners = read_csv(csv.as_bytes()).expect("owners");
        let [zhang, li] = &owners[..] else {
            panic!("two owners")
        };
        assert_eq!(zhang.about.spoken, ["张三", "老张"]);
        assert_eq!(zhang.about.places.prefixes[&LogKind::Event].len(), 2);
        assert_eq!(zhang.about.run_at, Some(jiff::civil::time(2, 30, 0, 0)));
        assert!(li.code.is_none() && !li.about.places.has_bucket());
    }

    #[test]
    fn all_mistakes_are_named_and_no_key_is_repeated() {
        let csv = "alias,secret_id,secret_key,bucket,run_at\na/b,AKIDx,hush,s3://x,late\nok,,hush,,\nok,AKIDy,hush,,\nok,AKIDz,hush,,\n";
        let mistakes = read_csv(csv.as_bytes()).expect_err("mistakes");
        let told: Vec<_> = mistakes.iter().map(|m| (m.line, m.column)).collect();
        assert_eq!(
            told,
            [
                (2, "alias"),
                (2, "bucket"),
                (2, "run_at"),
                (3, "secret_id"),
                (5, "alias")
            ]
        );
        let text: String = mistakes.iter().map(ToString::to_string).collect();
        assert!(!text.contains("hush") && !text.contains("AKID"), "{text}");
        assert_eq!(
            read_csv("name\nx\n".as_bytes())
                .expect_err("mistakes")
                .len(),
            3
        );
    }
}
