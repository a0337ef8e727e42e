//! A house in order, and one that is not.

use std::collections::BTreeMap;

use serde_json::json;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, path},
};

use super::*;

fn config(pairs: &[(&str, &str)]) -> Config {
    let vars: BTreeMap<_, _> = pairs
        .iter()
        .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
        .collect();
    Config::from_vars(&vars).expect("config")
}

async fn statuses(config: &Config) -> Vec<(&'static str, Status)> {
    let owners = app::owners(config, LOCAL_OWNER.parse().expect("alias")).expect("owners");
    let checks = owner::checks(&owners, config).await;
    checks.into_iter().map(|c| (c.name, c.status)).collect()
}

#[tokio::test]
async fn a_local_bucket_needs_no_key_and_no_network() {
    let dir = tempfile::tempdir().expect("dir");
    let bucket = format!("file://{}", dir.path().display());
    let data = dir.path().join("data").display().to_string();
    let config = config(&[("GENGFU_BUCKET", &bucket), ("GENGFU_DATA_DIR", &data)]);
    let off = Status::Off;
    let expected = [
        ("key", off),
        ("bucket", off),
        ("bucket", off),
        ("bucket", off),
        ("database", off),
    ];
    assert_eq!(statuses(&config).await, expected);
    assert!(
        here::checks(&config)
            .iter()
            .all(|c| c.status != Status::Problem)
    );
    let models: Vec<_> = models::checks(&config)
        .await
        .into_iter()
        .map(|c| c.status)
        .collect();
    assert_eq!(models, [off, Status::Ok]);
}

#[tokio::test]
async fn a_wrong_key_and_a_wrong_clock_are_told_apart() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let server = MockServer::start().await;
    let refused = serde_json::json!({"Response": {"Error": {"Code": "AuthFailure.SecretIdNotFound", "Message": "x"}}});
    let yesterday = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24);
    let stamp = yesterday.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let answer = ResponseTemplate::new(200)
        .insert_header("date", stamp.as_str())
        .set_body_json(refused);
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let dir = tempfile::tempdir().expect("dir");
    let data = dir.path().display().to_string();
    let config = config(&[
        ("TENCENTCLOUD_SECRET_ID", "AKIDx"),
        ("TENCENTCLOUD_SECRET_KEY", "k"),
        ("TENCENTCLOUD_REGION", "ap-nanjing"),
        ("GENGFU_CLS_ENDPOINT", &server.uri()),
        ("GENGFU_MONITOR_ENDPOINT", &server.uri()),
        ("GENGFU_DATA_DIR", &data),
    ]);
    let (problem, off) = (Status::Problem, Status::Off);
    let expected = [
        ("key", problem),
        ("alarms", problem),
        ("bucket", problem),
        ("database", off),
        ("clock", problem),
    ];
    assert_eq!(statuses(&config).await, expected);
}

#[test]
fn a_house_that_others_reach_without_a_token_is_a_problem() {
    let dir = tempfile::tempdir().expect("dir");
    let data = dir.path().display().to_string();
    let status = |pairs: &[(&str, &str)]| {
        let pairs = [&[("GENGFU_DATA_DIR", data.as_str())], pairs].concat();
        let checks = here::checks(&config(&pairs));
        let tokens = checks.iter().find(|c| c.name == "tokens");
        tokens.expect("tokens").status
    };
    let named = ("GENGFU_ALLOWED_HOSTS", "logs.example.com");
    assert_eq!(status(&[]), Status::Off);
    assert_eq!(status(&[named]), Status::Problem);
    assert_eq!(
        status(&[("GENGFU_PUBLIC_URL", "https://logs.example.com")]),
        Status::Problem
    );
    assert_eq!(status(&[named, ("GENGFU_TOKENS", "s3cret")]), Status::Ok);
    for broken in ["{\"broken", "[]"] {
        std::fs::write(dir.path().join("tokens.json"), broken).expect("write");
        assert_eq!(status(&[]), Status::Problem, "{broken}");
    }
}

#[tokio::test]
async fn a_public_address_that_refuses_everybody_is_a_problem() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    for (page, expected) in [(403, Status::Problem), (200, Status::Ok)] {
        let server = MockServer::start().await;
        let answer = |at: &'static str, status| {
            Mock::given(path(at)).respond_with(ResponseTemplate::new(status))
        };
        answer("/healthz", 200).mount(&server).await;
        answer("/", page).mount(&server).await;
        let config = config(&[("GENGFU_PUBLIC_URL", &server.uri())]);
        assert_eq!(here::webhook(&config).await.status, expected, "{page}");
    }
}

#[test]
fn a_check_says_what_to_do() {
    let check = Check::problem("bucket", "no", "do this");
    assert_eq!(
        check.in_words(Lang::En),
        "problem  bucket         no\n        -> do this"
    );
    let json = serde_json::to_value(&check).expect("json");
    assert_eq!(
        json,
        serde_json::json!({"name": "bucket", "status": "problem", "found": "no", "todo": "do this"})
    );
}

#[tokio::test]
async fn a_robot_that_the_gateway_does_not_know_is_named() {
    let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let gateway = MockServer::start().await;
    let id = "GID_default@@@aa_bb_cc_00_11_22@@@aa_bb_cc_00_11_22";
    let states = json!({ id: { "exists": true, "isAlive": false }, "GID_desk@@@x@@@x": { "exists": false, "isAlive": false } });
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200).set_body_json(states))
        .mount(&gateway)
        .await;
    for (devices, status, named) in [
        ("aa:bb:cc:00:11:22", Status::Ok, ""),
        (
            "aa:bb:cc:00:11:22,GID_desk@@@x@@@x",
            Status::Problem,
            "GID_desk@@@x@@@x",
        ),
        ("aa:bb:cc:00:11:33", Status::Problem, "aa_bb_cc_00_11_33"),
    ] {
        let config = config(&[
            ("GENGFU_GATEWAY_URL", &gateway.uri()),
            ("GENGFU_GATEWAY_KEY", "Sign4tureKey!"),
            ("GENGFU_DEVICES", devices),
        ]);
        let check = robots::check(&config, 0).await.expect("a check");
        assert_eq!(check.status, status, "{check:?}");
        assert!(check.found.contains(named), "{check:?}");
    }
    assert_eq!(robots::check(&config(&[]), 0).await, None);
}
