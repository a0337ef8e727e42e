//! Search at 100,000 templates: time per question, and how often the coarse scan finds what an exact one finds.
//!
//! `cargo bench --bench search`; `GENGFU_BENCH_TEXTS` sets another number of templates.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::time::{Duration, Instant};

use gengfu::{
    model::{Day, LogKind, OwnerAlias, Severity},
    store::{Doc, Query, Store, What},
};
use jiff::tz::TimeZone;

/// Words of made-up templates: enough that texts differ, few enough that questions hit many.
const NOUNS: [&str; 24] = [
    "order", "payment", "cart", "stock", "user", "session", "token", "image", "volume", "node",
    "pod", "queue", "topic", "index", "shard", "cache", "row", "table", "channel", "coupon",
    "invoice", "address", "订单", "库存",
];
const VERBS: [&str; 20] = [
    "created",
    "failed to pull",
    "timed out",
    "refused",
    "expired",
    "evicted",
    "not found",
    "denied",
    "retrying",
    "rejected",
    "restarted",
    "scaled",
    "mounted",
    "attached",
    "unreachable",
    "deadlock",
    "slow query",
    "超时",
    "失败",
    "拒绝连接",
];
const QUESTIONS: [&str; 12] = [
    "镜像为什么拉不下来",
    "支付超时了吗",
    "哪个节点挂了",
    "order created slow",
    "库存失败",
    "谁的证书过期",
    "cache timed out",
    "数据库死锁",
    "内存不够",
    "连接被拒绝",
    "卡夫卡消息积压",
    "checkout 找不到地址",
];

/// A sequence without a crate: the bench only needs variety.
struct Lcg(u64);

impl Lcg {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % n
    }
}

fn doc(random: &mut Lcg, n: usize) -> Doc {
    let mut text = String::new();
    for _ in 0..2 + random.below(4) {
        let (noun, verb) = (
            NOUNS[random.below(NOUNS.len())],
            VERBS[random.below(VERBS.len())],
        );
        let n = random.below(900);
        text.extend([noun, "-", &n.to_string(), " ", verb, " <num> "]);
    }
    Doc {
        id: format!("{n:016x}"),
        what: if n.is_multiple_of(100) {
            What::Incident
        } else {
            What::Template
        },
        kind: LogKind::ALL[n % 3],
        text,
        subject: format!("service-{}", n % 200),
        namespace: format!("ns-{}", n % 20),
        object: format!("service-{}", n % 200),
        severity: if n.is_multiple_of(7) {
            Severity::Error
        } else {
            Severity::Info
        },
        count: 1,
        first_ms: 0,
        last_ms: i64::try_from(n).unwrap_or(0),
    }
}

fn percentile(times: &mut [Duration], share: f64) -> Duration {
    times.sort_unstable();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index into a short list"
    )]
    let at = (times.len() as f64 * share) as usize;
    times[at.min(times.len() - 1)]
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let texts: usize = std::env::var("GENGFU_BENCH_TEXTS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(100_000);
    let dir = tempfile::tempdir()?;
    let owner: OwnerAlias = "bench".parse()?;
    let store = Store::open(dir.path(), &owner)?;
    let day: Day = "2026-11-21".parse()?;
    let mut random = Lcg(7);
    let docs: Vec<Doc> = (0..texts).map(|n| doc(&mut random, n)).collect();
    let start = Instant::now();
    for (back, part) in (1..).zip(docs.chunks(texts.div_ceil(9))) {
        store.replace_docs(day.plus(-back), part.to_vec()).await?;
    }
    store.replace_docs(day, docs).await?;
    println!(
        "indexed and embedded {texts} texts in {:.1?}",
        start.elapsed()
    );

    for (name, filtered) in [
        ("no filter", 0),
        ("the newest day (all)", 1),
        ("an earlier day (a ninth)", 2),
        (
            "one kind of templates of the newest day, embedded (a third)",
            3,
        ),
        ("incidents of all days (1 %)", 4),
        ("namespace (5 %)", 5),
    ] {
        let asked = |question: &str| {
            let mut query = Query::new(question, TimeZone::UTC);
            match filtered {
                1 => query.days = Some((day, day)),
                2 => query.days = Some((day.plus(-3), day.plus(-3))),
                3 => {
                    (query.kind, query.days) = (Some(LogKind::Business), Some((day, day)));
                    (query.what, query.embedded) = (vec![What::Template], true);
                }
                4 => query.what = vec![What::Incident],
                5 => query.namespace = Some("ns-3".to_owned()),
                _ => {}
            }
            query
        };
        let mut times = Vec::new();
        for round in 0..5 {
            for question in QUESTIONS {
                let query = asked(question);
                let start = Instant::now();
                store.search(query).await?;
                if round > 0 {
                    times.push(start.elapsed());
                }
            }
        }
        let questions = QUESTIONS.iter().copied().map(asked).collect();
        let recall = store.coarse_recall(questions, 10).await?;
        println!(
            "{name}: p50 {:.2?}, p95 {:.2?}; recall@10 of the coarse scan against exact distances {recall:.4}",
            percentile(&mut times, 0.5),
            percentile(&mut times, 0.95)
        );
    }
    Ok(())
}
