//! Addresses of resources: `gengfu://{owner}/{date}/report.json` and so on.
//!
//! In and out: text and [`Address`], both ways. Always true: a parsed address holds only a valid alias and a valid date, so no path
//! can be built that leaves an owner's folder; `parse(format(a)) == a`. Opens nothing.

use std::{fmt, str::FromStr};

use super::Change;
use crate::model::{Day, OwnerAlias};

/// What a resource shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// The fault catalogue.
    Faults,
    /// The days an owner has, newest first.
    Days(OwnerAlias),
    /// The alarms of an owner, newest first.
    Alerts(OwnerAlias),
    /// What is being read for an owner, and how far it is.
    Tasks(OwnerAlias),
    /// A file of a day.
    File(OwnerAlias, Day, File),
}

/// The three files of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum File {
    Summary,
    Analysis,
    Report,
}

impl File {
    pub const ALL: [Self; 3] = [Self::Summary, Self::Analysis, Self::Report];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Summary => "llm_summary.txt",
            Self::Analysis => "vector_analysis.txt",
            Self::Report => "report.json",
        }
    }

    #[must_use]
    pub const fn mime(self) -> &'static str {
        match self {
            Self::Summary | Self::Analysis => "text/markdown",
            Self::Report => "application/json",
        }
    }
}

impl Address {
    /// The owner whose data it shows; the catalogue belongs to nobody.
    #[must_use]
    pub const fn owner(&self) -> Option<&OwnerAlias> {
        match self {
            Self::Faults => None,
            Self::Days(owner)
            | Self::Alerts(owner)
            | Self::Tasks(owner)
            | Self::File(owner, ..) => Some(owner),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Faults => f.write_str("gengfu://faults"),
            Self::Days(owner) => write!(f, "gengfu://{owner}/days"),
            Self::Alerts(owner) => write!(f, "gengfu://{owner}/alerts"),
            Self::Tasks(owner) => write!(f, "gengfu://{owner}/tasks"),
            Self::File(owner, day, file) => write!(f, "gengfu://{owner}/{day}/{}", file.name()),
        }
    }
}

/// The text is no address of this server.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("no such resource")]
pub struct NoSuchAddress;

impl FromStr for Address {
    type Err = NoSuchAddress;

    fn from_str(s: &str) -> Result<Self, NoSuchAddress> {
        let path = s.strip_prefix("gengfu://").ok_or(NoSuchAddress)?;
        if path == "faults" {
            return Ok(Self::Faults);
        }
        let mut parts = path.split('/');
        let owner = decoded(parts.next().unwrap_or_default())?
            .parse()
            .map_err(|_| NoSuchAddress)?;
        let address = match (parts.next(), parts.next()) {
            (Some("days"), None) => Self::Days(owner),
            (Some("alerts"), None) => Self::Alerts(owner),
            (Some("tasks"), None) => Self::Tasks(owner),
            (Some(day), Some(name)) => {
                let day = day.parse().map_err(|_| NoSuchAddress)?;
                let file = File::ALL
                    .into_iter()
                    .find(|f| f.name() == name)
                    .ok_or(NoSuchAddress)?;
                Self::File(owner, day, file)
            }
            _ => return Err(NoSuchAddress),
        };
        parts
            .next()
            .is_none()
            .then_some(address)
            .ok_or(NoSuchAddress)
    }
}

/// Clients write a Chinese alias as it is or percent-encoded.
fn decoded(part: &str) -> Result<String, NoSuchAddress> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first != b'%' {
            bytes.push(*first);
            rest = tail;
            continue;
        }
        let hex = tail
            .get(..2)
            .and_then(|h| std::str::from_utf8(h).ok())
            .ok_or(NoSuchAddress)?;
        bytes.push(u8::from_str_radix(hex, 16).map_err(|_| NoSuchAddress)?);
        rest = &tail[2..];
    }
    String::from_utf8(bytes).map_err(|_| NoSuchAddress)
}

/// The addresses whose content a change touches.
pub(super) fn touched_by(change: &Change) -> Vec<String> {
    let mut touched = Vec::new();
    match change {
        Change::Report(owner, day) | Change::NewDay(owner, day) => {
            touched.extend(File::ALL.map(|file| Address::File(owner.clone(), *day, file)));
            touched.push(Address::Days(owner.clone()));
        }
        Change::Alerts(owner) => touched.push(Address::Alerts(owner.clone())),
        Change::Tasks(owner) => touched.push(Address::Tasks(owner.clone())),
    }
    touched.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_back_as_it_is_written() {
        let owner: OwnerAlias = "张三".parse().expect("alias");
        let day: Day = "2026-11-21".parse().expect("day");
        let mut all = vec![
            Address::Faults,
            Address::Days(owner.clone()),
            Address::Alerts(owner.clone()),
            Address::Tasks(owner.clone()),
        ];
        all.extend(File::ALL.map(|f| Address::File(owner.clone(), day, f)));
        for address in all {
            assert_eq!(address.to_string().parse(), Ok(address));
        }
        assert_eq!(
            "gengfu://%E5%BC%A0%E4%B8%89/days".parse(),
            Ok(Address::Days(owner))
        );
    }

    #[test]
    fn no_address_leaves_the_owners_folder() {
        for bad in [
            "gengfu://../2026-11-21/report.json",
            "gengfu://a/../2026-11-21/report.json",
            "gengfu://a/2026-11-21/../../secret",
            "gengfu://%2e%2e/2026-11-21/report.json",
            "gengfu://a%2fb/2026-11-21/report.json",
            "gengfu://a/2026-11-21/report.json/x",
            "gengfu://a/2026-11-21/vault.json",
            "gengfu://a/2026-11-21",
            "gengfu://a%zz/days",
            "gengfu://a%e",
            "gengfu:///days",
            "file:///etc/passwd",
            "",
        ] {
            assert_eq!(bad.parse::<Address>(), Err(NoSuchAddress), "{bad}");
        }
    }
}
