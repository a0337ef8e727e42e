//! Stand-ins of TKE and CLS for an account with two clusters.

use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::*;
use crate::{
    intake::tc3::tests::{response, signed, stand_in},
    model::Lang,
};

fn shipper(id: &str, topic: &str, prefix: &str, more: &Value) -> Value {
    let mut shipper = json!({
        "ShipperId": id, "TopicId": topic, "Bucket": "tke-logs-125", "Prefix": prefix, "Partition": "/%Y/%m/%d/%H/", "Status": true,
        "TimeZone": "GMT+08:00", "TaskStatus": 1, "StorageType": "STANDARD", "Compress": {"Format": "gzip"}, "Content": {"Format": "json"},
    });
    for (name, value) in more.as_object().expect("object") {
        shipper[name] = value.clone();
    }
    shipper
}

/// Two clusters: the second collects no audit. Events are shipped, audit of the first is not, business goes to another bucket.
fn account(request: &Request) -> ResponseTemplate {
    let body: Value = serde_json::from_slice(&request.body).expect("json");
    let action = request.headers["x-tc-action"].to_str().expect("text");
    response(&match action {
        "DescribeClusters" => {
            let all = [
                json!({"ClusterId": "cls-1", "ClusterName": "prod"}),
                json!({"ClusterId": "cls-2"}),
            ];
            let offset = usize::try_from(body["Offset"].as_u64().expect("offset")).expect("small");
            json!({"TotalCount": 2, "Clusters": all[offset..=offset]})
        }
        "DescribeLogSwitches" => {
            assert_eq!(body["ClusterIds"], json!(["cls-1", "cls-2"]));
            let on = |topic: &str| json!({"Enable": true, "TopicId": topic, "TopicRegion": "ap-nanjing", "Status": "opened"});
            json!({"SwitchSet": [
                {"ClusterId": "cls-1", "Audit": on("t-audit"), "Event": on("t-event-1"), "Log": {"Enable": true}},
                {"ClusterId": "cls-2", "Audit": {"Enable": false}, "Event": on("t-event-2"), "Log": {"Enable": true}},
            ]})
        }
        "DescribeShippers" => json!({"TotalCount": 4, "Shippers": [
            shipper("s1", "t-event-1", "tke/event", &json!({})),
            shipper("s2", "t-event-2", "tke/event2/", &json!({})),
            shipper("s3", "t-shop", "shop", &json!({"Bucket": "shop-125"})),
            shipper("s4", "t-app", "app", &json!({"Content": {"Format": "parquet"}})),
        ]}),
        other => panic!("{other}"),
    })
}

async fn discovered(only: &[String]) -> Discovery {
    let (server, api) = stand_in().await;
    Mock::given(signed)
        .respond_with(account)
        .mount(&server)
        .await;
    discover(&api, only).await
}

#[tokio::test]
async fn a_key_and_a_region_are_enough() {
    let found = discovered(&[]).await;
    let listed = |kind| {
        found.places.prefixes[&kind]
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(found.places.bucket, "cos://tke-logs-125".parse().ok());
    assert_eq!(
        listed(LogKind::Event),
        ["tke/event/;cluster=cls-1", "tke/event2/;cluster=cls-2"]
    );
    assert_eq!(listed(LogKind::Business), ["cos://shop-125/shop/"]);
    assert_eq!(found.places.partition.as_deref(), Some("%Y/%m/%d/%H/"));
    assert_eq!(
        found.places.topics[&LogKind::Event],
        ["t-event-1;cluster=cls-1", "t-event-2;cluster=cls-2"]
    );
    assert_eq!(found.places.clusters, ["cls-1", "cls-2"]);
    assert!(found.refused.is_empty());
}

#[tokio::test]
async fn what_is_switched_off_is_named() {
    let audit = LogKind::Audit;
    let text = str::to_owned;
    let expected = [
        Gap::NotCollected {
            cluster: text("cls-2"),
            kind: audit,
        },
        Gap::NotShipped {
            kind: audit,
            topic: text("t-audit"),
        },
        Gap::Unreadable {
            kind: LogKind::Business,
            shipper: text("s4"),
            format: text("Parquet"),
        },
    ];
    let gaps = discovered(&[]).await.gaps;
    assert_eq!(gaps, expected);
    assert!(gaps[0].in_words(Lang::Zh).contains("集群审计"));
}

async fn refusing(action: &'static str) -> (MockServer, Api) {
    let (server, api) = stand_in().await;
    let refuse = move |request: &Request| {
        if request.headers["x-tc-action"] == action {
            return response(&json!({"Error": {"Code": "UnauthorizedOperation", "Message": "x"}}));
        }
        account(request)
    };
    Mock::given(signed)
        .respond_with(refuse)
        .mount(&server)
        .await;
    (server, api)
}

#[tokio::test]
async fn a_missing_permission_is_named_and_hides_only_its_own() {
    let (_server, api) = refusing("DescribeClusters").await;
    let known = ["cls-1".to_owned(), "cls-2".to_owned()];
    let found = discover(&api, &known).await;
    assert!(
        found.refused[0]
            .in_words(Lang::Zh)
            .contains("tke:DescribeClusters")
    );
    assert!(
        found.places.has_bucket(),
        "the clusters were named by the operator"
    );

    let (_server, api) = refusing("DescribeShippers").await;
    let found = discover(&api, &[]).await;
    assert!(
        found.refused[0]
            .in_words(Lang::En)
            .contains("cls:DescribeShippers")
    );
    assert_eq!(
        found.places.topics[&LogKind::Audit],
        ["t-audit;cluster=cls-1"]
    );
}

#[tokio::test]
async fn a_key_without_permissions_is_still_a_key() {
    for (code, right) in [
        ("UnauthorizedOperation", true),
        ("AuthFailure.SecretIdNotFound", false),
    ] {
        let (server, api) = stand_in().await;
        let error = json!({"Error": {"Code": code, "Message": "x"}});
        Mock::given(signed)
            .respond_with(response(&error))
            .mount(&server)
            .await;
        assert_eq!(check_key(&api).await.is_ok(), right, "{code}");
    }
}
