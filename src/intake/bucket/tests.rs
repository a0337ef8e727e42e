//! Refusals of COS by status and code, and the sentence for each.

use wiremock::{
    Mock, MockServer, Request, Respond, ResponseTemplate,
    matchers::{header, header_exists, path, query_param},
};

use super::*;
use crate::{intake::sign::CloudKey, model::Lang};

fn bucket(server: &MockServer) -> Bucket {
    // Another test may have been first.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let key = CloudKey {
        id: "AKIDEXAMPLE".to_owned(),
        secret: "SecretKeyExample".into(),
        token: None,
    };
    let spec = CosSpec {
        bucket: "127".to_owned(),
        endpoint: server.uri(),
        key,
        line: Line::default(),
    };
    Bucket::open(BucketSpec::Cos(spec)).expect("address")
}

fn object(key: &str, size: u64) -> Listed {
    Listed {
        key: key.to_owned(),
        etag: "e1".to_owned(),
        size,
        modified_ms: 0,
    }
}

fn refusal(status: u16, code: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_string(format!("<Error><Code>{code}</Code></Error>"))
}

#[tokio::test]
async fn pages_are_put_together() {
    let server = MockServer::start().await;
    let page = |keys: &[&str], more: bool| {
        let contents = keys.iter().fold(String::new(), |all, k| {
            all + &format!("<Contents><Key>{k}</Key><LastModified>2026-11-20T16:05:12.000Z</LastModified><ETag>\"e1\"</ETag><Size>1</Size></Contents>")
        });
        ResponseTemplate::new(200).set_body_string(format!(
            "<ListBucketResult><IsTruncated>{more}</IsTruncated>{contents}</ListBucketResult>"
        ))
    };
    Mock::given(query_param("marker", ""))
        .and(query_param("prefix", "a/"))
        .and(header_exists("authorization"))
        .respond_with(page(&["a/1", "a/2"], true))
        .mount(&server)
        .await;
    Mock::given(query_param("marker", "a/2"))
        .respond_with(page(&["a/3"], false))
        .mount(&server)
        .await;
    let keys: Vec<_> = bucket(&server)
        .list("a/")
        .await
        .expect("list")
        .into_iter()
        .map(|o| o.key)
        .collect();
    assert_eq!(keys, ["a/1", "a/2", "a/3"]);
}

#[tokio::test]
async fn a_busy_server_is_asked_again() {
    let server = MockServer::start().await;
    for status in [503, 429] {
        Mock::given(path("/a//%E4%B8%AD.gz"))
            .respond_with(refusal(status, "SlowDown").insert_header("retry-after", "0"))
            .up_to_n_times(1)
            .mount(&server)
            .await;
    }
    Mock::given(path("/a//%E4%B8%AD.gz"))
        .and(header("if-match", "\"e1\""))
        .respond_with(ResponseTemplate::new(200).set_body_string("bytes"))
        .mount(&server)
        .await;
    let read = bucket(&server).read(&object("a//中.gz", 5)).await;
    assert_eq!(read.expect("read"), "bytes");
}

/// Sends half of what is asked for, then the rest on a range request.
struct Halves;

impl Respond for Halves {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        match request.headers.get("range").and_then(|r| r.to_str().ok()) {
            Some("bytes=3-") => ResponseTemplate::new(206).set_body_string("def"),
            None => ResponseTemplate::new(200).set_body_string("abc"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_body_that_broke_off_is_continued() {
    let server = MockServer::start().await;
    Mock::given(path("/k"))
        .respond_with(Halves)
        .mount(&server)
        .await;
    let read = bucket(&server).read(&object("k", 6)).await;
    assert_eq!(read.expect("read"), "abcdef");
}

#[tokio::test]
async fn each_refusal_has_its_own_sentence() {
    let mut sentences = std::collections::HashSet::new();
    for (status, code, listing, expected) in [
        (403, "InvalidAccessKeyId", true, Fault::UnknownId),
        (403, "SignatureDoesNotMatch", true, Fault::WrongKey),
        (400, "ExpiredToken", true, Fault::ExpiredToken),
        (403, "AccessDenied", true, Fault::ListDenied),
        (403, "AccessDenied", false, Fault::ReadDenied),
        (404, "NoSuchBucket", true, Fault::NoBucket),
        (403, "InvalidObjectState", false, Fault::Archived),
        (412, "PreconditionFailed", false, Fault::Replaced),
        (404, "NoSuchKey", false, Fault::Deleted),
        (409, "Odd", false, Fault::Refused),
    ] {
        let server = MockServer::start().await;
        Mock::given(header_exists("authorization"))
            .respond_with(refusal(status, code))
            .mount(&server)
            .await;
        let bucket = bucket(&server);
        let error = if listing {
            bucket.list("a/").await.expect_err("refused")
        } else {
            bucket.read(&object("k", 1)).await.expect_err("refused")
        };
        assert_eq!((error.fault, error.status), (expected, Some(status)));
        assert!(sentences.insert(error.sentence(Lang::Zh)), "{expected:?}");
        assert!(sentences.insert(error.sentence(Lang::En)), "{expected:?}");
    }
}

#[tokio::test]
async fn a_wrong_clock_is_told_by_the_date_of_the_answer() {
    let server = MockServer::start().await;
    let skewed =
        refusal(403, "AccessDenied").insert_header("date", "Sat, 21 Nov 2037 10:00:00 GMT");
    Mock::given(header_exists("authorization"))
        .respond_with(skewed)
        .mount(&server)
        .await;
    let error = bucket(&server).list("").await.expect_err("refused");
    let Fault::ClockSkew { ahead_s } = error.fault else {
        panic!("{error}");
    };
    assert!(ahead_s < -1_000_000, "{ahead_s}");
    assert!(error.sentence(Lang::Zh).contains("慢了"));
}

#[tokio::test]
async fn a_folder_is_a_bucket_too() {
    let folder = tempfile::tempdir().expect("folder");
    std::fs::create_dir_all(folder.path().join("a/b")).expect("folders");
    for key in ["a/b/2.gz", "a/1.gz", "z"] {
        std::fs::write(folder.path().join(key), key).expect("file");
    }
    let bucket = Bucket::open(BucketSpec::Folder(folder.path().to_owned())).expect("open");
    let listed = bucket.list("a/").await.expect("list");
    let keys: Vec<_> = listed.iter().map(|o| o.key.as_str()).collect();
    assert_eq!(keys, ["a/1.gz", "a/b/2.gz"]);
    assert_eq!(bucket.list("a/b/2").await.expect("list").len(), 1);
    assert_eq!(bucket.list("a//b").await.expect("list"), []);
    assert_eq!(bucket.read(&listed[0]).await.expect("read"), "a/1.gz");
    std::fs::write(folder.path().join("a/1.gz"), "other size").expect("file");
    let replaced = bucket.read(&listed[0]).await.expect_err("replaced");
    assert_eq!(replaced.fault, Fault::Replaced);
    let outside = bucket.read(&object("../z", 1)).await.expect_err("outside");
    assert_eq!(outside.fault, Fault::Deleted);
    let missing = Bucket::open(BucketSpec::Folder(folder.path().join("none"))).expect("open");
    assert_eq!(
        missing.list("").await.expect_err("none").fault,
        Fault::NoFolder
    );
}
