//! Objects of every form, spoiled at random: whatever the bytes are, they are data.
//!
//! `PROPTEST_CASES=100000 cargo test --release --test it spoiled` is a night's fuzzing; `ci/intake/hostile.py` holds the binary's memory
//! against objects that are made to burst it.

use std::{collections::HashSet, io::Write as _};

use flate2::{Compression, write::GzEncoder};
use gengfu::{
    mining::digest::{
        self,
        lines::{self, Search, Seen},
    },
    model::{Day, LogKind, record::Kept, shapes::ObjectDigest},
};
use jiff::tz::TimeZone;
use proptest::{collection::vec, prelude::*, sample::Index};

/// A few lines of each kind, structured and with every value a string.
const LINES: [&str; 8] = [
    r#"{"__TIMESTAMP__":1795276861234,"__SOURCE__":"10.0.3.17","__CONTENT__":"ERROR pool exhausted\n\tat com.zaxxer.hikari.Pool.get(Pool.java:69)","__TAG__":{"cluster_id":"cls-1","namespace":"shop","pod_name":"checkout-6f7c9d8b5d-x2k8q","container_name":"checkout"}}"#,
    r#"{"__TIMESTAMP__":"1795276861","level":"ERROR","msg":"create order failed","ctx":"{\"order\":\"1\",\"n\":[1,2]}","__TAG__.namespace":"shop","__TAG__.pod_name":"cart-0"}"#,
    r#"{"__TIMESTAMP__":1795276861234,"LogParseFailure":"panic: 中文 \u00e9","__TAG__":{"pod_name":"a-0"}}"#,
    r#"{"__TIMESTAMP__":1795276861234,"__RAWLOG__":"{\"level\":50,\"err\":{\"stack\":\"x\"}}"}"#,
    r#"{"__TIMESTAMP__":1795277412000,"clusterId":"cls-1","verb":"UPDATED","event":{"metadata":{"uid":"u"},"involvedObject":{"kind":"Pod","namespace":"shop","name":"a-0","fieldPath":"spec.containers{c}"},"reason":"BackOff","message":"m","count":3,"firstTimestamp":"2026-11-21T16:00:12Z","lastTimestamp":"2026-11-21T16:10:12Z","type":"Warning"}}"#,
    r#"{"__TIMESTAMP__":"1795277412","event.metadata.uid":"u2","event.involvedObject.name":"n","event.reason":"Failed","event.count":"18446744073709551615"}"#,
    r#"{"__TIMESTAMP__":1795277412000,"auditID":"a","stage":"ResponseComplete","verb":"patch","user":{"username":"u","groups":["g"]},"objectRef":{"resource":"deployments","apiGroup":"apps","namespace":"shop","name":"cart"},"responseStatus":{"code":200},"requestObject":{"spec":{"replicas":0}},"responseObject":{"kind":"Deployment","metadata":{"name":"cart"},"spec":{"replicas":0}}}"#,
    r#"{"__TIMESTAMP__":1795277412000,"auditID":"b","stage":"ResponseComplete","verb":"get","user":"{\"username\":\"u\"}","objectRef.resource":"leases","responseStatus":"{\"code\":403,\"reason\":\"Forbidden\",\"message\":\"no\"}"}"#,
];

/// Bytes that mean something to one of the forms.
const TOKENS: [&[u8]; 12] = [
    b"\x1f\x8b\x08\0\0\0\0\0\0\x03",
    b"\xff\x06\0\0sNaPpY",
    b"PAR1",
    b"\x89LZO",
    b"\xff\xff\xff\xff",
    b"\n",
    b"\"",
    b"{\"a\":[[[[[[[[",
    b"\\u0000\\ud800",
    b"\xf0\x9f\x98",
    b"1e999999",
    b"__TIMESTAMP__",
];

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).expect("write");
    encoder.finish().expect("finish")
}

/// The text as one of the forms that CLS writes, or somebody else.
fn shipped(text: &[u8], form: usize) -> Vec<u8> {
    let snappy = |text: &[u8]| {
        snap::raw::Encoder::new()
            .compress_vec(text)
            .expect("compress")
    };
    let length = |n: usize| u32::try_from(n).expect("short").to_be_bytes();
    match form {
        0 => text.to_vec(),
        1 => gzip(text),
        2 => text.chunks(200).flat_map(gzip).collect(),
        3 => {
            let mut encoder = snap::write::FrameEncoder::new(Vec::new());
            encoder.write_all(text).expect("write");
            encoder.into_inner().expect("frame")
        }
        4 => {
            let packed = snappy(text);
            [&length(text.len())[..], &length(packed.len()), &packed].concat()
        }
        5 => snappy(text),
        _ => {
            let row = |line: &str| format!("1795276861234,\"{}\",a-0", line.replace('"', "\"\""));
            let text = String::from_utf8_lossy(text);
            let rows: Vec<String> = text.lines().map(row).collect();
            format!(
                "__TIMESTAMP__,__CONTENT__,__TAG__.pod_name\n{}\n",
                rows.join("\n")
            )
            .into()
        }
    }
}

/// An edit of some bytes: cut, insert, overwrite, or put a token in.
type Edit = (Index, u8, u8);

fn spoil(bytes: &mut Vec<u8>, edits: &[Edit]) {
    for (at, edit, byte) in edits {
        let at = at.index(bytes.len() + 1);
        match edit % 5 {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, *byte),
            2 => {
                let token = TOKENS[usize::from(*byte) % TOKENS.len()];
                bytes.splice(at..at, token.iter().copied());
            }
            3 => {
                let token = TOKENS[usize::from(*byte) % TOKENS.len()];
                bytes.splice(
                    at..(at + token.len()).min(bytes.len()),
                    token.iter().copied(),
                );
            }
            _ if at < bytes.len() => bytes[at] = *byte,
            _ => {}
        }
    }
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    vec((any::<Index>(), any::<u8>(), any::<u8>()), 0..8)
}

fn digest(kind: LogKind, bytes: &[u8]) -> ObjectDigest {
    let zone = TimeZone::get("Asia/Shanghai").expect("zone");
    let day: Day = "2026-11-22".parse().expect("day");
    let mut seen = HashSet::new();
    let range = day.range(&zone);
    digest::digest(kind, "x", bytes, &range, &mut |id| seen.insert(id))
}

/// Takes every record, and remembers its id.
#[derive(Default)]
struct All(Vec<u64>);

impl Search for All {
    fn wants(&mut self, _: &Seen<'_>) -> bool {
        true
    }

    fn take(&mut self, kept: Kept) {
        self.0.push(kept.id.hash);
    }
}

proptest! {
    #[test]
    fn every_line_of_a_spoiled_object_has_a_fate(
        which in vec(any::<Index>(), 1..12), form in 0_usize..7, before in edits(), after in edits(),
    ) {
        let lines: Vec<&str> = which.iter().map(|i| LINES[i.index(LINES.len())]).collect();
        let mut text = (lines.join("\n") + "\n").into_bytes();
        spoil(&mut text, &before);
        let mut object = shipped(&text, form);
        spoil(&mut object, &after);
        for kind in LogKind::ALL {
            let digest = digest(kind, &object);
            let counts = &digest.counts;
            let fates = counts.records + counts.rejected + counts.duplicates + counts.outside_day;
            prop_assert_eq!(counts.lines, fates);
            let refused: u64 = digest.rejections.values().sum();
            prop_assert_eq!(counts.rejected, refused);
            prop_assert_eq!(digest.identities.len() as u64, counts.records);
            let mut all = All::default();
            let problem = lines::lines(kind, "x", &object, &mut all);
            prop_assert_eq!(problem, digest.problem);
            prop_assert!(digest.identities.iter().all(|id| all.0.contains(id)));
        }
    }
}

#[test]
fn each_form_is_read_before_it_is_spoiled() {
    let business = LINES[..4].join("\n") + "\n";
    for form in 0..7 {
        let digest = digest(LogKind::Business, &shipped(business.as_bytes(), form));
        assert_eq!(
            (digest.problem, digest.counts.records),
            (None, 4),
            "form {form}"
        );
    }
}
