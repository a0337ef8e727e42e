//! What was asked and found, as lines of a `.env`. Pure.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    config::{Config, variables},
    model::{Credentials, LogKind, Places},
};

/// How the robot reaches us, or we it.
#[derive(Debug, Clone)]
pub(super) enum Robot {
    Local {
        token: String,
    },
    /// `host` with its port, as the robot's server writes it.
    Remote {
        token: String,
        host: String,
    },
    Endpoint {
        url: SecretString,
    },
    None,
}

/// An old token does not belong to a new key.
const OF_THE_KEY: [&str; 1] = ["TENCENTCLOUD_TOKEN"];

#[derive(Debug, Clone)]
pub(super) struct Answers {
    pub(super) key: Credentials,
    pub(super) region: String,
    pub(super) places: Places,
    pub(super) robot: Robot,
    /// Namespaced name and key.
    pub(super) model: Option<(&'static str, SecretString)>,
    pub(super) alert_secret: String,
}

impl Answers {
    /// Every variable that is not left at its default. What the old file set and nobody was asked about stays, the master key above all.
    pub(super) fn variables(
        &self,
        before: &Config,
        file: &BTreeMap<String, String>,
    ) -> Vec<(&'static str, String)> {
        let mut chosen = vec![
            ("TENCENTCLOUD_SECRET_ID", self.key.secret_id.clone()),
            (
                "TENCENTCLOUD_SECRET_KEY",
                self.key.secret_key.expose_secret().to_owned(),
            ),
            ("TENCENTCLOUD_REGION", self.region.clone()),
            ("GENGFU_ALERT_SECRET", self.alert_secret.clone()),
            ("GENGFU_LANG", before.lang().to_string()),
            ("GENGFU_TIMEZONE", before.running.zone.to_string()),
        ];
        // Where the data lies is said by whoever starts the program: a container's folder is none of the machine that wrote the file.
        if file.contains_key("GENGFU_DATA_DIR") {
            let folder = before.running.data_dir.display().to_string();
            chosen.push(("GENGFU_DATA_DIR", folder));
        }
        if let Some(token) = &self.key.token {
            chosen.push(("TENCENTCLOUD_TOKEN", token.expose_secret().to_owned()));
        }
        let endpoints = &before.logs.endpoints;
        for (name, url) in [
            ("GENGFU_COS_ENDPOINT", &endpoints.cos),
            ("GENGFU_CLS_ENDPOINT", &endpoints.cls),
            ("GENGFU_TKE_ENDPOINT", &endpoints.tke),
            ("GENGFU_MONITOR_ENDPOINT", &endpoints.monitor),
        ] {
            chosen.extend(url.as_ref().map(|url| (name, url.to_string())));
        }
        chosen.extend(self.of_places());
        chosen.extend(self.of_robot(before.serving.bind.port()));
        if let Some((name, key)) = &self.model {
            chosen.push(("GENGFU_LLM_MODEL", (*name).to_owned()));
            chosen.push(("GENGFU_LLM_KEY", key.expose_secret().to_owned()));
        }
        for variable in variables::all() {
            let asked = chosen.iter().any(|(name, _)| *name == variable.name)
                || OF_THE_KEY.contains(&variable.name);
            if let Some(value) = file.get(variable.name).filter(|v| !asked && !v.is_empty()) {
                chosen.push((variable.name, value.clone()));
            }
        }
        chosen
    }

    fn of_places(&self) -> Vec<(&'static str, String)> {
        let places = &self.places;
        let mut chosen = Vec::new();
        chosen.extend(
            places
                .bucket
                .as_ref()
                .map(|bucket| ("GENGFU_BUCKET", bucket.to_string())),
        );
        chosen.extend(
            places
                .partition
                .clone()
                .map(|partition| ("GENGFU_PARTITION", partition)),
        );
        chosen.extend(
            places
                .partition_zone
                .as_ref()
                .map(|zone| ("GENGFU_PARTITION_TIMEZONE", zone.to_string())),
        );
        if !places.clusters.is_empty() {
            chosen.push(("GENGFU_CLUSTERS", places.clusters.join(",")));
        }
        for kind in LogKind::ALL {
            let (prefix, topic) = match kind {
                LogKind::Business => ("GENGFU_BUSINESS_PREFIX", "GENGFU_BUSINESS_TOPIC"),
                LogKind::Event => ("GENGFU_EVENT_PREFIX", "GENGFU_EVENT_TOPIC"),
                LogKind::Audit => ("GENGFU_AUDIT_PREFIX", "GENGFU_AUDIT_TOPIC"),
            };
            let prefixes = places
                .prefixes
                .get(&kind)
                .into_iter()
                .flatten()
                .map(ToString::to_string);
            let prefixes = prefixes.collect::<Vec<_>>().join(",");
            let topics = places.topics.get(&kind).map(|topics| topics.join(","));
            chosen.extend(Some((prefix, prefixes)).filter(|(_, list)| !list.is_empty()));
            chosen.extend(topics.map(|topics| (topic, topics)));
        }
        chosen
    }

    fn of_robot(&self, port: u16) -> Vec<(&'static str, String)> {
        match &self.robot {
            Robot::Local { token } => vec![("GENGFU_TOKENS", format!("{token};name=xiaozhi"))],
            Robot::Remote { token, host } => {
                let mut chosen = vec![
                    ("GENGFU_TOKENS", format!("{token};name=xiaozhi")),
                    ("GENGFU_BIND", format!("0.0.0.0:{port}")),
                ];
                if !host.is_empty() {
                    chosen.push(("GENGFU_ALLOWED_HOSTS", host.clone()));
                }
                chosen
            }
            Robot::Endpoint { url } => vec![(
                "GENGFU_XIAOZHI_ENDPOINTS",
                format!("{};name=xiaozhi", url.expose_secret()),
            )],
            Robot::None => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(robot: Robot) -> Answers {
        Answers {
            key: Credentials::new("AKIDx", "it's $ecret").with_token(Some("t".into())),
            region: "ap-nanjing".to_owned(),
            places: Places {
                bucket: "cos://logs-125".parse().ok(),
                prefixes: [(
                    LogKind::Event,
                    vec![
                        "tke/event/".parse().expect("prefix"),
                        "cos://b-125/e/".parse().expect("prefix"),
                    ],
                )]
                .into(),
                partition: Some("%Y/%m/%d/%H/".to_owned()),
                partition_zone: "GMT+08:00".parse().ok(),
                clusters: vec!["cls-1".to_owned(), "cls-2".to_owned()],
                topics: [(LogKind::Audit, vec!["t-1".to_owned()])].into(),
            },
            robot,
            model: Some(("aliyun::qwen-plus", "model-key".into())),
            alert_secret: "alert".to_owned(),
        }
    }

    /// The file as it will be read at the next start.
    fn read_back(robot: Robot) -> Config {
        let before = Config::from_vars(&BTreeMap::new()).expect("defaults");
        let answers = answers(robot);
        let file = [
            ("GENGFU_RETENTION_DAYS", "9"),
            ("TENCENTCLOUD_REGION", "old"),
            ("TENCENTCLOUD_TOKEN", "old"),
        ];
        let file = file.map(|(n, v)| (n.to_owned(), v.to_owned())).into();
        let text = variables::render(&answers.variables(&before, &file));
        let vars = dotenvy::from_read_iter(text.as_bytes()).collect::<Result<BTreeMap<_, _>, _>>();
        Config::from_vars(&vars.expect("readable")).expect("right")
    }

    #[test]
    fn what_is_written_is_a_right_configuration() {
        let token = || "ab".repeat(32);
        for robot in [
            Robot::Local { token: token() },
            Robot::Remote {
                token: token(),
                host: "gengfu:8765".to_owned(),
            },
            Robot::Endpoint {
                url: "wss://api.xiaozhi.me/mcp/?token=a.b-c_d".into(),
            },
            Robot::None,
        ] {
            let config = read_back(robot.clone());
            let wanted = answers(robot);
            assert_eq!(
                (config.running.retention_days, config.region.as_str()),
                (9, "ap-nanjing")
            );
            assert!(config.key.expect("key").is_same_key(&wanted.key));
            assert_eq!(config.logs.places.bucket, wanted.places.bucket);
            assert_eq!(
                config.logs.places.prefixes[&LogKind::Event],
                wanted.places.prefixes[&LogKind::Event]
            );
            assert_eq!(config.logs.places.topics, wanted.places.topics);
            assert_eq!(config.models.llm.as_deref(), Some("aliyun::qwen-plus"));
        }
    }

    #[test]
    fn a_robot_elsewhere_needs_an_open_door_with_a_token() {
        let config = read_back(Robot::Remote {
            token: "abc".to_owned(),
            host: "gengfu:8765".to_owned(),
        });
        assert!(!config.serving.bind.ip().is_loopback());
        assert_eq!(config.serving.tokens[0].name, "xiaozhi");
        assert_eq!(config.serving.allowed_hosts, ["gengfu:8765"]);
    }
}
