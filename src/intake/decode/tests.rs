//! Every compression and framing, and bytes that are none.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;

use super::*;

type Read = Vec<(u64, Result<String, Rejection>)>;

/// Line numbers with text, or the reason why there is none.
fn read_with(bytes: &[u8], limits: &Limits) -> (Read, Option<Problem>) {
    let mut lines = Vec::new();
    let problem = for_each_line(bytes, limits, |number, line| {
        lines.push((
            number,
            line.json.map(|l| String::from_utf8_lossy(l).into_owned()),
        ));
    });
    (lines, problem)
}

fn texts(bytes: &[u8]) -> (Vec<String>, Option<Problem>) {
    let (lines, problem) = read_with(bytes, &Limits::default());
    let text = |l: Result<String, Rejection>| l.unwrap_or_else(|r| format!("{r:?}"));
    (lines.into_iter().map(|(_, l)| text(l)).collect(), problem)
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).expect("write");
    encoder.finish().expect("finish")
}

const TEXT: &[u8] = b"{\"n\":1}\n\n{\"n\":2}\r\nnot json\n{\"n\":3}";

#[test]
fn the_form_is_told_by_the_bytes() {
    let expected = ["{\"n\":1}", "{\"n\":2}\r", "not json", "{\"n\":3}"].map(str::to_owned);
    let twice: Vec<u8> = [gzip(&TEXT[..20]), gzip(&TEXT[20..])].concat();
    let padded = [gzip(TEXT), vec![0; 100]].concat();
    let mut framed = snap::write::FrameEncoder::new(Vec::new());
    framed.write_all(TEXT).expect("write");
    let framed = framed.into_inner().expect("frame");
    let block = |text: &[u8]| {
        let packed = snap::raw::Encoder::new()
            .compress_vec(text)
            .expect("compress");
        let length = |n: usize| u32::try_from(n).expect("short").to_be_bytes();
        [&length(text.len())[..], &length(packed.len()), &packed].concat()
    };
    let hadoop = [block(&TEXT[..11]), block(&TEXT[11..])].concat();
    let raw = snap::raw::Encoder::new()
        .compress_vec(TEXT)
        .expect("compress");
    for (name, bytes) in [
        ("plain", TEXT.to_vec()),
        ("gzip", gzip(TEXT)),
        ("two members", twice),
        ("padded", padded),
        ("snappy framed", framed),
        ("snappy hadoop", hadoop),
        ("snappy raw", raw),
    ] {
        assert_eq!(texts(&bytes), (expected.to_vec(), None), "{name}");
    }
    let (lines, _) = read_with(TEXT, &Limits::default());
    assert_eq!(lines.iter().map(|l| l.0).collect::<Vec<_>>(), [1, 3, 4, 5]);
}

#[test]
fn what_cannot_be_read_is_named() {
    for (bytes, problem) in [
        (&b""[..], None),
        (b"\x89LZO\0\r\n\x1a\n", Some(Problem::Lzo)),
        (b"PAR1....PAR1", Some(Problem::Parquet)),
        (b"\x28\xb5\x2f\xfd", Some(Problem::Zstd)),
        (b"\0\x01\x02\x03\x04\x05", Some(Problem::UnknownForm)),
        (
            b"\xff\x06\0\0sNaPpY\x17garbage that is no chunk",
            Some(Problem::Damaged),
        ),
    ] {
        assert_eq!(texts(bytes), (vec![], problem), "{bytes:?}");
    }
    let (lines, problem) = texts(b"2026-11-21 INFO started\n  at x\n");
    assert_eq!((lines.len(), problem), (2, Some(Problem::NoMetadata)));
}

#[test]
fn a_cut_object_gives_its_whole_lines() {
    let text = (0..2_000).fold(String::new(), |text, i| {
        text + &format!(
            "{{\"n\":{i},\"h\":\"{:x}\"}}
",
            i * 7_919
        )
    });
    let packed = gzip(text.as_bytes());
    let (lines, problem) = texts(&packed[..packed.len() * 6 / 10]);
    assert_eq!(problem, Some(Problem::Truncated));
    assert!(lines.len() > 800, "{}", lines.len());
    let (last, whole) = lines.split_last().expect("lines");
    assert_eq!(last, "Cut");
    assert!(text.starts_with(&(whole.join("\n") + "\n")));
}

#[test]
fn memory_is_bounded() {
    let limits = Limits {
        line_bytes: 100,
        whole_bytes: 1_000,
        object_bytes: 5_000,
    };
    let long = [b"{\"a\":\"".as_slice(), &[b'x'; 500], b"\"}\n{\"b\":1}\n"].concat();
    for bytes in [long.clone(), gzip(&long)] {
        let (lines, problem) = read_with(&bytes, &limits);
        assert_eq!(
            lines,
            [
                (1, Err(Rejection::TooLong)),
                (2, Ok("{\"b\":1}".to_owned()))
            ]
        );
        assert_eq!(problem, None);
    }
    let bomb = gzip(&vec![b'\n'; 3_000_000]);
    assert_eq!(read_with(&bomb, &limits), (vec![], Some(Problem::TooBig)));
}

#[test]
fn a_row_of_csv_becomes_the_object_it_stands_for() {
    let csv = b"\"__TIMESTAMP__\",\"__CONTENT__\",\"__TAG__.pod_name\"\n\"1795276861234\",\"two\nlines, \"\"quoted\"\"\",\"a-0\"\n1,2\n";
    let (lines, problem) = read_with(csv, &Limits::default());
    let row = r#"{"__TIMESTAMP__":"1795276861234","__CONTENT__":"two\nlines, \"quoted\"","__TAG__.pod_name":"a-0"}"#;
    assert_eq!(
        lines,
        [(2, Ok(row.to_owned())), (4, Err(Rejection::NotJson))]
    );
    assert_eq!(problem, None);
    for (header, row) in [
        ("__TIMESTAMP__\t__CONTENT__", "1\tx"),
        ("a|__TIMESTAMP__", "1|x"),
        ("__TIMESTAMP__ 'a b'", "1 x"),
    ] {
        let (lines, problem) = texts(format!("{header}\n{row}\n").as_bytes());
        assert_eq!((lines.len(), problem), (1, None), "{header}");
        assert!(lines[0].starts_with('{'), "{lines:?}");
    }
}

proptest! {
    #[test]
    fn blocks_do_not_matter(text in "[{a\n\r]{0,60}", size in 1_usize..9) {
        let mut lines = Vec::new();
        let mut splitter = Lines::new(Limits::default(), |n, l: Line<'_>| lines.push((n, l.json.map(|l| String::from_utf8_lossy(l).into_owned()))));
        for block in text.as_bytes().chunks(size) {
            splitter.push(block).expect("small");
        }
        splitter.finish(None);
        let mut whole = Vec::new();
        let mut splitter = Lines::new(Limits::default(), |n, l: Line<'_>| whole.push((n, l.json.map(|l| String::from_utf8_lossy(l).into_owned()))));
        splitter.push(text.as_bytes()).expect("small");
        splitter.finish(None);
        prop_assert_eq!(lines, whole);
    }

    #[test]
    fn any_bytes_can_be_read(bytes in proptest::collection::vec(any::<u8>(), 0..300), form in 0_usize..4) {
        let head: &[u8] = [&b""[..], b"\x1f\x8b\x08\0\0\0\0\0\0\x03", b"\xff\x06\0\0sNaPpY", b"\0\0\0\x20\0\0\0\x10"][form];
        let limits = Limits { line_bytes: 1 << 10, whole_bytes: 1 << 16, object_bytes: 1 << 16 };
        let _: (Read, Option<Problem>) = read_with(&[head, &bytes].concat(), &limits);
    }
}
