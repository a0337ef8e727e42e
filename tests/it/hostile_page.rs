//! Texts of logs, alarms and notes that want to become a part of the operator's page; each stays text, wherever it is shown.
//!
//! For each of a public list a day is stored that carries it in everything a stranger may write, and every page is built as a browser
//! would build it: the same tags and attributes as with a harmless text, and nothing evaluated.

use std::collections::BTreeMap;

use gengfu::{
    alerts::{Alarm, Analysis, Conclusion, LogSource, LogsSeen},
    mining::baseline::counts_of,
    model::{
        DayRange, Evidence, EvidenceId, Lang, Level, LogKind, Moment, Origin, Service,
        record::Kept,
        report::Report,
        shapes::{Cells, DayShapes, ObjectDigest, States, TemplateDay, TemplateId},
    },
    page::{self, Reader},
    store::{NewAlarm, NewMark, ObjectMeta, Store, ToldLine, Verdict, docs_of},
};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::{
    running::{ROBOT, Running, TEN_O_CLOCK, http_client},
    stored_day::{self, owner},
};

/// What a web page would need to become ours; each stays text. Collected from public cheat sheets.
const PAYLOADS: [&str; 24] = [
    "<script>alert(1)</script>",
    "\"><script>alert(1)</script>",
    "'><script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\" onmouseover=\"alert(1)",
    "' onfocus='alert(1)' autofocus='",
    "<svg/onload=alert(1)>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<iframe srcdoc=\"<script>alert(1)</script>\">",
    "<body onload=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<a href=\"javascript:alert(1)\">x</a>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<!--<img src=\"--><img src=x onerror=alert(1)//\">",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<<script>alert(1)//<</script>",
    "<scr\u{0}ipt>alert(1)</scr\u{0}ipt>",
    "\u{202e}<input autofocus onfocus=alert(1)>",
    "{{ 7 * 7 }}{% include 'base.html' %}${7*7}<%= 7*7 %>",
    "]]><script>alert(1)</script>&lt;script&gt;&#60;script&#62;",
];

/// Tags and names of attributes, without texts and values: what a browser would build.
fn skeleton(html: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let (mut tag, mut quote, mut end) = (String::new(), None, rest.len());
        for (i, c) in rest.char_indices() {
            match (quote, c) {
                (None, '>') => {
                    end = i;
                    break;
                }
                (None, '"' | '\'') => quote = Some(c),
                (None, c) => tag.push(c),
                (Some(q), c) if q == c => quote = None,
                (Some(_), _) => {}
            }
        }
        rest = &rest[end..];
        found.push(tag);
    }
    found
}

/// The stored day with every text of a log replaced.
fn spoiled(with: &str) -> Report {
    let mut report = stored_day::report();
    let text = || format!("a{with}b");
    for finding in &mut report.findings {
        finding.title = text();
        finding.object.name = text();
        for key in &mut finding.key_fields {
            key.value = text();
        }
    }
    for incident in &mut report.incidents {
        incident.title = text();
        incident.root.object.name = text();
        incident.fix = vec![text()];
        incident.missing = vec![text()];
        for object in &mut incident.affected {
            object.name = text();
        }
        for other in &mut incident.alternatives {
            other.why_not = text();
        }
        if let Some(change) = &mut incident.change {
            change.user = text();
            change.object.name = text();
            for d in &mut change.diff {
                (d.path, d.old, d.new) = (text(), Value::from(text()), json!({ "x": text() }));
            }
        }
        if let Some(plan) = &mut incident.rollback {
            plan.command = text();
            plan.what = text();
        }
    }
    report
}

fn zone() -> TimeZone {
    TimeZone::get("Asia/Shanghai").expect("zone")
}

fn template(id: u64, text: String, with: &str) -> TemplateDay {
    let mut cells = Cells::default();
    cells.add(100, 50);
    TemplateDay {
        id: TemplateId(id),
        text,
        service: Service {
            namespace: "shop".into(),
            name: format!("cart{with}"),
            cluster: String::new(),
            container: "cart".into(),
        },
        level: Level::Error,
        cells,
        first_ms: TEN_O_CLOCK,
        last_ms: TEN_O_CLOCK,
        samples: Vec::new(),
        fields: Vec::new(),
    }
}

/// Two days with a template that the third lacks, and the third with one that is new.
async fn put_templates(store: &Store, report: &Report, with: &str) -> DayShapes {
    let shapes = |templates| DayShapes {
        templates,
        ..DayShapes::default()
    };
    let usual = || template(1, "usual".to_owned(), with);
    let gone = || template(2, format!("gone{with}"), with);
    let new = template(3, format!("<time> needle {with}"), with);
    for (ago, templates) in [
        (-2, vec![usual(), gone()]),
        (-1, vec![usual(), gone()]),
        (0, vec![usual(), new.clone()]),
    ] {
        let range: DayRange = report.date.plus(ago).range(&zone());
        let mut counts = counts_of(&shapes(templates.clone()), &range, 1.0);
        counts.records.clear();
        let put = store.replace_day(counts, templates, States::default());
        put.await.expect("templates");
    }
    shapes(vec![usual(), new])
}

/// Each finding's evidence as a kept line: one as JSON, the next as it came.
async fn put_lines(store: &Store, report: &Report, with: &str) -> Vec<EvidenceId> {
    let mut lines: BTreeMap<LogKind, ObjectDigest> = BTreeMap::new();
    let evidence: Vec<&Evidence> = report.findings.iter().flat_map(|f| &f.evidence).collect();
    for (n, e) in evidence.iter().enumerate() {
        let raw = format!("needle {with}");
        let kept = Kept {
            id: e.id,
            ts_ms: report.findings[0].first_seen.ms,
            origin: Origin::Bucket {
                key: format!("{}{with}/1.gz", e.id.kind),
                line: 1,
            },
            sha256: e.sha256.clone(),
            namespace: "shop".to_owned(),
            object: format!("pod{with}"),
            text: raw.clone(),
            line: if n % 2 == 0 {
                json!({ format!("k{with}"): raw }).to_string()
            } else {
                raw
            },
        };
        lines.entry(e.id.kind).or_default().kept.push(kept);
    }
    for (kind, digest) in lines {
        let object = ObjectMeta {
            key: format!("{kind}/needle.gz"),
            etag: "e1".to_owned(),
            size: 1,
        };
        let put = store.put_object(report.date, kind, object, digest);
        put.await.expect("lines");
    }
    evidence.iter().map(|e| e.id).collect()
}

async fn put_alarm(store: &Store, report: &Report, with: &str) {
    let text = || format!("alarm{with}");
    let at_ms = report.incidents[0].start.ms;
    let alarm: Alarm = gengfu::alerts::read(text().as_bytes(), at_ms);
    let moment = Moment::new(at_ms, &zone());
    let row = NewAlarm {
        source: text(),
        kin: "ab".to_owned(),
        policy: text(),
        object: text(),
        severity: text(),
        first_ms: at_ms,
        last_ms: at_ms,
        recovered_ms: None,
        alarm: json!({}),
        raw: text().into_bytes(),
    };
    let id = store.put_alarm(row, 0).await.expect("alarm").id;
    let analysis = Analysis {
        alarm: Alarm {
            name: text(),
            ..alarm
        },
        meaning: text(),
        conclusion: Conclusion::Incident,
        incidents: report.incidents[..1].to_vec(),
        measures: vec![text()],
        policy_problem: Some(text()),
        signs: Vec::new(),
        changes: Vec::new(),
        past: Vec::new(),
        logs: LogsSeen {
            from: moment,
            to: moment,
            source: LogSource::Store,
            lines: 1,
            cut: false,
            notes: Vec::new(),
        },
        report: Some((report.date, 1)),
    };
    let put = store.put_analysis(id, json!(analysis));
    put.await.expect("analysis");
    for subject in [format!("alarm:{id}"), format!("day:{}", report.date)] {
        let line = ToldLine {
            way: "wakeup".to_owned(),
            device: text(),
            subject,
            at_ms,
            text: text(),
        };
        assert!(store.claim_told_line(line).await.expect("told"));
    }
}

async fn put_mark(store: &Store, report: &Report, with: &str) {
    let marked = &report.incidents[1];
    let mark = NewMark {
        identity: marked.identity.clone(),
        verdict: Verdict::Normal,
        note: format!("note{with}"),
        at_ms: TEN_O_CLOCK,
        day: report.date,
        incident: marked.id.clone(),
        title: marked.title.clone(),
        rate: 1e9,
        a_day: None,
    };
    store.mark_incident(mark).await.expect("mark");
}

/// Every page of a day that carries `with`, by what it is.
async fn pages(with: &str) -> BTreeMap<&'static str, String> {
    let server = Running::start().await;
    let store = server.desk.stores.of(&owner("demo")).await.expect("store");
    let report = spoiled(with);
    let shapes = put_templates(&store, &report, with).await;
    let lines = put_lines(&store, &report, with).await;
    put_alarm(&store, &report, with).await;
    put_mark(&store, &report, with).await;
    let docs = docs_of(&report, &shapes);
    store.replace_docs(report.date, docs).await.expect("docs");
    let day = report.date;
    store.put_revision(report).await.expect("revision");
    let paths = [
        ("owners", "/".to_owned()),
        ("day", format!("/o/demo/{day}")),
        ("first", format!("/o/demo/{day}/i1")),
        ("second", format!("/o/demo/{day}/i2")),
        ("alarms", "/o/demo/alarms".to_owned()),
        ("marks", "/o/demo/marks".to_owned()),
        ("json line", format!("/o/demo/{day}/line/{}", lines[0])),
        ("raw line", format!("/o/demo/{day}/line/{}", lines[1])),
        ("hits", format!("/o/demo/{day}/search?q=needle")),
        (
            "question",
            format!("/o/demo/{day}/search?q={}", page::segment(with)),
        ),
    ];
    let mut pages = BTreeMap::new();
    for (name, path) in paths {
        let asked = http_client().get(server.url(&path)).bearer_auth(ROBOT);
        let answer = asked.send().await.expect("get");
        assert_eq!(answer.status(), 200, "{path}");
        pages.insert(name, answer.text().await.expect("text"));
    }
    let reader = Reader {
        lang: Lang::En,
        zone: zone(),
        now_ms: TEN_O_CLOCK,
    };
    let file = page::file::file(&store, day, "demo".to_owned(), &reader).await;
    pages.insert("file", file.expect("file").expect("a day"));
    pages
}

#[tokio::test]
async fn no_text_of_a_log_becomes_a_part_of_the_page() {
    let plain = pages("plain").await;
    for (page, sign) in [
        ("day", "needle plain"),
        ("day", "goneplain"),
        ("day", "alarmplain"),
        ("day", "noteplain"),
        ("first", "needle plain"),
        ("alarms", "alarmplain"),
        ("marks", "noteplain"),
        ("json line", "kplain"),
        ("raw line", "needle plain"),
        ("hits", "needle plain"),
        ("file", "needle plain"),
    ] {
        assert!(plain[page].contains(sign), "{page} lacks {sign}");
    }
    for payload in PAYLOADS {
        for (page, html) in pages(payload).await {
            assert!(!html.contains("a49"), "{payload} was evaluated in {page}");
            // What is found for the payload itself depends on its words.
            if page == "question" {
                let live = ["<script>alert", "<img src=x", "<svg/", "<iframe"];
                assert!(!live.iter().any(|l| html.contains(l)), "{payload}");
                continue;
            }
            let (mut built, mut harmless) = (skeleton(&html), skeleton(&plain[page]));
            // How many hits there are, and in which order, depends on their words.
            if page == "hits" {
                for tags in [&mut built, &mut harmless] {
                    tags.sort();
                    tags.dedup();
                }
            }
            assert_eq!(built, harmless, "{payload} in {page}");
        }
    }
}
