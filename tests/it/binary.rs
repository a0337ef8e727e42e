//! The binary as an operator runs it, with what goes wrong in practice: how each command ends, and whether the sentence says what to do.

use std::{
    collections::BTreeMap,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

/// One run of the binary in a folder of its own, in an environment of its own.
struct Run {
    dir: TempDir,
    vars: BTreeMap<&'static str, String>,
}

impl Run {
    /// With an empty local bucket.
    fn new() -> Self {
        let dir = TempDir::new().expect("folder");
        std::fs::create_dir(dir.path().join("bucket")).expect("bucket");
        let run = Self {
            dir,
            vars: BTreeMap::new(),
        };
        let bucket = run.path("bucket");
        run.with("GENGFU_BUCKET", format!("file://{bucket}"))
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.vars.insert(name, value.into());
        self
    }

    fn path(&self, below: &str) -> String {
        self.dir.path().join(below).display().to_string()
    }

    fn output(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_gengfu"))
            .args(args)
            .env_clear()
            .env("GENGFU_LOG", "off")
            .envs(&self.vars)
            .current_dir(self.dir.path())
            .output()
            .expect("run")
    }

    /// Ends with `status`, and says on stderr all of `words`; nothing that only a programmer could read, and no secret.
    #[track_caller]
    fn ends(&self, args: &[&str], status: i32, words: &[&str]) {
        let output = self.output(args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "{args:?}: {said}");
        for word in words {
            assert!(said.contains(word), "{word} is missing: {said}");
        }
        for never in [SECRET, "panicked", "Error {", "Some(", "os error", ".rs:"] {
            assert!(!said.contains(never), "{never}: {said}");
        }
        assert!(!said.replace("://", "").contains("//"), "{said}");
    }
}

const SECRET: &str = "hush-hush-hush";

#[test]
fn a_bucket_without_the_day_is_incomplete_and_the_places_are_named() {
    let run = Run::new().with("GENGFU_EVENT_PREFIX", "elsewhere/");
    let looked = format!("file://{}/elsewhere/", run.path("bucket"));
    let words = ["2026-11-21", &looked, "GENGFU_EVENT_PREFIX"];
    run.ends(&["run", "--date", "2026-11-21"], 3, &words);
    let run = run.with("GENGFU_LANG", "en");
    let words = ["there is no object of 2026-11-21", &looked];
    run.ends(&["run", "--date", "2026-11-21"], 3, &words);
}

#[test]
fn dates_and_names_that_cannot_be_are_misuse() {
    let run = Run::new();
    run.ends(
        &["run", "--date", "2999-01-01"],
        2,
        &["2999-01-01", "还没到"],
    );
    run.ends(&["run", "--date", "gestern"], 2, &["gestern", "2026-11-21"]);
    run.ends(&["run", "--owner", "a/../b"], 2, &["a/../b", "owner list"]);
    run.ends(&["run", "--owner", "nobody"], 2, &["nobody", "default"]);
    let token = ["token", "add", "phone", "--owner", "nobody"];
    run.ends(&token, 0, &["nobody", "default"]);
    run.ends(&["dance"], 2, &["dance", "--help"]);
    run.ends(&["search", "x"], 1, &["gengfu run", "GENGFU_DATA_DIR"]);
    run.ends(&["alert", "none.json"], 1, &["none.json", "不存在"]);
}

#[test]
fn a_damaged_file_of_tokens_opens_no_house() {
    let run = Run::new();
    std::fs::create_dir(run.path("data")).expect("data");
    std::fs::write(run.path("data/tokens.json"), "{\"broken").expect("tokens");
    let run = run.with("GENGFU_ALLOWED_HOSTS", "logs.example.com");
    for args in [&["serve"][..], &["token", "list"]] {
        run.ends(args, 2, &["data/tokens.json", "chown"]);
    }
    let said = run.output(&["doctor"]);
    assert!(String::from_utf8_lossy(&said.stdout).contains("tokens"));
    assert_eq!(said.status.code(), Some(1));
}

#[test]
fn a_house_that_others_reach_wants_a_token_and_lets_one_be_made() {
    let run = Run::new().with("GENGFU_BIND", "0.0.0.0:0");
    run.ends(&["serve"], 2, &["0.0.0.0:0", "gengfu token add"]);
    run.ends(&["token", "add", "phone"], 0, &[]);
    run.ends(&["token", "list"], 0, &[]);
}

#[test]
fn what_hides_or_reorders_text_reaches_no_terminal() {
    let run = Run::new();
    let folder = run.path("bucket/event/2026/11/21/10");
    std::fs::create_dir_all(&folder).expect("folder");
    let message = "needle \u{202e}lamron\u{200b} Failed to pull image \"shop/cart:9\": not found";
    let object = |name| serde_json::json!({"kind": "Pod", "namespace": "shop", "name": name});
    let event = serde_json::json!({
        "metadata": {"name": "cart-6d4c8b5f9-x2x4z.1", "namespace": "shop", "uid": "u1"},
        "involvedObject": object("cart-6d4c8b5f9-x2x4z"), "type": "Warning", "reason": "Failed", "message": message,
        "count": 1, "firstTimestamp": "2026-11-21T02:00:00Z", "lastTimestamp": "2026-11-21T02:00:00Z",
    });
    let line = serde_json::json!({"__TIMESTAMP__": 1_795_226_400_000_u64, "clusterId": "cls-1", "verb": "ADDED", "event": event});
    std::fs::write(format!("{folder}/a.log"), line.to_string()).expect("line");
    run.output(&["run", "--date", "2026-11-21"]);
    let search = ["search", "needle", "--date", "2026-11-21"];
    let said = String::from_utf8(run.output(&search).stdout).expect("text");
    assert!(said.contains("needle"), "{said}");
    assert!(
        !said.contains(['\u{202e}', '\u{200b}', '\u{1b}']),
        "{said:?}"
    );
}

#[test]
fn a_bucket_or_a_key_that_is_not_there_is_named_with_its_variable() {
    let gone = Run::new();
    let words = ["GENGFU_BUCKET", "目录不存在", "none/"];
    let none = format!("file://{}", gone.path("none"));
    gone.with("GENGFU_BUCKET", none).ends(&["run"], 1, &words);
    let unset = Run::new().with("GENGFU_BUCKET", "");
    unset.ends(&["run"], 2, &["GENGFU_BUCKET", "TENCENTCLOUD_SECRET_ID"]);
    let keyed = Run::new()
        .with("TENCENTCLOUD_SECRET_ID", "AKIDtest")
        .with("TENCENTCLOUD_SECRET_KEY", SECRET);
    let nowhere = keyed.with("GENGFU_BUCKET", "cos://logs-1250000000");
    nowhere.ends(&["run"], 2, &["TENCENTCLOUD_REGION", "ap-guangzhou"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cos_refuses_is_told_with_what_to_check() {
    for (status, code, words) in [
        (
            404,
            "NoSuchBucket",
            ["GENGFU_BUCKET", "TENCENTCLOUD_REGION"],
        ),
        (
            403,
            "SignatureDoesNotMatch",
            ["TENCENTCLOUD_SECRET_KEY", "签名"],
        ),
        (403, "InvalidAccessKeyId", ["TENCENTCLOUD_SECRET_ID", "CAM"]),
        (403, "AccessDenied", ["name/cos:GetBucket", "CAM"]),
    ] {
        let cos = MockServer::start().await;
        let body = format!("<Error><Code>{code}</Code><Message>no</Message></Error>");
        Mock::given(any())
            .respond_with(ResponseTemplate::new(status).set_body_string(body))
            .mount(&cos)
            .await;
        let run = Run::new()
            .with("GENGFU_BUCKET", "cos://logs-1250000000")
            .with("GENGFU_COS_ENDPOINT", cos.uri())
            .with("TENCENTCLOUD_REGION", "ap-guangzhou")
            .with("TENCENTCLOUD_SECRET_ID", "AKIDtest")
            .with("TENCENTCLOUD_SECRET_KEY", SECRET);
        tokio::task::spawn_blocking(move || {
            let looked = "cos://logs-1250000000/";
            run.ends(
                &["run", "--date", "2026-11-21"],
                1,
                &[words[0], words[1], looked],
            );
        })
        .await
        .expect("run");
    }
}

#[test]
fn a_data_directory_that_cannot_be_used_is_named_with_its_variable() {
    let run = Run::new();
    std::fs::write(run.dir.path().join("file"), "no folder").expect("file");
    let data = run.path("file/data");
    let run = run.with("GENGFU_DATA_DIR", &data);
    run.ends(&["run"], 1, &["GENGFU_DATA_DIR", &run.path("file")]);
}

/// A limit on the size of files stands in for a disk without space.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_without_space_is_told_and_damages_nothing() {
    let run = Run::new();
    let limited = |blocks: u32| {
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" run --date 2026-11-21");
        let output = Command::new("bash")
            .args(["-c", &script, env!("CARGO_BIN_EXE_gengfu")])
            .env_clear()
            .env("GENGFU_LOG", "off")
            .envs(&run.vars)
            .current_dir(run.dir.path())
            .output()
            .expect("run");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), said)
    };
    let (status, said) = limited(40);
    assert_eq!(status, Some(1), "{said}");
    assert!(
        said.contains("GENGFU_DATA_DIR") && said.contains('磁'),
        "{said}"
    );
    assert!(
        !said.contains("os error") && !said.contains("panicked"),
        "{said}"
    );
    let (status, said) = limited(100_000);
    assert_eq!(status, Some(3), "{said}");
}

#[test]
fn data_that_another_process_writes_is_left_to_it() {
    let run = Run::new();
    let alias = "default".parse().expect("alias");
    let held = gengfu::store::Store::open(&run.dir.path().join("data"), &alias).expect("store");
    let holder = format!("gengfu ({})", std::process::id());
    run.ends(&["run"], 1, &[&holder, "summarize_day", "GENGFU_DATA_DIR"]);
    run.ends(&["search", "x"], 1, &["gengfu run --date"]);
    drop(held);
    run.ends(&["run"], 3, &[]);
}

#[test]
fn data_of_a_newer_program_is_left_alone() {
    let run = Run::new();
    run.ends(&["run"], 3, &[]);
    let file = run.dir.path().join("data/owners/default/owner.db");
    let newer = rusqlite::Connection::open(&file).expect("database");
    newer
        .pragma_update(None, "user_version", 99)
        .expect("newer");
    drop(newer);
    for args in [&["run"][..], &["trace"]] {
        run.ends(args, 1, &["owner.db", "99", "升级"]);
    }
}

#[test]
fn all_mistakes_of_the_configuration_are_told_at_once() {
    let run = Run::new()
        .with("GENGFU_BUCKET", "s3://logs")
        .with("GENGFU_RUN_AT", "25:00");
    let words = ["GENGFU_BUCKET", "s3://logs", "GENGFU_RUN_AT", "25:00"];
    run.ends(&["run"], 2, &words);
    run.ends(&["doctor"], 2, &[]);
    let run = Run::new().with("GENGFU_LLM_MODEL", "qwen-plus");
    run.ends(&["run"], 2, &["GENGFU_LLM_MODEL", "`aliyun::qwen-plus`"]);
}

/// A report without what may differ between two rounds of the same objects.
fn lasting(mut report: Value) -> Value {
    let fields = report.as_object_mut().expect("object");
    for field in ["timings_ms", "llm", "files"] {
        fields.remove(field);
    }
    for incident in fields["incidents"].as_array_mut().expect("incidents") {
        incident
            .as_object_mut()
            .expect("incident")
            .remove("checked_at");
    }
    report
}

#[test]
fn the_demo_tells_its_five_incidents_and_a_second_round_says_the_same() {
    let run = Run::new();
    let output = run.output(&["demo", "--keep", "kept"]);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(
        told.contains("### 5.") && !told.contains("### 6."),
        "{told}"
    );
    for name in ["llm_summary.txt", "vector_analysis.txt"] {
        let path = told.lines().find(|line| line.ends_with(name));
        assert!(Path::new(path.expect("named").trim()).is_file(), "{told}");
    }

    let run = run.with("GENGFU_DATA_DIR", "data-of-run");
    let bucket = format!("file://{}", run.path("kept/bucket"));
    let run = run.with("GENGFU_BUCKET", bucket);
    let report = || -> Value {
        let output = run.output(&["run", "--json"]);
        assert_eq!(output.status.code(), Some(0));
        serde_json::from_slice(&output.stdout).expect("json")
    };
    let (first, second) = (report(), report());
    assert_eq!(first["incidents"].as_array().map(Vec::len), Some(5));
    assert_eq!(lasting(first), lasting(second));
}

/// A server over the same data, killed when dropped.
struct Serving(std::process::Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_round_beside_a_running_server_is_handed_to_it() {
    let run = Run::new();
    assert!(run.output(&["demo", "--keep", "kept"]).status.success());
    let bucket = format!("file://{}", run.path("kept/bucket"));
    let run = run
        .with("GENGFU_BUCKET", bucket)
        .with("GENGFU_BIND", "127.0.0.1:0");
    let mut serving = Command::new(env!("CARGO_BIN_EXE_gengfu"))
        .arg("serve")
        .env_clear()
        .env("GENGFU_LOG", "off")
        .envs(&run.vars)
        .current_dir(run.dir.path())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .map(Serving)
        .expect("serve");
    let told = std::io::BufReader::new(serving.0.stdout.take().expect("stdout"));
    let address = std::io::BufRead::lines(told).next().expect("a line");
    assert!(address.expect("utf-8").contains("/mcp"));
    let pid = serving.0.id().to_string();

    let output = run.output(&["run", "--json"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("json");
    assert_eq!(report["incidents"].as_array().map(Vec::len), Some(5));
    // Unless the server had not opened the data yet: then the command wrote it itself.
    assert!(said.is_empty() || said.contains(&pid), "{said}");
    drop(serving);
    // A socket that a killed server left behind is in nobody's way.
    assert!(run.output(&["run", "--json"]).status.success());
}
