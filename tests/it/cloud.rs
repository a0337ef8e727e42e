//! A stand-in of Tencent Cloud's log service: topics that are searched and paged as the service does it, and how far they are shipped.
//!
//! Every request's TC3-HMAC-SHA256 signature is computed again from the documented method, not with the product's code; a wrong one is
//! answered as the service does.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use gengfu::{
    intake::tc3::Api,
    model::{Credentials, Endpoints, LogKind},
    round::live::{Live, Shared},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

const ID: &str = "AKIDEXAMPLE";
const KEY: &str = "SecretKeyExample";
/// The service gives no more with one `Context`.
const MOST_BY_CONTEXT: usize = 10_000;

/// One log: its time, where it is from, its fields.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log {
    pub(crate) ms: i64,
    /// `__SOURCE__`, `__FILENAME__` and `__HOSTNAME__`, which the service keeps beside the fields.
    pub(crate) from: [String; 3],
    pub(crate) fields: Value,
}

#[derive(Debug, Default)]
struct World {
    topics: Mutex<BTreeMap<String, Vec<Log>>>,
    /// Log time up to which every topic is shipped.
    shipped_ms: Mutex<Option<i64>>,
    actions: Mutex<Vec<String>>,
    /// Actions that the key may not call.
    refused: Mutex<Vec<String>>,
    /// Of `monitor`, newest first.
    histories: Mutex<Vec<Value>>,
    forged: AtomicUsize,
}

/// See the module's head. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Cloud {
    world: Arc<World>,
    server: Arc<MockServer>,
}

impl Cloud {
    pub(crate) async fn start() -> Self {
        let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let world = Arc::new(World::default());
        let server = MockServer::start().await;
        Mock::given(any())
            .respond_with(Answering(world.clone()))
            .mount(&server)
            .await;
        Self {
            world,
            server: Arc::new(server),
        }
    }

    /// Puts logs into the topic of a kind.
    pub(crate) fn put(&self, kind: LogKind, logs: Vec<Log>) {
        let mut topics = self.world.topics.lock().expect("topics");
        let topic = topics.entry(topic(kind)).or_default();
        topic.extend(logs);
        topic.sort_by_key(|log| log.ms);
    }

    pub(crate) fn ship_until(&self, ms: i64) {
        *self.world.shipped_ms.lock().expect("shipped") = Some(ms);
    }

    /// Whoever asks with the right key.
    pub(crate) fn live(&self) -> Live {
        self.live_with(KEY)
    }

    pub(crate) fn api(&self) -> Api {
        self.api_with(KEY)
    }

    fn api_with(&self, key: &str) -> Api {
        let url: url::Url = self.server.uri().parse().expect("url");
        let endpoints = Endpoints {
            cls: Some(url.clone()),
            monitor: Some(url),
            ..Endpoints::default()
        };
        Api::new(Credentials::new(ID, key), "ap-nanjing", &endpoints).expect("client")
    }

    /// What the history of alarms holds, newest first.
    pub(crate) fn remember(&self, histories: Vec<Value>) {
        *self.world.histories.lock().expect("histories") = histories;
    }

    /// Puts logs into a topic of another kind.
    pub(crate) fn write(&self, topic: &str, logs: Vec<Log>) {
        let mut topics = self.world.topics.lock().expect("topics");
        topics.entry(topic.to_owned()).or_default().extend(logs);
    }

    pub(crate) fn live_with(&self, key: &str) -> Live {
        let api = self.api_with(key);
        let topics = LogKind::ALL.map(|kind| (kind, vec![topic(kind)]));
        Live::new(api, &topics.into(), Shared::default()).expect("topics")
    }

    pub(crate) fn times(&self, action: &str) -> usize {
        let actions = self.world.actions.lock().expect("actions");
        actions.iter().filter(|a| *a == action).count()
    }

    pub(crate) fn refuse(&self, action: &str) {
        let mut refused = self.world.refused.lock().expect("refused");
        refused.push(action.to_owned());
    }

    /// Requests whose signature was wrong.
    pub(crate) fn forged(&self) -> usize {
        self.world.forged.load(Ordering::SeqCst)
    }
}

fn topic(kind: LogKind) -> String {
    format!("topic-{kind}")
}

struct Answering(Arc<World>);

impl Respond for Answering {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let answer = if is_signed(request) {
            let action = text(request, "x-tc-action").to_owned();
            let body: Value = serde_json::from_slice(&request.body).expect("json");
            let answer = self.0.answer(&action, &body);
            self.0.actions.lock().expect("actions").push(action);
            answer
        } else {
            self.0.forged.fetch_add(1, Ordering::SeqCst);
            json!({"Error": {"Code": "AuthFailure.SignatureFailure", "Message": "x"}})
        };
        ResponseTemplate::new(200).set_body_json(json!({ "Response": answer }))
    }
}

impl World {
    fn answer(&self, action: &str, body: &Value) -> Value {
        let refused = self.refused.lock().expect("refused");
        match action {
            _ if refused.iter().any(|r| r == action) => {
                json!({"Error": {"Code": "UnauthorizedOperation", "Message": "x"}})
            }
            "SearchLog" => self.search(body),
            "DescribeLogContext" => self.context(body),
            "DescribeLogHistogram" => {
                let n = self.matching(body, "Query").len();
                json!({"HistogramInfos": [{"Count": n, "BTime": body["From"]}]})
            }
            "DescribeShippers" => {
                let topic = &body["Filters"][0]["Values"][0];
                json!({"TotalCount": 1, "Shippers": [{"ShipperId": "s", "TopicId": topic}]})
            }
            "DescribeShipperTasks" => {
                let end = *self.shipped_ms.lock().expect("shipped");
                let task = |end: i64| json!({"RangeStart": end - 300_000, "RangeEnd": end, "Status": "success"});
                json!({"Tasks": end.map(task).into_iter().collect::<Vec<_>>()})
            }
            "DescribeAlarmHistories" => self.histories(body),
            other => json!({"Error": {"Code": "InvalidAction", "Message": other}}),
        }
    }

    /// Both ends of the span are not part of it.
    fn histories(&self, body: &Value) -> Value {
        assert_eq!(
            (&body["Module"], &body["Order"]),
            (&json!("monitor"), &json!("DESC"))
        );
        let number = |name: &str| body[name].as_u64().and_then(|n| usize::try_from(n).ok());
        let (page, size) = (
            number("PageNumber").expect("page"),
            number("PageSize").expect("size"),
        );
        assert!(size <= 100, "the service's limit");
        let (start, end) = (body["StartTime"].as_i64(), body["EndTime"].as_i64());
        let inside = |entry: &&Value| {
            let began = entry["FirstOccurTime"].as_i64();
            start < began && began < end
        };
        let all = self.histories.lock().expect("histories");
        let found: Vec<&Value> = all.iter().filter(inside).collect();
        let shown: Vec<&Value> = found
            .iter()
            .skip((page - 1) * size)
            .take(size)
            .copied()
            .collect();
        json!({"TotalCount": found.len(), "Histories": shown})
    }

    /// With each its number in the topic.
    fn matching(&self, body: &Value, query: &str) -> Vec<(usize, Log)> {
        let (from, to) = (body["From"].as_i64(), body["To"].as_i64());
        let span = from.expect("From")..to.expect("To");
        let query = body[query].as_str().expect("query");
        let topics = self.topics.lock().expect("topics");
        let logs = topics.get(body["TopicId"].as_str().expect("topic"));
        let fits = |log: &Log| span.contains(&log.ms) && cql_fits(query, &log.fields);
        let logs = logs.into_iter().flatten().enumerate();
        logs.filter(|(_, log)| fits(log))
            .map(|(n, log)| (n, log.clone()))
            .collect()
    }

    /// The logs of the same file, with the one in the middle.
    fn context(&self, body: &Value) -> Value {
        let number = |name: &str| body[name].as_u64().and_then(|n| usize::try_from(n).ok());
        let topics = self.topics.lock().expect("topics");
        let logs = topics.get(body["TopicId"].as_str().expect("topic"));
        let logs = logs.expect("logs");
        let at = number("PkgLogId").expect("a number");
        let of = &logs[at];
        let time = jiff::Timestamp::from_millisecond(of.ms).expect("time");
        let time = jiff::tz::offset(8)
            .to_datetime(time)
            .strftime("%Y-%m-%d %H:%M:%S%.3f");
        assert_eq!(body["BTime"], time.to_string());
        assert_eq!(body["PkgId"], "P");
        let of_file = |(n, log): (usize, &Log)| (log.from == of.from).then_some(n);
        let file: Vec<usize> = logs.iter().enumerate().filter_map(of_file).collect();
        let middle = file.iter().position(|n| *n == at).expect("itself");
        let first = middle.saturating_sub(number("PrevLogs").expect("before"));
        let end = file
            .len()
            .min(middle + 1 + number("NextLogs").expect("after"));
        let info = |n: &usize| {
            let log = &logs[*n];
            json!({"BTime": log.ms, "PkgId": "P", "PkgLogId": n, "Source": log.from[0], "Filename": log.from[1],
                "HostName": log.from[2], "Content": log.fields.to_string()})
        };
        let infos: Vec<Value> = file[first..end].iter().map(info).collect();
        json!({"PrevOver": first == 0, "NextOver": end == file.len(), "LogContextInfos": infos})
    }

    fn search(&self, body: &Value) -> Value {
        assert_eq!(
            (&body["Sort"], &body["QuerySyntax"]),
            (&json!("asc"), &json!(1))
        );
        let limit = usize::try_from(body["Limit"].as_u64().expect("Limit")).expect("usize");
        assert!(limit <= 1000, "the service's limit");
        let found = self.matching(body, "QueryString");
        let skip: usize = body["Context"]
            .as_str()
            .map_or(0, |c| c.parse().expect("context"));
        let end = found.len().min(skip + limit).min(MOST_BY_CONTEXT);
        let shown = found.get(skip..end).unwrap_or_default();
        let results: Vec<Value> = shown
            .iter()
            .map(|(n, log)| {
                json!({"Time": log.ms, "TopicId": body["TopicId"], "PkgId": "P", "PkgLogId": n.to_string(),
                    "Source": log.from[0], "FileName": log.from[1], "HostName": log.from[2], "LogJson": log.fields.to_string()})
            })
            .collect();
        json!({"Context": end.to_string(), "ListOver": end == found.len(), "Results": results})
    }
}

/// The little CQL that the product speaks: everything, phrases, and verbs.
fn cql_fits(query: &str, fields: &Value) -> bool {
    if query == "*" {
        return true;
    }
    if query.starts_with("verb:") {
        let mut verbs = query
            .split(" OR ")
            .filter_map(|part| part.strip_prefix("verb:"));
        return verbs.any(|verb| fields["verb"] == verb);
    }
    let text = fields.to_string().to_lowercase();
    query.split(" AND ").all(|group| {
        let mut phrases = group.trim_matches(['(', ')']).split(" OR ");
        phrases.any(|phrase| text.contains(&phrase.trim_matches('"').to_lowercase()))
    })
}

fn text<'r>(request: &'r Request, name: &str) -> &'r str {
    let value = request.headers.get(name).and_then(|v| v.to_str().ok());
    value.unwrap_or_default()
}

/// <https://cloud.tencent.com/document/api/213/30654>.
fn is_signed(request: &Request) -> bool {
    let (host, stamp) = (text(request, "host"), text(request, "x-tc-timestamp"));
    let Some(at) = stamp
        .parse()
        .ok()
        .and_then(|s| jiff::Timestamp::from_second(s).ok())
    else {
        return false;
    };
    let sha256 = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
    let canonical = [
        "POST",
        "/",
        "",
        &format!("content-type:{}", text(request, "content-type")),
        &format!("host:{host}"),
        "",
        "content-type;host",
        &sha256(&request.body),
    ]
    .join("\n");
    let date = at.strftime("%Y-%m-%d").to_string();
    let service = match text(request, "x-tc-version") {
        "2018-07-24" => "monitor",
        _ => "cls",
    };
    let scope = format!("{date}/{service}/tc3_request");
    let to_sign = [
        "TC3-HMAC-SHA256",
        stamp,
        &scope,
        &sha256(canonical.as_bytes()),
    ]
    .join("\n");
    let hmac = |key: &[u8], text: &str| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().to_vec()
    };
    let first = format!("TC3{KEY}").into_bytes();
    let key = [date.as_str(), service, "tc3_request"]
        .into_iter()
        .fold(first, |key, part| hmac(&key, part));
    let signature = hex::encode(hmac(&key, &to_sign));
    let expected = format!(
        "TC3-HMAC-SHA256 Credential={ID}/{scope}, SignedHeaders=content-type;host, Signature={signature}"
    );
    text(request, "authorization") == expected
}

/// A shipped line as the topic has it: what CLS adds when it ships is beside the fields there.
pub(crate) fn as_log(line: &Value) -> Log {
    let mut fields = line.as_object().cloned().expect("an object");
    let ms = fields.remove("__TIMESTAMP__").expect("time");
    let from = ["__SOURCE__", "__FILENAME__", "__HOSTNAME__"].map(|name| {
        let value = fields.remove(name).unwrap_or_default();
        value.as_str().unwrap_or_default().to_owned()
    });
    Log {
        ms: ms.as_i64().expect("milliseconds"),
        from,
        fields: fields.into(),
    }
}
