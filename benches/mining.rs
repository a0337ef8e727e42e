//! Lines a second on one core, from text to counted templates.
//!
//! `cargo bench --bench mining`; `GENGFU_BENCH_LINES` sets another number of lines. No two lines are equal byte for byte. The first
//! figure is business lines of a few statements; the second, lines that stay distinct after masking, of which mining bounds its share.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use gengfu::mining::{
    mask::{self, Masked},
    templates,
};
use rustc_hash::FxBuildHasher;
use xxhash_rust::xxh3::xxh3_64;

fn main() {
    let lines = std::env::var("GENGFU_BENCH_LINES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(1_000_000);
    let usual: Vec<String> = (0..lines).map(usual).collect();
    let distinct: Vec<String> = (0..lines).map(distinct).collect();
    for (name, lines) in [
        ("a few statements", &usual),
        ("distinct after masking", &distinct),
    ] {
        let (counted, texts) = best_of_three(|| count(lines));
        let start = Instant::now();
        let mined = templates::mine(&texts.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
        let mining = start.elapsed();
        let bytes: usize = lines.iter().map(String::len).sum();
        println!(
            "{name}: mask and count {:.2} M lines/s, {:.0} MB/s; mining {} distinct texts {:.0} ms; together {:.2} M lines/s; {} templates",
            per_second(lines.len(), counted) / 1e6,
            per_second(bytes, counted) / 1e6,
            texts.len(),
            mining.as_secs_f64() * 1e3,
            per_second(lines.len(), counted + mining) / 1e6,
            mined.iter().collect::<std::collections::HashSet<_>>().len(),
        );
    }
}

/// Masks and counts, as a digest does: an allocation per distinct text, none per line.
fn count(lines: &[String]) -> Vec<String> {
    let mut masked = Masked::default();
    let mut index: HashMap<u64, Vec<usize>, FxBuildHasher> = HashMap::default();
    let mut counts: Vec<(String, u64)> = Vec::new();
    for line in lines {
        mask::mask(line, &mut masked);
        let same = index.entry(xxh3_64(masked.text.as_bytes())).or_default();
        if let Some(i) = same.iter().find(|i| counts[**i].0 == masked.text) {
            counts[*i].1 += 1;
        } else {
            same.push(counts.len());
            counts.push((masked.text.clone(), 1));
        }
    }
    counts.into_iter().map(|(text, _)| text).collect()
}

fn best_of_three<T>(mut work: impl FnMut() -> T) -> (Duration, T) {
    let mut runs = (0..3).map(|_| {
        let start = Instant::now();
        let out = work();
        (start.elapsed(), out)
    });
    let first = runs.next().unwrap_or_else(|| unreachable!());
    runs.fold(first, |best, run| if run.0 < best.0 { run } else { best })
}

fn per_second(n: usize, time: Duration) -> f64 {
    n as f64 / time.as_secs_f64()
}

/// Lines as logback, nginx, klog and a Chinese service write them.
fn usual(i: usize) -> String {
    let (ms, id) = (i % 1000, i as u64 * 0x9E37_79B9_7F4A_7C15 / 7);
    match i % 5 {
        0 => format!(
            "2026-11-21T10:00:08.{ms:03}+08:00 INFO  [http-nio-8080-exec-{}] c.s.c.OrderService traceId={id:016x} - order 2026{i:09} created, user=u{i:07}, amount=1{ms}.87, cost={ms}ms",
            i % 60
        ),
        1 => format!(
            "160.31.{}.67 - - [21/Nov/2026:23:19:45 +0800] \"GET /api/items/{i} HTTP/1.1\" 200 {ms} \"https://shop.example.com/\" \"okhttp/4.12.0\" rt=0.{ms:03} urt=0.069 ua=\"172.18.5.57:3000\" trace={id:016x}",
            i % 255
        ),
        2 => format!(
            "I1121 22:48:39.582{ms:03}       1 stock.go:88] reserve sku=SKU{:06} qty={} order=2026{i:09} trace={id:016x}",
            i % 999_983,
            i % 64
        ),
        3 => format!(
            "2026-11-21T22:47:32.{ms:03}+08:00 INFO  [http-nio-8080-exec-42] c.s.u.AccountService traceId={id:016x} - 用户登录成功, 用户=u{i:07}, 来源=160.31.146.67, 耗时={ms}毫秒"
        ),
        _ => format!(
            "2026-11-21 16:03:28,{ms:03} INFO search.api[7]: [{id:016x}] query q=shoes hits={i} took={ms}ms"
        ),
    }
}

/// Each line with words of its own.
fn distinct(i: usize) -> String {
    let word = |mut n: usize| {
        let mut word = String::new();
        for _ in 0..5 {
            word.push(char::from(b'a' + u8::try_from(n % 26).unwrap_or(0)));
            n /= 26;
        }
        word
    };
    format!(
        "2026-11-21 16:03:28,123 INFO search.api[7]: query {} of {} took {}ms",
        word(i),
        word(i / 7),
        i % 1000
    )
}
