//! A stand-in of the service that recomputes every signature, and what is asked of the client.

use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::header};

use super::{sign::authorization, *};
use crate::model::Lang;

/// A stand-in that recomputes every signature, and an [`Api`] that speaks to it alone.
pub(crate) async fn stand_in() -> (MockServer, Api) {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let server = MockServer::start().await;
    let url: url::Url = server.uri().parse().expect("url");
    let endpoints = Endpoints {
        cls: Some(url.clone()),
        tke: Some(url.clone()),
        monitor: Some(url),
        ..Endpoints::default()
    };
    let api = Api::new(key(), "ap-nanjing", &endpoints).expect("client");
    (server, api)
}

fn key() -> Credentials {
    Credentials::new("AKIDEXAMPLE", "SecretKeyExample")
}

/// Matches a request whose signature is what [`key`] makes of it.
pub(crate) fn signed(request: &Request) -> bool {
    let text = |name: &str| {
        request
            .headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
    };
    let Some(now) = text("x-tc-timestamp")
        .parse()
        .ok()
        .and_then(|s| Timestamp::from_second(s).ok())
    else {
        return false;
    };
    let body = String::from_utf8_lossy(&request.body);
    [Service::Cls, Service::Tke, Service::Monitor]
        .into_iter()
        .any(|service| {
            text("x-tc-version") == service.version()
                && text("authorization") == authorization(&key(), service, text("host"), &body, now)
        })
}

pub(crate) fn response(value: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(serde_json::json!({ "Response": value }))
}

/// The vector was made with the official Python SDK's signing code.
#[test]
fn signs_as_the_official_sdk_does() {
    let body = r#"{"TopicId":"380fe1f1-0c7b-4b0d-aaaa-d514959db1bb","From":1795190400000,"To":1795276800000,"QueryString":"event.type:Warning","QuerySyntax":1,"Limit":100,"Sort":"asc","UseNewAnalysis":true}"#;
    let now = Timestamp::from_second(1_795_348_920).expect("time");
    let header = authorization(&key(), Service::Cls, "cls.tencentcloudapi.com", body, now);
    assert_eq!(
        header,
        "TC3-HMAC-SHA256 Credential=AKIDEXAMPLE/2026-11-22/cls/tc3_request, SignedHeaders=content-type;host, \
         Signature=6a9302d59d2fe95f4a098749dc23c7fba3b135ded54272601b4f942814038d43"
    );
}

#[tokio::test]
async fn each_code_of_the_service_is_its_own_sentence() {
    let cases = [
        ("AuthFailure.SecretIdNotFound", "检查 SecretId"),
        ("AuthFailure.SignatureFailure", "检查 SecretId"),
        ("AuthFailure.SignatureExpire", "时钟"),
        ("AuthFailure.UnauthorizedOperation", "cls:DescribeTopics"),
        ("UnauthorizedOperation", "cls:DescribeTopics"),
        ("ResourceNotFound.TopicNotExist", "地域"),
        ("FailedOperation.TopicIsolated", "欠费"),
        ("FailedOperation.SyntaxError", "FailedOperation.SyntaxError"),
    ];
    for (code, told) in cases {
        let (server, api) = stand_in().await;
        let error = serde_json::json!({"Error": {"Code": code, "Message": "x"}, "RequestId": "r"});
        Mock::given(signed)
            .respond_with(response(&error))
            .expect(1)
            .mount(&server)
            .await;
        let error = api
            .call(Service::Cls, "DescribeTopics", &serde_json::json!({}))
            .await
            .expect_err(code);
        assert!(error.in_words(Lang::Zh).contains(told), "{code}: {error:?}");
        assert!(!error.in_words(Lang::En).contains("AKID"));
    }
}

#[tokio::test]
async fn a_busy_service_is_asked_again_and_a_token_is_sent() {
    let (server, api) = stand_in().await;
    let busy = serde_json::json!({"Error": {"Code": "RequestLimitExceeded", "Message": "x"}});
    Mock::given(signed)
        .respond_with(response(&busy))
        .up_to_n_times(2)
        .mount(&server)
        .await;
    Mock::given(header("x-tc-token", "tok"))
        .respond_with(response(&serde_json::json!({"Topics": []})))
        .mount(&server)
        .await;
    let api = Api {
        credentials: key().with_token(Some("tok".into())),
        ..api
    };
    let answer = api
        .call(Service::Cls, "DescribeTopics", &serde_json::json!({}))
        .await
        .expect("answer");
    assert_eq!(answer, serde_json::json!({"Topics": []}));
}
