//! Texts of the file as people and programs write them, and when they count.

use proptest::prelude::*;

use super::*;

fn new(seen: Seen) -> Option<Reading> {
    match seen {
        Seen::New(read) => Some(read),
        Seen::NoKey | Seen::InForce | Seen::Waiting | Seen::Stuck => None,
    }
}

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
    let gbk = [
        b"# \xc3\xdc\xd4\xbf\n".as_slice(),
        b"SECRET_ID=AKIDa\nSECRET_KEY=k1\n",
    ]
    .concat();
    assert!(super::read(&gbk, &names()).is_some(), "a comment in GBK");
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
        let read = new(settle.observe(Some(text.as_bytes()), now, &names(), stranger))?;
        settle.accept(read.key.clone());
        Some(read.key.secret_id)
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
    let mut see = |now_ms| settle.observe(Some(text), now_ms, &names(), known);
    assert!(
        matches!(see(0), Seen::Waiting),
        "in the middle of a rewrite"
    );
    assert!(matches!(see(100_000), Seen::Stuck));
}

#[test]
fn a_file_that_names_no_whole_key_is_stuck_and_one_without_a_key_is_not() {
    let see = |text: &[u8]| {
        let mut settle = Settle::default();
        let seen = [0, DOUBT_MS]
            .map(|now_ms| settle.observe(Some(text), now_ms, &names(), |_| Known::Stranger));
        let [_, last] = seen;
        last
    };
    let cut = b"SECRET_ID=AKID0123456789abcdef0123456789abcdef\nSECRET_KEY=cut\n";
    assert!(matches!(see(cut), Seen::Stuck));
    assert!(matches!(see(b"export SECRET_ID=AKIDa\n"), Seen::Stuck));
    assert!(matches!(see(b"GENGFU_BUCKET=cos://b-1\n"), Seen::NoKey));
    let blank = b"SECRET_ID=\nSECRET_KEY=''\n";
    assert!(
        matches!(see(blank), Seen::NoKey),
        "a template that nobody filled in"
    );
}

#[test]
fn a_key_that_could_not_be_taken_over_is_proposed_again() {
    let mut settle = Settle::default();
    let text = b"SECRET_ID=AKIDa\nSECRET_KEY=k1\n";
    let mut see =
        |now_ms| new(settle.observe(Some(text), now_ms, &names(), |_| Known::Owner)).is_some();
    assert!(!see(0) && see(SETTLE_MS) && see(SETTLE_MS + 2_000));
}

#[test]
fn a_mended_secret_counts_when_the_file_is_whole_and_has_stood_still() {
    let corrected = |_: &Credentials| Known::Corrected;
    let mut settle = Settle::from(Some(Credentials::new("AKIDb", "typo")));
    let mut see = |text: &str, now| {
        new(settle.observe(Some(text.as_bytes()), now, &names(), corrected)).is_some()
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
                if let Seen::New(Reading { key, .. }) = settle.observe(text.as_deref(), now, &names(), known) {
                    active = Some(key.secret_id.clone());
                    settle.accept(key);
                }
                now = (now + settle.look_again_in_ms(now).unwrap_or(500)).min(end);
            }
            if let Seen::New(Reading { key, .. }) = settle.observe(text.as_deref(), now, &names(), known) {
                active = Some(key.secret_id.clone());
                settle.accept(key);
            }
            prop_assert_eq!(&active, &expected);
        }
    }
}
