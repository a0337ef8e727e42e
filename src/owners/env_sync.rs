//! The key in the `.env` file, while somebody else rewrites that file under our eyes.
//!
//! In: the file's text at instants. Out: "the whole, valid key changed to this one". Always true: a file that is half written, gone,
//! or garbage changes nothing; the key of the last whole file stays. Pure: reading and watching are [`super::env_watch`]'s.

use sha2::{Digest as _, Sha256};

use crate::model::{Credentials, OwnerAlias};

/// A whole rewrite lands within this many milliseconds; the file must have stood still for so long.
pub const SETTLE_MS: i64 = 200;
/// A file that looks cut off may also be all there is to come: it counts when it has stood still for this long.
pub const DOUBT_MS: i64 = 2_000;

/// The names a key may have in the file, in order of preference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    pub id: Vec<String>,
    pub key: Vec<String>,
}

/// What is known of a key pair from elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Exactly the pair of an owner.
    Owner,
    /// The secret is an owner's and the id is not that owner's: a rewrite in the middle.
    HalfOfAnOwner,
    /// The id is an owner's and the secret is nobody's: one of the two was mistyped before and is mended, or is now.
    Corrected,
    Stranger,
}

/// What a text says about the key.
#[derive(Debug)]
pub struct Reading {
    pub key: Credentials,
    /// Whose the key is, as the file says beside it (`GENGFU_OWNER`).
    pub owner: Option<OwnerAlias>,
    /// The text may be cut off: its last line has no end.
    pub doubtful: bool,
}

/// The key pair in a `.env` text; `None` unless both halves are there. CRLF, quotes, comments, `export` and a byte-order mark are
/// as dotenv has them; lines that cannot be read are passed over; the last of several lines of one name counts.
#[must_use]
pub fn read(text: &[u8], names: &Names) -> Option<Reading> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let (mut ids, mut keys) = (vec![None; names.id.len()], vec![None; names.key.len()]);
    let (mut token, mut owner) = (None, None);
    // A comment in another encoding is no reason to overlook the key.
    let readable = String::from_utf8_lossy(text);
    for (name, value) in dotenvy::from_read_iter(readable.as_bytes()).flatten() {
        let value = Some(value).filter(|v| name == "GENGFU_OWNER" || is_printable(v));
        if let Some(i) = names.id.iter().position(|n| *n == name) {
            ids[i] = value;
        } else if let Some(i) = names.key.iter().position(|n| *n == name) {
            keys[i] = value;
        } else if name == "TENCENTCLOUD_TOKEN" {
            token = value;
        } else if name == "GENGFU_OWNER" {
            owner = value.and_then(|alias| alias.parse().ok());
        }
    }
    let id = ids.into_iter().flatten().next()?;
    let key = keys.into_iter().flatten().next()?;
    let key = Credentials::new(id, key).with_token(token.map(Into::into));
    if !key.may_be_whole() {
        return None;
    }
    Some(Reading {
        doubtful: !text.ends_with(b"\n") && !key.is_surely_whole(),
        key,
        owner,
    })
}

/// Whether the text gives any half of a key.
fn mentions_a_key(text: &[u8], names: &Names) -> bool {
    let text = String::from_utf8_lossy(text);
    let mut lines = text
        .lines()
        .map(|l| l.trim_start_matches('\u{feff}').trim());
    lines.any(|line| {
        let line = line.strip_prefix("export ").unwrap_or(line);
        line.split_once('=').is_some_and(|(name, value)| {
            let is_named = names.id.iter().chain(&names.key).any(|n| n == name.trim());
            is_named && !value.trim().trim_matches(['"', '\'']).is_empty()
        })
    })
}

/// Keys are printable ASCII without blanks; anything else is garbage or a template's `<your key>`.
fn is_printable(value: &str) -> bool {
    !value.is_empty()
        && value
            .bytes()
            .all(|b| b.is_ascii_graphic() && b != b'<' && b != b'>')
}

/// Follows the file and says when the key has really changed.
#[derive(Debug, Default)]
pub struct Settle {
    current: Option<Credentials>,
    candidate: Option<Candidate>,
}

/// What a look at the file showed.
#[derive(Debug)]
pub enum Seen {
    /// It is not there, or says nothing of a key.
    NoKey,
    /// The key in force.
    InForce,
    /// Something else, which has yet to stand still.
    Waiting,
    /// It has stood still, speaks of a key, and names none that may be taken over: one is cut off, or two are mixed.
    Stuck,
    /// A whole key that has stood still.
    New(Reading),
}

#[derive(Debug)]
struct Candidate {
    /// Of the text, which holds a key and is not kept.
    hash: [u8; 32],
    since_ms: i64,
}

impl Settle {
    /// Starts from the key that is in force already.
    #[must_use]
    pub const fn from(current: Option<Credentials>) -> Self {
        Self {
            current,
            candidate: None,
        }
    }

    /// The file reads so now (`None`: it is not there). A new key is told once it is whole and has stood still, and again until it is
    /// [accepted](Self::accept): taking it over may fail, and is then tried again.
    ///
    /// To be called when something stirs, and again after [`Self::look_again_in_ms`].
    pub fn observe(
        &mut self,
        text: Option<&[u8]>,
        now_ms: i64,
        names: &Names,
        known: impl Fn(&Credentials) -> Known,
    ) -> Seen {
        let Some(text) = text else {
            self.candidate = None;
            return Seen::NoKey;
        };
        let hash: [u8; 32] = Sha256::digest(text).into();
        let same = self.candidate.as_ref().filter(|c| c.hash == hash);
        let since_ms = same.map_or(now_ms, |c| c.since_ms);
        self.candidate = Some(Candidate { hash, since_ms });
        let stood_ms = now_ms - since_ms;
        let stuck = if stood_ms >= DOUBT_MS {
            Seen::Stuck
        } else {
            Seen::Waiting
        };
        let Some(reading) = read(text, names) else {
            return if mentions_a_key(text, names) {
                stuck
            } else {
                Seen::NoKey
            };
        };
        let current = self.current.as_ref();
        if current.is_some_and(|c| c.is_same_key(&reading.key)) {
            return Seen::InForce;
        }
        let wait_ms = match known(&reading.key) {
            Known::HalfOfAnOwner => return stuck,
            Known::Corrected if reading.doubtful => return stuck,
            Known::Corrected => DOUBT_MS,
            Known::Stranger if reading.doubtful || self.is_half_new(&reading.key) => DOUBT_MS,
            Known::Owner | Known::Stranger => SETTLE_MS,
        };
        if stood_ms < wait_ms {
            return Seen::Waiting;
        }
        Seen::New(reading)
    }

    /// The key is in force now.
    pub fn accept(&mut self, key: Credentials) {
        self.current = Some(key);
    }

    /// After how long to look again although nothing stirs: when the last text may have settled.
    #[must_use]
    pub fn look_again_in_ms(&self, now_ms: i64) -> Option<i64> {
        let since_ms = self.candidate.as_ref()?.since_ms;
        let waits = [SETTLE_MS, DOUBT_MS].map(|wait| since_ms + wait - now_ms);
        waits.into_iter().find(|wait| *wait > 0)
    }

    /// Two lines rewritten one after the other: one half is still the old key's. A key pair never shares a half with another.
    fn is_half_new(&self, key: &Credentials) -> bool {
        use secrecy::ExposeSecret as _;
        self.current.as_ref().is_some_and(|current| {
            let same_id = current.secret_id == key.secret_id;
            let same_key = current.secret_key.expose_secret() == key.secret_key.expose_secret();
            same_id != same_key
        })
    }
}

#[cfg(test)]
mod tests;
