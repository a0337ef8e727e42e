//! The short name of an owner, safe as a folder name.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize};

/// 1 to 64 characters of letters (any script), digits, `-`, `_` and `.`; never starts with a dot. Names the owner's folder.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct OwnerAlias(String);

impl OwnerAlias {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OwnerAlias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text cannot name a folder.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` cannot be an owner's alias; use 1 to 64 letters, digits, `-`, `_` or `.`, not starting with a dot"
)]
pub struct InvalidAlias(String);

impl FromStr for OwnerAlias {
    type Err = InvalidAlias;

    fn from_str(s: &str) -> Result<Self, InvalidAlias> {
        let fits = (1..=64).contains(&s.chars().count())
            && !s.starts_with('.')
            && s.chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if fits {
            Ok(Self(s.to_owned()))
        } else {
            Err(InvalidAlias(s.chars().take(80).collect()))
        }
    }
}

impl<'de> Deserialize<'de> for OwnerAlias {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_can_never_leave_its_folder() {
        for good in ["demo", "张三", "team-a_1.prod"] {
            assert!(good.parse::<OwnerAlias>().is_ok(), "{good}");
        }
        for bad in ["", "..", ".env", "a/b", "a\\b", "a b", "a\0"] {
            assert!(bad.parse::<OwnerAlias>().is_err(), "{bad}");
        }
    }
}
