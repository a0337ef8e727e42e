//! The stored keys in trouble, as an operator sees it: a clear sentence, nothing lost, nothing overwritten.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::running::{http_client, initialize};

const TOKEN: &str = "a-token-of-the-robot-0123456789";

/// A data directory with two owners in it.
struct House(TempDir);

impl House {
    fn new() -> Self {
        let house = Self(TempDir::new().expect("folder"));
        let csv = "alias,secret_id,secret_key,bucket\na,AKIDa,hush-a,cos://a-125\nb,AKIDb,hush-b,cos://b-125\n";
        let output = house.runs(&["owner", "import", "--csv", "-"], csv);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        house
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join("data").join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gengfu"));
        command
            .args(args)
            .env_clear()
            .env("GENGFU_LOG", "off")
            .env("GENGFU_OWNERS_COMMAND", "cat table.csv")
            .env("PATH", "/usr/bin:/bin")
            .env("TENCENTCLOUD_REGION", "ap-nanjing")
            // Nothing listens there: a key that is opened is tried, and refused at once.
            .env("GENGFU_COS_ENDPOINT", "http://127.0.0.1:9")
            .current_dir(self.0.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn runs(&self, args: &[&str], input: &str) -> Output {
        let mut child = self.command(args).spawn().expect("spawn");
        let mut stdin = child.stdin.take().expect("stdin");
        // A program that asks nothing may have ended.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        child.wait_with_output().expect("end")
    }

    /// Fails with a sentence that has all of `words`, and leaves both files as they are.
    #[track_caller]
    fn refuses(&self, args: &[&str], input: &str, words: &[&str]) {
        let before = ["owners.json", "master.key"].map(|name| fs::read(self.file(name)).ok());
        let output = self.runs(args, input);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
        for word in words {
            assert!(said.contains(word), "{word} is missing: {said}");
        }
        for never in ["hush-", "panicked", "Error {", ".rs:"] {
            assert!(!said.contains(never), "{never}: {said}");
        }
        let after = ["owners.json", "master.key"].map(|name| fs::read(self.file(name)).ok());
        assert!(before == after, "{args:?} changed a file");
    }
}

const RUN_A: [&str; 5] = ["run", "--owner", "a", "--date", "2026-11-21"];
const ADD_C: [&str; 3] = ["owner", "add", "c"];
const KEY_C: &str = "AKIDc\nhush-c\n\n";

#[test]
fn a_sealed_key_that_was_changed_is_refused_for_its_owner_alone() {
    let house = House::new();
    let file = house.file("owners.json");
    let text = fs::read_to_string(&file).expect("vault");
    let mut roll: serde_json::Value = serde_json::from_str(&text).expect("json");
    let sealed = roll["owners"]["a"]["key"]["text"].as_str().expect("text");
    let first = if sealed.starts_with('0') { "1" } else { "0" };
    let changed = format!("{first}{}", &sealed[1..]);
    roll["owners"]["a"]["key"]["text"] = changed.into();
    fs::write(&file, roll.to_string()).expect("write");
    house.refuses(&RUN_A, "", &["a", "gengfu owner rotate a"]);
    // The other's key opens, and fails where the bucket does.
    let run_b = ["run", "--owner", "b", "--date", "2026-11-21"];
    house.refuses(&run_b, "", &["GENGFU_COS_ENDPOINT"]);
    let output = house.runs(&["owner", "rotate", "a"], "AKIDa\nhush-a\n\n");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    house.refuses(&RUN_A, "", &["GENGFU_COS_ENDPOINT"]);
}

#[test]
fn a_vault_that_was_cut_off_is_left_as_it_is() {
    let house = House::new();
    let file = house.file("owners.json");
    let whole = fs::read(&file).expect("vault");
    for keep in [0, whole.len() / 2, whole.len() - 1] {
        fs::write(&file, &whole[..keep]).expect("cut");
        house.refuses(&RUN_A, "", &["owners.json", ".bak"]);
        house.refuses(&ADD_C, KEY_C, &["owners.json", ".bak"]);
        house.refuses(&["owner", "list"], "", &["owners.json"]);
    }
    fs::write(&file, &whole).expect("put back");
    house.refuses(&RUN_A, "", &["GENGFU_COS_ENDPOINT"]);
}

#[test]
fn a_lost_or_foreign_master_key_is_asked_back() {
    let house = House::new();
    let file = house.file("master.key");
    let kept = fs::read(&file).expect("master key");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&file).expect("metadata").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "made for this user alone");
    }
    fs::remove_file(&file).expect("lose");
    house.refuses(&RUN_A, "", &["master.key"]);
    house.refuses(&ADD_C, KEY_C, &["master.key"]);
    house.refuses(&["owner", "rotate", "--master"], "", &["master.key"]);
    fs::write(&file, "ab".repeat(32)).expect("another");
    house.refuses(&RUN_A, "", &["GENGFU_MASTER_KEY_FILE"]);
    house.refuses(&ADD_C, KEY_C, &["GENGFU_MASTER_KEY_FILE"]);
    fs::write(&file, "no key at all").expect("garbage");
    house.refuses(&RUN_A, "", &["master.key", "64"]);
    fs::write(&file, kept).expect("put back");
    house.refuses(&RUN_A, "", &["GENGFU_COS_ENDPOINT"]);
}

#[test]
fn the_version_beside_the_vault_opens_after_another_master_key() {
    let house = House::new();
    let output = house.runs(&["owner", "rotate", "--master"], "");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let file = house.file("owners.json");
    fs::write(&file, "{").expect("cut");
    house.refuses(&RUN_A, "", &["owners.json.bak"]);
    fs::copy(house.file("owners.json.bak"), &file).expect("as the sentence says");
    house.refuses(&RUN_A, "", &["GENGFU_COS_ENDPOINT"]);
}

#[test]
fn what_is_stored_of_an_owner_is_changed_without_the_key() {
    let house = House::new();
    let changes = [
        "owner",
        "set",
        "a",
        "--name",
        "张三",
        "--bucket",
        "cos://new-125",
    ];
    let output = house.runs(&changes, "");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let output = house.runs(&["owner", "list", "--json"], "");
    let listed: serde_json::Value = serde_json::from_slice(&output.stdout).expect("json");
    assert_eq!(listed[0]["spoken"][0], "张三");
    assert_eq!(listed[0]["bucket"], "cos://new-125");
    house.refuses(&RUN_A, "", &["GENGFU_COS_ENDPOINT"]);
}

#[test]
fn a_command_that_prints_the_user_table_brings_all_owners_or_none() {
    let house = House::new();
    house.refuses(&["owner", "import"], "", &["GENGFU_OWNERS_COMMAND"]);
    let table = house.0.path().join("table.csv");
    let header = "alias,secret_id,secret_key,name\n";
    fs::write(
        &table,
        format!("{header}c,AKIDc,hush-c,张三\nd,AKIDd,,李四\n"),
    )
    .expect("table");
    let output = house.runs(&["owner", "import"], "");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("line 3") && said.contains("secret_key"),
        "{said}"
    );
    fs::write(
        &table,
        format!("{header}c,AKIDc,hush-c,张三\nd,AKIDd,hush-d,李四\n"),
    )
    .expect("table");
    assert_eq!(house.runs(&["owner", "import"], "").status.code(), Some(0));
    let output = house.runs(&["owner", "list", "--json"], "");
    let listed: serde_json::Value = serde_json::from_slice(&output.stdout).expect("json");
    assert_eq!(listed.as_array().map(Vec::len), Some(4));
    assert_eq!(listed[2]["spoken"][0], "张三");
}

#[test]
fn processes_that_change_one_vault_at_once_lose_nothing() {
    let house = House::new();
    let children: Vec<_> = (0..8)
        .map(|n| {
            let mut child = house
                .command(&["owner", "add", &format!("n{n}")])
                .spawn()
                .expect("spawn");
            let mut stdin = child.stdin.take().expect("stdin");
            let key = format!("AKIDn{n}\nhush-n{n}\n\n");
            stdin.write_all(key.as_bytes()).expect("key");
            child
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().expect("end");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
    let output = house.runs(&["owner", "list", "--json"], "");
    let listed: serde_json::Value = serde_json::from_slice(&output.stdout).expect("json");
    assert_eq!(listed.as_array().map(Vec::len), Some(10));
}

/// A server of the house, and one call to it on a new session.
struct Served(std::process::Child, String);

impl Served {
    fn start(house: &House) -> Self {
        let mut command = house.command(&["serve"]);
        command
            .env("GENGFU_BIND", "127.0.0.1:0")
            .env("GENGFU_TOKENS", TOKEN)
            .env("GENGFU_RUN_AT", "23:59")
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("spawn");
        let said = BufReader::new(child.stdout.take().expect("stdout"));
        let line = said.lines().next().expect("a line").expect("utf-8");
        let (_, address) = line.split_once("http://").expect("an address");
        Self(child, format!("http://{address}"))
    }

    async fn call(&self, tool: &str, arguments: Value) -> String {
        let post = |message: Value| {
            let request = http_client().post(&self.1).bearer_auth(TOKEN);
            request
                .header("accept", "application/json, text/event-stream")
                .json(&message)
        };
        let opened = post(initialize()).send().await.expect("initialize");
        let session = opened.headers()["mcp-session-id"].clone();
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": tool, "arguments": arguments } });
        let answer = post(call).header("mcp-session-id", session).send();
        answer.await.expect("call").text().await.expect("text")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // As the power fails: nothing is tidied up.
        let _gone = self.0.kill();
        let _status = self.0.wait();
    }
}

#[tokio::test]
async fn a_switch_by_voice_outlives_a_server_that_was_killed() {
    let house = House::new();
    let chosen = house.runs(&["owner", "use", "a"], "");
    assert_eq!(chosen.status.code(), Some(0), "{chosen:?}");
    let robot = |more: Value| {
        let mut arguments = json!({ "device_id": "aa:bb:cc:00:11:22" });
        arguments
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        arguments
    };
    let first = Served::start(&house);
    let before = first.call("summarize_day", robot(json!({}))).await;
    assert!(before.contains("owner=a"), "{before}");
    let switch = robot(json!({ "owner": "b", "run": "never" }));
    let switched = first.call("switch_owner_keys", switch).await;
    assert!(switched.contains("owner=b"), "{switched}");
    drop(first);
    let second = Served::start(&house);
    let after = second.call("summarize_day", robot(json!({}))).await;
    assert!(after.contains("owner=b"), "{after}");
    let kept = fs::read_to_string(house.file("switches.json")).expect("kept");
    for secret in ["hush", "AKID", TOKEN] {
        assert!(!kept.contains(secret), "{kept}");
    }
}
