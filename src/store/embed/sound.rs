//! How a Chinese character sounds, coarsely: speech recognition writes 径向 for 镜像 and 朝时 for 超时.
//!
//! Pinyin without tone; the pairs that recognisers and many speakers do not keep apart (zh/z, ch/c, sh/s, -ng/-n) are one.

use pinyin::ToPinyin;

/// The coarse syllable; the character itself when it has no known reading. Never equal to an English word, by its first letter.
pub(super) fn sound(c: char) -> String {
    let Some(reading) = c.to_pinyin() else {
        return c.to_string();
    };
    let plain = reading.plain();
    let initial = match plain.as_bytes() {
        [b'z' | b'c' | b's', b'h', ..] => &plain[..1],
        _ => "",
    };
    let rest = if initial.is_empty() {
        plain
    } else {
        &plain[2..]
    };
    let rest = match rest.strip_suffix("ng") {
        Some(stem) if !stem.ends_with('o') => format!("{stem}n"),
        _ => rest.to_owned(),
    };
    format!("{MARK}{initial}{rest}")
}

/// Whether a key is one or several syllables, and not a word.
pub(super) fn is_sound(key: &str) -> bool {
    key.starts_with(MARK)
}

/// Whether a key is the syllables of two characters.
pub(super) fn is_pair(key: &str) -> bool {
    key.matches(MARK).count() == 2
}

/// Keeps syllables apart from words: no word of a log begins with it.
const MARK: char = 'ʬ';

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homophones_sound_alike_and_others_do_not() {
        let all = |text: &str| text.chars().map(sound).collect::<Vec<_>>();
        for (said, heard) in [
            ("镜像", "径向"),
            ("超时", "朝时"),
            ("证书", "整数"),
            ("调度", "调渡"),
        ] {
            assert_eq!(all(said), all(heard), "{said} {heard}");
        }
        assert_ne!(all("内存"), all("磁盘"));
        assert_ne!(all("东"), all("灯"));
    }
}
