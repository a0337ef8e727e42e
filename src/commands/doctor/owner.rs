//! What belongs to each owner: the key, the bucket, the clock as the cloud sees it, the database.

use std::time::Duration;

use jiff::Timestamp;

use super::Check;
use crate::{
    alerts::poll,
    app,
    config::Config,
    intake::{
        bucket::Line,
        discover,
        layout::Search,
        tc3::{self, Api},
    },
    model::{Day, Lang, LogKind, OwnerAlias},
    owners::{self, Owners, Reach, vault},
    store::{self, Store},
};

/// Signatures hold five minutes (API 3.0); a minute is told before it matters.
const MOST_SKEW_S: i64 = 60;

pub(super) async fn checks(owners: &Owners, config: &Config) -> Vec<Check> {
    let lang = config.lang();
    let all = match owners.all() {
        Ok(all) if all.is_empty() => {
            let found = lang.pick("还没有主人", "no owner yet");
            let todo = lang.pick(
                "运行 gengfu init，或 gengfu owner add",
                "run gengfu init, or gengfu owner add",
            );
            return vec![Check::problem("owners", found, todo)];
        }
        Ok(all) => all,
        Err(error) => {
            return vec![Check::problem(
                "owners",
                error.sentence(lang),
                lang.pick("按上面的说明处理", "do as it says"),
            )];
        }
    };
    let mut checks = Vec::new();
    let mut clock = None;
    for alias in all {
        let reach = match owners.reach(&alias) {
            Ok(reach) => reach,
            Err(error) => {
                let of_all = matches!(&error, owners::Error::Vault(e) if !matches!(e, vault::Error::Tampered(_)));
                let todo = if of_all {
                    lang.pick("按上面的说明处理", "do as it says").to_owned()
                } else {
                    format!("gengfu owner rotate {alias}")
                };
                let found = error.sentence(lang);
                // A lost master key is lost to all owners alike, and told once.
                if !checks.iter().any(|c: &Check| c.found == found) {
                    checks.push(Check::problem("key", found, todo));
                }
                continue;
            }
        };
        checks.push(key(&reach, lang).await);
        if config.serving.polling.history && reach.credentials.is_some() {
            checks.push(alarms(&reach, lang).await);
        }
        if clock.is_none() && reach.credentials.is_some() {
            clock = Some(skew(&reach, lang).await);
        }
        checks.extend(bucket(&reach, config).await);
        checks.push(database(config, &alias));
    }
    checks.extend(clock);
    checks
}

/// One cheap call, which even a key without any permission may make.
async fn key(reach: &Reach, lang: Lang) -> Check {
    let name = "key";
    let alias = &reach.alias;
    let Some(credentials) = &reach.credentials else {
        return Check::off(
            name,
            format!(
                "{alias}: {}",
                lang.pick("本地目录，不需要密钥", "a local folder needs none")
            ),
        );
    };
    if credentials.is_expired(Timestamp::now().as_millisecond()) {
        let error = tc3::Error::TokenExpired.in_words(lang);
        return Check::problem(name, alias.to_string(), error);
    }
    let api = match Api::new(credentials.clone(), &reach.region, &reach.endpoints) {
        Ok(api) => api,
        Err(error) => {
            return Check::problem(
                name,
                error.to_string(),
                lang.pick("检查系统的 TLS 证书", "check the system's TLS roots"),
            );
        }
    };
    match discover::check_key(&api).await {
        Ok(()) => Check::ok(name, format!("{alias}: {}", lang.pick("有效", "accepted"))),
        Err(error) => Check::problem(name, alias.to_string(), error.in_words(lang)),
    }
}

/// Alarms that nobody can push here are fetched each minute, which is a permission of its own.
async fn alarms(reach: &Reach, lang: Lang) -> Check {
    let (name, alias) = ("alarms", &reach.alias);
    let Some(credentials) = reach
        .credentials
        .clone()
        .filter(|_| !reach.region.is_empty())
    else {
        let found = lang.pick("没有地域，不去取告警", "no region, so none are fetched");
        return Check::off(name, format!("{alias}: {found}"));
    };
    let now_ms = Timestamp::now().as_millisecond();
    let asked = match Api::new(credentials, &reach.region, &reach.endpoints) {
        Ok(api) => poll::may_be_fetched(&api, now_ms).await,
        // Said of the key.
        Err(_) => return Check::off(name, alias.to_string()),
    };
    match asked {
        Ok(()) => {
            let found = lang.pick("每分钟去取", "fetched each minute");
            Check::ok(name, format!("{alias}: {found}"))
        }
        Err(error) => {
            let or = lang.pick(
                "；或设 GENGFU_PUBLIC_URL 让告警推进来，或 GENGFU_ALARM_POLL=off",
                "; or set GENGFU_PUBLIC_URL so that alarms are pushed, or GENGFU_ALARM_POLL=off",
            );
            Check::problem(name, alias.to_string(), error.in_words(lang) + or)
        }
    }
}

/// How far this machine's clock is from the cloud's, by the `Date` of an answer.
async fn skew(reach: &Reach, lang: Lang) -> Check {
    let name = "clock";
    let url = reach
        .endpoints
        .cls
        .as_ref()
        .or(reach.endpoints.cos.as_ref());
    let url = url.map_or(
        "https://cls.tencentcloudapi.com/".to_owned(),
        ToString::to_string,
    );
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(5))
        .no_proxy()
        .build();
    let answer = match client {
        Ok(client) => client.get(url).send().await.ok(),
        Err(_) => None,
    };
    let Some(server_s) = answer.and_then(|a| tc3::date_of(a.headers())) else {
        return Check::off(
            name,
            lang.pick("没有问到云上的时间", "the cloud's time could not be asked"),
        );
    };
    let skew_s = Timestamp::now().as_second() - server_s;
    if skew_s.abs() <= MOST_SKEW_S {
        return Check::ok(
            name,
            lang.pick(format!("相差 {skew_s} 秒"), format!("{skew_s} s apart")),
        );
    }
    let error = tc3::Error::Clock { skew_s };
    Check::problem(name, error.to_string(), error.in_words(lang))
}

/// Lists yesterday of every kind. A kind without objects is told, but may simply be quiet.
async fn bucket(reach: &Reach, config: &Config) -> Vec<Check> {
    let (name, lang) = ("bucket", config.lang());
    if !reach.places.has_bucket() {
        let todo = lang.pick(
            "运行 gengfu init 查找，或设 GENGFU_BUCKET",
            "let gengfu init find it, or set GENGFU_BUCKET",
        );
        return vec![Check::problem(
            name,
            format!(
                "{}: {}",
                reach.alias,
                lang.pick("不知道桶在哪里", "no bucket is known")
            ),
            todo,
        )];
    }
    let yesterday = Day::of(Timestamp::now().as_millisecond(), config.zone()).plus(-1);
    let mut checks = Vec::new();
    for kind in LogKind::ALL {
        match size_of_day(reach, config, kind, yesterday).await {
            Ok((0, _)) => {
                let found = format!(
                    "{} {kind}: {}",
                    reach.alias,
                    lang.pick("昨天没有对象", "no objects of yesterday")
                );
                checks.push(Check::off(name, found));
            }
            Ok((objects, bytes)) => {
                // Megabytes, rounded up: what matters is the order of magnitude.
                let megabytes = bytes.div_ceil(1_000_000);
                checks.push(Check::ok(
                    name,
                    format!("{} {kind}: {objects} ({megabytes} MB)", reach.alias),
                ));
            }
            Err(error) => checks.push(Check::problem(
                name,
                format!("{} {kind}", reach.alias),
                error,
            )),
        }
    }
    checks
}

/// Objects and bytes that hold a day of a kind, or the sentence that says why that cannot be known.
pub(in crate::commands) async fn size_of_day(
    reach: &Reach,
    config: &Config,
    kind: LogKind,
    day: Day,
) -> Result<(usize, u64), String> {
    let range = day.range(config.zone());
    let (mut objects, mut bytes) = (0, 0);
    let line = Line::default();
    for prefix in reach.places.prefixes.get(&kind).into_iter().flatten() {
        let bucket = app::bucket(reach, prefix, &line).map_err(|e| e.sentence(config.lang()))?;
        let partition = app::partition(reach, prefix, config);
        let search = Search::new(&prefix.prefix, &partition, &range);
        for folder in &search.prefixes {
            let listed = bucket
                .list(folder)
                .await
                .map_err(|e| e.sentence(config.lang()))?;
            for object in listed
                .iter()
                .filter(|o| search.may_hold(&o.key, o.modified_ms))
            {
                objects += 1;
                bytes += object.size;
            }
        }
    }
    Ok((objects, bytes))
}

fn database(config: &Config, alias: &OwnerAlias) -> Check {
    let (name, lang) = ("database", config.lang());
    match Store::open_reader(&config.running.data_dir, alias) {
        Ok(_) => Check::ok(name, alias.to_string()),
        Err(store::Error::NoData(_)) => Check::off(
            name,
            format!("{alias}: {}", lang.pick("还没有数据", "no data yet")),
        ),
        Err(error) => Check::problem(
            name,
            format!("{alias}: {error}"),
            lang.pick(
                "从备份恢复，或移走这个主人的目录后重新运行",
                "restore a backup, or move this owner's folder away and run again",
            ),
        ),
    }
}
