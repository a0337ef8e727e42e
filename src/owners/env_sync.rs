//! The key in the `.env` file, while somebody else rewrites that file under our eyes.
//!
//! In: the file's text at instants. Out: "the whole, valid key changed to this one". Always true: a file that is half written, gone,
//! or garbage changes nothing; the key of the last whole file stays. Pure: reading and watching are [`super::env_watch`]'s.

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
    // An error of the reader itself (invalid UTF-8) ends the lines; one of a line does not.
    let readable = std::str::from_utf8(text).ok()?;
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
    if !fits_together(&id, &key, token.is_some()) {
        return None;
    }
    Some(Reading {
        key: Credentials::new(id, key).with_token(token.map(Into::into)),
        owner,
        doubtful: !text.ends_with(b"\n"),
    })
}

/// Keys are printable ASCII without blanks; anything else is garbage or a template's `<your key>`.
fn is_printable(value: &str) -> bool {
    !value.is_empty()
        && value
            .bytes()
            .all(|b| b.is_ascii_graphic() && b != b'<' && b != b'>')
}

/// A permanent SecretId (`AKID` and 32 more) has a SecretKey of 32 characters; a shorter one is cut off.
fn fits_together(id: &str, key: &str, temporary: bool) -> bool {
    let permanent = id.len() == 36 && id.starts_with("AKID") && !temporary;
    !permanent || key.len() == 32
}

/// Follows the file and says when the key has really changed.
#[derive(Debug, Default)]
pub struct Settle {
    current: Option<Credentials>,
    candidate: Option<Candidate>,
}

#[derive(Debug)]
struct Candidate {
    text: Vec<u8>,
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

    /// The file reads so now (`None`: it is not there). Returns the new key once it is whole and has stood still.
    ///
    /// To be called when something stirs, and again after [`Self::look_again_in_ms`].
    pub fn observe(
        &mut self,
        text: Option<&[u8]>,
        now_ms: i64,
        names: &Names,
        known: impl Fn(&Credentials) -> Known,
    ) -> Option<Reading> {
        let since_ms = match (&self.candidate, text) {
            (_, None) => {
                self.candidate = None;
                return None;
            }
            (Some(c), Some(text)) if c.text == text => c.since_ms,
            (_, Some(text)) => {
                self.candidate = Some(Candidate {
                    text: text.to_vec(),
                    since_ms: now_ms,
                });
                now_ms
            }
        };
        let reading = read(text?, names)?;
        if self
            .current
            .as_ref()
            .is_some_and(|c| c.is_same_key(&reading.key))
        {
            return None;
        }
        let wait_ms = match known(&reading.key) {
            Known::HalfOfAnOwner => return None,
            Known::Corrected if reading.doubtful => return None,
            Known::Corrected => DOUBT_MS,
            Known::Stranger if reading.doubtful || self.is_half_new(&reading.key) => DOUBT_MS,
            Known::Owner | Known::Stranger => SETTLE_MS,
        };
        if now_ms - since_ms < wait_ms {
            return None;
        }
        self.current = Some(reading.key.clone());
        Some(reading)
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names() -> Names {
        Names {
            id: vec!["TENCENTCLOUD_SECRET_ID".to_owned(), "SECRET_ID".to_owned()],
            key: vec![
                "TENCENTCLOUD_SECRET_KEY".to_owned(),
                "SECRET_KEY".to_owned(),
            ],
        }
    }

    fn check(text: &str, expected: Option<(&str, &str)>) {
        use secrecy::ExposeSecret as _;
        let read = read(text.as_bytes(), &names());
        let read = read
            .as_ref()
            .map(|r| (r.key.secret_id.as_str(), r.key.secret_key.expose_secret()));
        assert_eq!(read, expected, "{text:?}");
    }

    #[test]
    fn keys_are_read_as_people_write_them() {
        let pair = Some(("AKIDa", "k1"));
        check(
            "TENCENTCLOUD_SECRET_ID=AKIDa\nTENCENTCLOUD_SECRET_KEY=k1\n",
            pair,
        );
        check(
            "\u{feff}TENCENTCLOUD_SECRET_ID=AKIDa\r\nTENCENTCLOUD_SECRET_KEY=k1\r\n",
            pair,
        );
        check(
            "# note\nexport SECRET_ID='AKIDa' # whose\nSECRET_KEY=\"k1\"\n",
            pair,
        );
        check("a broken line\nSECRET_ID=AKIDa\nSECRET_KEY=k1", pair);
        check("SECRET_ID=AKIDold\nSECRET_ID=AKIDa\nSECRET_KEY=k1\n", pair);
        check("SECRET_ID=AKIDa\n", None);
        check("SECRET_ID=<your id>\nSECRET_KEY=k1\n", None);
        check("SECRET_ID=AKIDa\nSECRET_KEY='k1", None);
        check("SECRET_ID=AKIDa\nSECRET_KEY=\n", None);
        check(
            "SECRET_ID=AKID0123456789abcdef0123456789abcdef\nSECRET_KEY=cut\n",
            None,
        );
        check("", None);
    }

    #[test]
    fn a_rewrite_in_two_steps_is_one_change() {
        let text = |id: &str, key: &str| format!("SECRET_ID={id}\nSECRET_KEY={key}\n");
        let stranger = |_: &Credentials| Known::Stranger;
        let mut settle = Settle::from(Some(Credentials::new("AKIDa", "ka")));
        let mut see = |text: &str, now| {
            let changed = settle.observe(Some(text.as_bytes()), now, &names(), stranger);
            changed.map(|read| read.key.secret_id)
        };
        assert_eq!(see(&text("AKIDb", "ka"), 0), None);
        assert_eq!(see(&text("AKIDb", "ka"), 1_000), None, "half new: not yet");
        assert_eq!(see(&text("AKIDb", "kb"), 1_100), None);
        assert_eq!(see(&text("AKIDb", "kb"), 1_300).as_deref(), Some("AKIDb"));
        assert_eq!(see(&text("AKIDb", "kb"), 9_000), None, "told once");
    }

    #[test]
    fn half_a_known_key_never_switches() {
        let known = |key: &Credentials| {
            if key.secret_id == "AKIDb" {
                Known::HalfOfAnOwner
            } else {
                Known::Stranger
            }
        };
        let mut settle = Settle::default();
        let text = b"SECRET_ID=AKIDb\nSECRET_KEY=k\n";
        assert!(settle.observe(Some(text), 0, &names(), known).is_none());
        assert!(
            settle
                .observe(Some(text), 100_000, &names(), known)
                .is_none()
        );
    }

    #[test]
    fn a_mended_secret_counts_when_the_file_is_whole_and_has_stood_still() {
        let corrected = |_: &Credentials| Known::Corrected;
        let mut settle = Settle::from(Some(Credentials::new("AKIDb", "typo")));
        let mut see = |text: &str, now| {
            let changed = settle.observe(Some(text.as_bytes()), now, &names(), corrected);
            changed.is_some()
        };
        let cut = "SECRET_ID=AKIDb\nSECRET_KEY=righ";
        assert!(!see(cut, 0) && !see(cut, 100_000), "it may be cut off");
        let whole = "SECRET_ID=AKIDb\nSECRET_KEY=right\n";
        assert!(!see(whole, 200_000) && !see(whole, 200_000 + DOUBT_MS - 1));
        assert!(see(whole, 200_000 + DOUBT_MS));
    }

    /// One rewrite: what stands in the file for how many milliseconds.
    #[derive(Debug, Clone)]
    enum Rewrite {
        Whole(u8, i64),
        /// Cut after so many per mille of its bytes, or gone, or noise: always shorter than the doubt.
        Cut(u8, usize, i64),
        Gone(i64),
        Noise(Vec<u8>, i64),
    }

    fn rewrites() -> impl Strategy<Value = Rewrite> {
        let short = 1..DOUBT_MS;
        prop_oneof![
            (0u8..4, SETTLE_MS + 50..5_000).prop_map(|(owner, ms)| Rewrite::Whole(owner, ms)),
            (0u8..4, 0usize..1000, short.clone())
                .prop_map(|(owner, cut, ms)| Rewrite::Cut(owner, cut, ms)),
            short.clone().prop_map(Rewrite::Gone),
            (proptest::collection::vec(any::<u8>(), 0..200), 1i64..60_000)
                .prop_map(|(noise, ms)| Rewrite::Noise(noise, ms)),
        ]
    }

    fn whole(owner: u8) -> Vec<u8> {
        format!("# made by voiceprint\r\nSECRET_ID=AKIDowner{owner}\r\nSECRET_KEY='key-of-{owner}'\r\n# end\r\n").into_bytes()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        /// 40 runs of 25 rewrites: the key in force is always the last whole file's.
        #[test]
        fn a_thousand_rewrites_leave_the_last_whole_key(list in proptest::collection::vec(rewrites(), 25)) {
            let known = |key: &Credentials| {
                use secrecy::ExposeSecret as _;
                let pairs = (0..4).map(|n| (format!("AKIDowner{n}"), format!("key-of-{n}")));
                let halves = pairs.map(|(id, k)| (id == key.secret_id, k == key.secret_key.expose_secret()));
                halves.fold(Known::Stranger, |found, half| match half {
                    (true, true) => Known::Owner,
                    (false, false) => found,
                    (true, false) if found == Known::Stranger => Known::Corrected,
                    _ => Known::HalfOfAnOwner,
                })
            };
            let (mut settle, mut now, mut expected, mut active) = (Settle::default(), 0, None, None);
            for rewrite in list {
                let (text, ms) = match rewrite {
                    Rewrite::Whole(owner, ms) => {
                        expected = Some(format!("AKIDowner{owner}"));
                        (Some(whole(owner)), ms)
                    }
                    Rewrite::Cut(owner, permille, ms) => {
                        let text = whole(owner);
                        (Some(text[..text.len() * permille / 1000].to_vec()), ms)
                    }
                    Rewrite::Gone(ms) => (None, ms),
                    Rewrite::Noise(noise, ms) => (Some(noise), ms),
                };
                let cut_is_whole = text.as_deref().and_then(|t| read(t, &names())).map(|r| r.key);
                let settled = cut_is_whole.filter(|key| known(key) == Known::Owner && ms >= SETTLE_MS);
                expected = settled.map(|key| key.secret_id).or(expected);
                let end = now + ms;
                while now < end {
                    if let Some(Reading { key, .. }) = settle.observe(text.as_deref(), now, &names(), known) {
                        active = Some(key.secret_id);
                    }
                    now = (now + settle.look_again_in_ms(now).unwrap_or(500)).min(end);
                }
                if let Some(Reading { key, .. }) = settle.observe(text.as_deref(), now, &names(), known) {
                    active = Some(key.secret_id);
                }
                prop_assert_eq!(&active, &expected);
            }
        }
    }
}
