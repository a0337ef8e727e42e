//! Turns a log text into its shape: variable parts become placeholders such as `<num>`, everything else stays as it is.
//!
//! In: redacted text. Out: [`Masked`], the masked text and where each variable part stood. What the bytes are is told once, 64 at a time;
//! then only chunks with a digit, a slash or a dot are looked at. No regular expressions and, once the buffers of `out` have grown, no
//! allocation.
//!
//! # Invariants
//! - Outside the placeholders the masked text is the text, byte for byte (`proptest: filling_the_placeholders_gives_the_text`).
//! - Texts beyond [`MAX_BYTES`] are masked up to there; the rest becomes `<more>`.
//!
//! Does not decide which literal words vary: that takes other lines to compare with, see [`super::templates`].

mod chunk;
mod kinds;
mod name;
mod number;
mod scan;
mod time;

use std::ops::Range;

use kinds::{BLOCK, Kind};
use scan::{Line, Maps};

/// Longest part of a text that is looked at. A template beyond this is not read by anyone, and a line may have 600 KB; a service that
/// writes prose has a shape of this size for every line.
pub const MAX_BYTES: usize = 1024;

/// What a variable part looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    Num,
    /// A number with a unit of time.
    Dur,
    /// A number with a unit of bytes.
    Size,
    Hex,
    Uuid,
    Ip,
    /// An address or a host name with a port.
    IpPort,
    Host,
    Path,
    Url,
    Time,
    Base64,
    /// The generated end of a pod's name.
    Pod,
    /// Letters and digits mixed so that no person chose them.
    Id,
    Email,
    /// What a client says it is: `Mozilla/5.0 (...)`, `okhttp/4.12.0`.
    Agent,
    /// What lies beyond [`MAX_BYTES`].
    More,
}

impl Class {
    pub const ALL: [Self; 17] = [
        Self::Num,
        Self::Dur,
        Self::Size,
        Self::Hex,
        Self::Uuid,
        Self::Ip,
        Self::IpPort,
        Self::Host,
        Self::Path,
        Self::Url,
        Self::Time,
        Self::Base64,
        Self::Pod,
        Self::Id,
        Self::Email,
        Self::Agent,
        Self::More,
    ];

    #[must_use]
    pub const fn placeholder(self) -> &'static str {
        match self {
            Self::Num => "<num>",
            Self::Dur => "<dur>",
            Self::Size => "<size>",
            Self::Host => "<host>",
            Self::Hex => "<hex>",
            Self::Uuid => "<uuid>",
            Self::Ip => "<ip>",
            Self::IpPort => "<ipport>",
            Self::Path => "<path>",
            Self::Url => "<url>",
            Self::Time => "<time>",
            Self::Base64 => "<b64>",
            Self::Pod => "<pod>",
            Self::Id => "<id>",
            Self::Email => "<email>",
            Self::Agent => "<agent>",
            Self::More => "<more>",
        }
    }

    /// The placeholder with spaces behind it: of one length for all classes, and so copied without a call.
    const fn padded(self) -> &'static str {
        match self {
            Self::Num => "<num>   ",
            Self::Dur => "<dur>   ",
            Self::Size => "<size>  ",
            Self::Host => "<host>  ",
            Self::Hex => "<hex>   ",
            Self::Uuid => "<uuid>  ",
            Self::Ip => "<ip>    ",
            Self::IpPort => "<ipport>",
            Self::Path => "<path>  ",
            Self::Url => "<url>   ",
            Self::Time => "<time>  ",
            Self::Base64 => "<b64>   ",
            Self::Pod => "<pod>   ",
            Self::Id => "<id>    ",
            Self::Email => "<email> ",
            Self::Agent => "<agent> ",
            Self::More => "<more>  ",
        }
    }

    /// The class of a placeholder.
    #[must_use]
    pub fn of(placeholder: &str) -> Option<Self> {
        Some(match placeholder {
            "<num>" => Self::Num,
            "<dur>" => Self::Dur,
            "<size>" => Self::Size,
            "<host>" => Self::Host,
            "<hex>" => Self::Hex,
            "<uuid>" => Self::Uuid,
            "<ip>" => Self::Ip,
            "<ipport>" => Self::IpPort,
            "<path>" => Self::Path,
            "<url>" => Self::Url,
            "<time>" => Self::Time,
            "<b64>" => Self::Base64,
            "<pod>" => Self::Pod,
            "<id>" => Self::Id,
            "<email>" => Self::Email,
            "<agent>" => Self::Agent,
            "<more>" => Self::More,
            _ => return None,
        })
    }
}

/// A variable part: `range` in the text, `at` the byte of the masked text where its placeholder starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Var {
    pub class: Class,
    pub range: Range<usize>,
    pub at: usize,
}

/// The result of [`mask`]; meant to be used again for the next line.
#[derive(Debug, Clone, Default)]
pub struct Masked {
    pub text: String,
    pub vars: Vec<Var>,
    /// How much of the source has been copied or replaced.
    done: usize,
    /// Kept for the next line, which draws its own.
    maps: Option<Box<Maps>>,
}

impl Masked {
    /// Replaces `range` of `source` by a placeholder, after copying what stands before it.
    fn put(&mut self, source: &str, range: Range<usize>, class: Class) {
        if range.start < self.done || range.is_empty() {
            return;
        }
        self.copy(source, range.start);
        self.done = range.end;
        // A date, a time and an offset side by side are one instant.
        if class == Class::Time
            && let Some(last) = self.vars.last_mut()
            && last.class == Class::Time
            && matches!(
                source.get(last.range.end..range.start),
                Some("" | " " | "T")
            )
        {
            last.range.end = range.end;
            self.text.truncate(last.at + class.placeholder().len());
            return;
        }
        let at = self.text.len();
        self.text.push_str(class.padded());
        self.text.truncate(at + class.placeholder().len());
        self.vars.push(Var { class, range, at });
    }

    /// Copies what stands in `source` before `end`. Most of it is short, and copied with what is too much: a copy of a fixed length is no
    /// call, and has no length to guess.
    #[inline(always)]
    fn copy(&mut self, source: &str, end: usize) {
        const AT_ONCE: usize = 32;
        let len = end - self.done;
        if len <= AT_ONCE
            && let Some(more) = source.get(self.done..self.done + AT_ONCE)
        {
            let all = self.text.len() + len;
            self.text.push_str(more);
            self.text.truncate(all);
        } else {
            self.text.push_str(&source[self.done..end]);
        }
    }
}

/// Masks `text` into `out`, whose former content is dropped.
pub fn mask(text: &str, out: &mut Masked) {
    out.text.clear();
    out.vars.clear();
    out.done = 0;
    let mut maps = out.maps.take().unwrap_or_default();
    let line = maps.line(text);
    let cut = line.bytes.len();
    let mut done = 0;
    for block in 0..=cut / BLOCK {
        let mut ends = line.chunk_ends(block);
        while ends != 0 {
            let end = block * BLOCK + ends.trailing_zeros() as usize;
            ends &= ends - 1;
            let start = line.run_start(Kind::Chunk, end);
            if start >= done {
                done = chunk(&line, done, start..end, out).max(end);
            } else if end > done {
                done = rest_of_chunk(&line, done..end, out).max(end);
            }
        }
    }
    out.maps = Some(maps);
    if out.done < cut {
        out.text.push_str(&text[out.done..cut]);
    }
    if cut < text.len() {
        out.done = cut;
        out.put(text, cut..text.len(), Class::More);
    }
}

/// Masks what is left of a chunk of which another part took the beginning: rare, and no place for a second copy of [`chunk`].
#[cold]
#[inline(never)]
fn rest_of_chunk(line: &Line<'_>, range: Range<usize>, out: &mut Masked) -> usize {
    chunk(line, range.start, range, out)
}

/// Masks the chunk in `range`; what stands before `from` has been masked. Gives the byte to go on from.
#[inline]
fn chunk(line: &Line<'_>, from: usize, range: Range<usize>, out: &mut Masked) -> usize {
    let Line { text, bytes, .. } = *line;
    let Range { start, end } = range;
    let span = line.span(start..end);
    if !span.has(Kind::Digit) && !span.has(Kind::Slash) {
        if span.has(Kind::Dot) && name::is_host(line, start..end) {
            let class = name::class_of_host(&bytes[start..end]);
            out.put(text, start..end, class);
        }
        return end;
    }
    if start > from {
        let found = match bytes[start - 1] {
            b' ' if bytes[start].is_ascii_digit() => {
                time::calendar_to(line, from, start).map(|found| (found, Class::Time))
            }
            b'"' if span.has(Kind::Slash) => {
                let agent = name::agent(&bytes[start..]);
                agent.map(|len| (start..start + len, Class::Agent))
            }
            _ => None,
        };
        if let Some((found, class)) = found {
            let end = found.end;
            out.put(text, found, class);
            return end;
        }
    }
    if span.has(Kind::Mark) {
        chunk::mask(line, start..end, span, out)
    } else {
        chunk::word_alone(line, start..end, span, out)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn masked(text: &str) -> String {
        let mut out = Masked::default();
        mask(text, &mut out);
        out.text
    }

    #[test]
    fn variable_parts_of_the_usual_loggers_become_placeholders() {
        for (text, expected) in [
            (
                "2026-11-21T10:00:08.465+08:00 INFO  [http-nio-8080-exec-3] c.s.c.OrderService traceId=6b5077cf7632299b - order 2026112165886 created, user=u2130004, amount=1572.87, cost=89ms",
                "<time> INFO  [http-nio-<num>-exec-<num>] c.s.c.OrderService traceId=<hex> - order <num> created, user=u<num>, amount=<num>, cost=<dur>",
            ),
            (
                "I1121 22:48:39.582644       1 server.go:101] feature flag coupon_v2 evaluated bucket=66",
                "I<time>       <num> server.go:<num>] feature flag coupon_v2 evaluated bucket=<num>",
            ),
            (
                "160.31.146.67 - - [21/Nov/2026:23:19:45 +0800] \"GET /api/items/64541?q=a HTTP/1.1\" 200 20909 \"https://shop.example.com/\" rt=0.069 ua=\"172.18.5.57:3000\"",
                "<ip> - - [<time>] \"GET <path> HTTP/1.1\" <num> <num> \"<url>\" rt=<num> ua=\"<ipport>\"",
            ),
            (
                "\"POST /api/orders HTTP/1.1\" 502 157",
                "\"POST <path> HTTP/1.1\" 502 <num>",
            ),
            (
                "1:C 21 Nov 2026 21:09:33.775 * DB saved on disk, 318 KB",
                "<num>:C <time> * DB saved on disk, <size>",
            ),
            (
                "[2026-11-21 10:14:57,579] INFO [Log partition=orders-8, dir=/data/kafka] offset -91041 in +26 ms",
                "[<time>] INFO [Log partition=orders-<num>, dir=<path>] offset <num> in <dur>",
            ),
            (
                "商户结算批次2026112132484处理完成, 笔数=354, 金额=46.38元",
                "商户结算批次<num>处理完成, 笔数=<num>, 金额=<num>元",
            ),
            (
                "pod checkout-6f7c9d8b5d-x2k8q of 98c48496-af3a-4620-9092-da77b9a9c0ee on node 10.0.3.11",
                "pod checkout-<pod> of <uuid> on node <ip>",
            ),
            (
                "Receiving block blk_-1608999687919862906 src: /10.250.19.102:54106",
                "Receiving block blk_<num> src: /<ipport>",
            ),
            (
                "took 5 min, then <1 sec, ~3s, 1h2m3.5s, 12µs, PT0.523S; 1e-5 of >90%, not <13>",
                "took <dur>, then <dur>, <dur>, <dur>, <dur>, <dur>; <num> of <num>%, not <<num>>",
            ),
            (
                "volume pvc-98c48496-af3a-4620-9092-da77b9a9c0ee from 10.0.0.0/16 at ./conf/a.yml by mysql.shop:3306 in Order.java:42, main.go:17",
                "volume pvc-<uuid> from <ip> at <path> by <ipport> in Order.java:<num>, main.go:<num>",
            ),
            (
                "fe80::1ff:fe23:4567:890a 0xdeadbeef user@mail.example.com eth0 HTTP/1.1 v2",
                "<ip> <hex> <email> eth0 HTTP/1.1 v2",
            ),
        ] {
            assert_eq!(masked(text), expected);
        }
    }

    #[test]
    fn every_class_is_known_by_its_placeholder() {
        for class in Class::ALL {
            let placeholder = class.placeholder();
            assert_eq!(Class::of(placeholder), Some(class));
            assert_eq!(class.padded(), format!("{placeholder:8}"));
        }
        assert_eq!(Class::of("<*>"), None);
    }

    #[test]
    fn a_huge_text_is_cut_and_says_so() {
        let text = masked(&"很长 ".repeat(100_000));
        assert!(text.len() < MAX_BYTES + 10 && text.ends_with("<more>"));
    }

    proptest! {
        #[test]
        fn filling_the_placeholders_gives_the_text(text in "([a-zA-Z0-9./:\\-_ ,=\"\\[\\]]|汉|失败|[0-9]{3,5}|T|:|-){0,80}") {
            let mut out = Masked::default();
            mask(&text, &mut out);
            let (mut back, mut at) = (String::new(), 0);
            for var in &out.vars {
                back.push_str(&out.text[at..var.at]);
                back.push_str(&text[var.range.clone()]);
                at = var.at + var.class.placeholder().len();
            }
            back.push_str(&out.text[at..]);
            prop_assert_eq!(back, text);
        }
    }
}
