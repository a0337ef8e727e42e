//! Where the logs of an owner lie who is known by a key alone.
//!
//! In: an owner's [`Reach`]. Out: the same with places to read from, or why there are none, in the words of the configured language.
//! Always true: places that somebody configured are taken as they are and nothing is asked; what was found is remembered, so that it
//! is asked once.

use super::{App, Error};
use crate::{
    intake::{
        discover::{Discovery, discover},
        tc3::Api,
    },
    model::Lang,
    owners::Reach,
};

impl App {
    pub(super) async fn with_places(&self, mut reach: Reach) -> Result<Reach, Error> {
        if reach.places.has_bucket() || reach.region.is_empty() {
            return Ok(reach);
        }
        let Some(key) = reach.credentials.clone() else {
            return Ok(reach);
        };
        let api = Api::new(key, &reach.region, &reach.endpoints)?;
        let found = discover(&api, &reach.places.clusters).await;
        if !found.places.has_bucket() {
            let name = self.called(&reach.alias);
            return Err(Error::NoPlaces(why(&reach, &name, &found, self.lang())));
        }
        tracing::info!(owner = %reach.alias, clusters = found.clusters.len(), "found where an owner's logs are");
        self.owners.remember_places(&reach.alias, &found.places)?;
        reach.places = found.places.or(&reach.places);
        Ok(reach)
    }
}

/// Three sentences: that there is no bucket, which is for the ear; what was missing; how to say it by hand.
fn why(reach: &Reach, name: &str, found: &Discovery, lang: Lang) -> String {
    let refused = found.refused.iter().map(|e| e.in_words(lang));
    let mut reasons: Vec<String> = refused
        .chain(found.gaps.iter().map(|g| g.in_words(lang)))
        .collect();
    if reasons.is_empty() {
        reasons.push(lang.pick(
            format!("地域 {} 里没有投递到 COS 的日志", reach.region),
            format!("nothing is shipped to COS in {}", reach.region),
        ));
    }
    // Two clusters without the same permission say the same.
    reasons.dedup();
    let alias = &reach.alias;
    lang.pick(
        format!(
            "没有找到{name}的日志桶。{}。知道桶名的话，执行 gengfu owner set {alias} --bucket cos://<桶名-appid>。",
            reasons.join("；")
        ),
        format!(
            "no bucket was found for {name}. {}. If you know it, run gengfu owner set {alias} --bucket cos://<bucket-appid>.",
            reasons.join("; ")
        ),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};
    use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

    use super::*;
    use crate::{
        config::Config,
        model::{Credentials, LogKind, OwnerAlias},
    };

    /// An account with one cluster whose three kinds are shipped to one bucket; `refused` is an action its key may not use.
    fn account(request: &Request, refused: &str) -> ResponseTemplate {
        let action = request.headers["x-tc-action"].to_str().expect("text");
        let on = |topic: &str| json!({"Enable": true, "TopicId": topic, "TopicRegion": "ap-nanjing", "Status": "opened"});
        let shipper = |topic: &str| {
            json!({"ShipperId": topic, "TopicId": topic, "Bucket": "tke-logs-125", "Prefix": topic, "Partition": "/%Y/%m/%d/%H/",
                "Status": true, "TimeZone": "GMT+08:00", "TaskStatus": 1, "StorageType": "STANDARD", "Compress": {"Format": "gzip"},
                "Content": {"Format": "json"}})
        };
        let answer: Value = match action {
            a if a == refused => {
                json!({"Error": {"Code": "AuthFailure.UnauthorizedOperation", "Message": "no"}})
            }
            "DescribeClusters" => {
                json!({"TotalCount": 1, "Clusters": [{"ClusterId": "cls-1", "ClusterName": "prod"}]})
            }
            "DescribeLogSwitches" => json!({"SwitchSet": [
                {"ClusterId": "cls-1", "Audit": on("audits"), "Event": on("events"), "Log": {"Enable": true}}]}),
            "DescribeShippers" => {
                json!({"TotalCount": 3, "Shippers": [shipper("audits"), shipper("events"), shipper("shop")]})
            }
            other => panic!("{other}"),
        };
        ResponseTemplate::new(200).set_body_json(json!({ "Response": answer }))
    }

    async fn app(refused: &'static str) -> (MockServer, tempfile::TempDir, App) {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let server = MockServer::start().await;
        Mock::given(any())
            .respond_with(move |r: &Request| account(r, refused))
            .mount(&server)
            .await;
        let dir = tempfile::tempdir().expect("dir");
        let data = dir.path().display().to_string();
        let vars = [
            ("TENCENTCLOUD_REGION", "ap-nanjing"),
            ("GENGFU_CLS_ENDPOINT", &server.uri()),
            ("GENGFU_TKE_ENDPOINT", &server.uri()),
            ("GENGFU_DATA_DIR", &data),
        ];
        let vars: BTreeMap<_, _> = vars.map(|(n, v)| (n.to_owned(), v.to_owned())).into();
        let config = Config::from_vars(&vars).expect("config");
        let app = App::new(config, "default".parse().expect("alias")).expect("app");
        (server, dir, app)
    }

    /// What a rewritten `.env` makes of a key that nobody knows.
    fn stranger(app: &App) -> OwnerAlias {
        let key = Credentials::new("AKIDstranger", "secret");
        let change = app.owners.environment_changed(&key, 0).expect("change");
        assert!(change.is_new);
        change.owner
    }

    #[tokio::test]
    async fn a_stranger_s_places_are_found_once_and_remembered() {
        let (server, _dir, app) = app("").await;
        let owner = stranger(&app);
        let reach = || app.owners.reach(&owner).expect("reach");
        assert!(!reach().places.has_bucket());
        let found = app.with_places(reach()).await.expect("places").places;
        assert_eq!(found.bucket, "cos://tke-logs-125".parse().ok());
        assert_eq!(found.prefixes[&LogKind::Event][0].prefix, "events/");
        assert_eq!(reach().places.prefixes, found.prefixes);

        let asked = server.received_requests().await.map(|r| r.len());
        app.with_places(reach()).await.expect("places");
        assert_eq!(server.received_requests().await.map(|r| r.len()), asked);
    }

    #[tokio::test]
    async fn the_missing_permission_and_the_way_around_it_are_named() {
        let (_server, _dir, app) = app("DescribeShippers").await;
        let owner = stranger(&app);
        let reach = app.owners.reach(&owner).expect("reach");
        let error = app.with_places(reach).await.expect_err("no places");
        let said = error.to_string();
        assert!(said.starts_with("没有找到新主人的日志桶。"), "{said}");
        assert!(said.contains("cls:DescribeShippers"), "{said}");

        // What it says can be done as it stands.
        let command = &said[said.find("gengfu owner set").expect("a command")..];
        let command = command
            .trim_end_matches('。')
            .replace("<桶名-appid>", "known-125");
        let words: Vec<_> = command.split_whitespace().collect();
        let ["gengfu", "owner", "set", alias, "--bucket", bucket] = words[..] else {
            panic!("{command}");
        };
        let about = crate::owners::Owner {
            places: crate::model::Places {
                bucket: bucket.parse().ok(),
                ..Default::default()
            },
            ..Default::default()
        };
        let alias = alias.parse().expect("alias");
        app.owners
            .set(&alias, about, None, crate::owners::Gone::default())
            .expect("set");
        let reach = app.owners.reach(&owner).expect("reach");
        assert_eq!(reach.places.bucket, "cos://known-125".parse().ok());
        assert!(app.with_places(reach).await.is_ok(), "nothing is asked");
    }
}
