//! Stand-ins of the chat services: form, signature and number of a message.

use proptest::prelude::*;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{method, path},
};

use super::*;

const NOW: i64 = 1_795_309_930_000;

async fn sent(
    way: &str,
    secret: Option<&str>,
    answer: Value,
) -> (Result<String, Error>, Url, Value) {
    let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path(way.split('?').next().unwrap_or_default()))
        .respond_with(ResponseTemplate::new(200).set_body_json(answer))
        .mount(&server)
        .await;
    let robot = Robot {
        url: SecretString::from(format!("{}{way}", server.uri())),
        secret: secret.map(SecretString::from),
        owner: None,
    };
    let http = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("client");
    let chats = Chats::new(http, vec![robot], Lang::Zh);
    let result = chats
        .send(
            &"demo".parse().expect("alias"),
            "**磁盘满了**\n`df -h`",
            NOW,
        )
        .await;
    let request = server
        .received_requests()
        .await
        .expect("recorded")
        .remove(0);
    (
        result,
        request.url.clone(),
        request.body_json().expect("json"),
    )
}

#[tokio::test]
async fn each_service_gets_its_own_form_and_the_message_a_number() {
    let (number, _, body) = sent(
        "/cgi-bin/webhook/send?key=k",
        None,
        json!({ "errcode": 0, "errmsg": "ok" }),
    )
    .await;
    let number = number.expect("sent");
    assert_eq!(number.len(), 3);
    let content = body["markdown_v2"]["content"].as_str().expect("content");
    assert!(
        content.contains(&format!("更夫消息 {number}")) && content.ends_with("`df -h`"),
        "{content}"
    );

    let (done, _, body) = sent("/robot/send?access_token=t", None, json!({ "errcode": 0 })).await;
    done.expect("sent");
    assert!(
        body["markdown"]["text"]
            .as_str()
            .is_some_and(|t| t.contains("磁盘满了"))
    );

    let (done, _, body) = sent(
        "/open-apis/bot/v2/hook/h",
        None,
        json!({ "code": 0, "msg": "success" }),
    )
    .await;
    done.expect("sent");
    assert_eq!(
        body["card"]["elements"][0]["content"],
        "**磁盘满了**\n`df -h`"
    );
    assert!(body.get("sign").is_none());
}

#[tokio::test]
async fn signatures_are_those_of_the_services() {
    // Computed with Python: base64(hmac_sha256(key, message)).
    let (_, url, _) = sent(
        "/robot/send?access_token=t",
        Some("SECabc"),
        json!({ "errcode": 0 }),
    )
    .await;
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    assert_eq!(
        pairs[1],
        ("timestamp".to_owned(), "1795309930000".to_owned())
    );
    assert_eq!(pairs[2].1, "FTiGd3MgLgsTGI6i4Sn1TsXPGMXoG3DRkesJ8iv1W+4=");
    let (_, _, body) = sent(
        "/open-apis/bot/v2/hook/h",
        Some("SECabc"),
        json!({ "code": 0 }),
    )
    .await;
    assert_eq!(
        (body["timestamp"].as_str(), body["sign"].as_str()),
        (
            Some("1795309930"),
            Some("qXWpeAHMDdBlXnq2bcSUehyqF5nNG+2D2NGVTbsJ8+4=")
        )
    );
}

#[tokio::test]
async fn a_refusal_is_told_without_the_address() {
    let (refused, ..) = sent(
        "/cgi-bin/webhook/send?key=topsecret",
        None,
        json!({ "errcode": 93000, "errmsg": "invalid webhook url" }),
    )
    .await;
    let error = refused.expect_err("refused");
    assert!(
        matches!(error, Error::Refused { code: 93000, .. }),
        "{error}"
    );
    let http = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("client");
    let robot = Robot {
        url: SecretString::from("http://127.0.0.1:1/robot/send?access_token=topsecret"),
        secret: None,
        owner: None,
    };
    let chats = Chats::new(http, vec![robot], Lang::En);
    let error = chats
        .send(&"demo".parse().expect("alias"), "x", NOW)
        .await
        .expect_err("nobody there");
    let shown = format!("{error:?}");
    assert!(!shown.contains("topsecret"), "{shown}");
}

#[tokio::test]
async fn each_owner_has_its_own_group_and_strangers_have_none() {
    let http = reqwest::Client::new();
    let robot = |owner: Option<&str>| Robot {
        url: SecretString::from("http://127.0.0.1:1/robot/send"),
        secret: None,
        owner: owner.map(|o| o.parse().expect("alias")),
    };
    let owner = |name: &str| name.parse::<OwnerAlias>().expect("alias");
    let own = Chats::new(http.clone(), vec![robot(Some("a"))], Lang::Zh);
    assert!(own.reaches(&owner("a")) && !own.reaches(&owner("b")));
    assert!(matches!(
        own.send(&owner("b"), "x", NOW).await,
        Err(Error::NoRobot)
    ));
    let both = Chats::new(http, vec![robot(None), robot(Some("a"))], Lang::Zh);
    assert!(both.reaches(&owner("b")));
    assert_eq!(
        both.robot(&owner("a")).and_then(|r| r.owner.clone()),
        Some(owner("a"))
    );
}

proptest! {
    #[test]
    fn no_line_is_lost_between_parts(lines in prop::collection::vec("[a-z磁盘 ]{0,30}", 0..20), room in 40_usize..200) {
        let text = lines.join("\n");
        let parts = parts(&text, room);
        prop_assert!(parts.iter().all(|p| p.len() <= room + "\n…".len()));
        if parts.len() < MOST_PARTS {
            let back: Vec<&str> = parts.iter().flat_map(|p| p.lines()).filter(|l| !l.is_empty()).collect();
            let there: Vec<&str> = text.lines().filter(|l| !l.is_empty()).collect();
            prop_assert_eq!(back.concat(), there.concat());
        }
    }
}
