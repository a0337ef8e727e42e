//! The only place that knows everything: builds the parts, starts them, stops them in order.
//!
//! In: the configuration. Out: an [`App`] whose parts are wired. Always true: what costs a connection or a lock is built when it is
//! first needed, so `--help` and a wrong configuration touch nothing. Decides nothing about logs.

mod places;

use std::{collections::BTreeMap, sync::Arc};

use secrecy::ExposeSecret as _;
use tokio::sync::Semaphore;

use crate::{
    config::Config,
    diagnosis::faults::{self, Catalogue},
    intake::{
        bucket::{self, Bucket, BucketSpec, CosSpec, Line},
        layout::Partition,
        sign::CloudKey,
        tc3::Api,
    },
    llm::{BadModel, Llm, Purpose, Setup},
    model::{BucketUrl, Day, Lang, LogKind, LogPrefix, OwnerAlias},
    owners::{self, MasterKey, Owners, PlacesIn, Reach},
    round::{
        Round, Workers,
        files::{Mirror, Shelf},
        judge::Judge,
        live::{self, Live},
        source::{Place, Source},
    },
    store::{self, Store},
};

/// Why the parts of an owner cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Owner(#[from] owners::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(
        "no bucket is known for owner `{0}`; set GENGFU_BUCKET=cos://<bucket-appid>, or let `gengfu init` find it"
    )]
    NoBucket(OwnerAlias),
    #[error(
        "no key for the bucket of owner `{0}`; set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY"
    )]
    NoKey(OwnerAlias),
    #[error(
        "no region for the bucket of owner `{0}`; set TENCENTCLOUD_REGION, such as ap-guangzhou"
    )]
    NoRegion(OwnerAlias),
    #[error(
        "the temporary key of owner `{0}` has expired; renew it in .env, or with `gengfu owner rotate {0}`"
    )]
    Expired(OwnerAlias),
    #[error(transparent)]
    Model(#[from] BadModel),
    #[error(transparent)]
    Faults(#[from] faults::Error),
    #[error("cannot open the bucket")]
    Bucket(#[from] bucket::Error),
    /// A whole sentence, in the configured language.
    #[error("{0}")]
    NoPlaces(String),
    #[error("cannot set up connections to Tencent Cloud")]
    Api(#[from] reqwest::Error),
}

impl Error {
    /// What is wrong and what to do, for the operator.
    #[must_use]
    pub fn sentence(&self, lang: Lang) -> String {
        match (self, lang) {
            (Self::Owner(error), _) => error.sentence(lang),
            (Self::Store(error), _) => error.sentence(lang),
            (Self::Model(error), _) => format!("GENGFU_LLM_MODEL: {}", error.sentence(lang)),
            (Self::Bucket(error), _) => error.sentence(lang),
            (Self::NoBucket(owner), Lang::Zh) => format!(
                "不知道主人 {owner} 的日志在哪个桶;请设 GENGFU_BUCKET=cos://<桶名-appid>,或运行 gengfu init 查找"
            ),
            (Self::NoKey(owner), Lang::Zh) => format!(
                "没有主人 {owner} 的密钥,读不了桶;请设 TENCENTCLOUD_SECRET_ID 和 TENCENTCLOUD_SECRET_KEY"
            ),
            (Self::NoRegion(owner), Lang::Zh) => format!(
                "不知道主人 {owner} 的桶在哪个地域;请设 TENCENTCLOUD_REGION,例如 ap-guangzhou"
            ),
            (Self::Expired(owner), Lang::Zh) => format!(
                "主人 {owner} 的临时密钥已经过期;请在 .env 里更新,或运行 gengfu owner rotate {owner}"
            ),
            (Self::NoPlaces(sentence), _) => sentence.clone(),
            (Self::Api(_), Lang::Zh) => {
                "建不起到腾讯云的连接;请检查系统的 TLS 证书和 GENGFU_CLS_ENDPOINT、GENGFU_TKE_ENDPOINT".to_owned()
            }
            (Self::Api(_), Lang::En) => {
                "connections to Tencent Cloud cannot be set up; check the system's TLS roots, GENGFU_CLS_ENDPOINT and GENGFU_TKE_ENDPOINT".to_owned()
            }
            (
                Self::NoBucket(_)
                | Self::NoKey(_)
                | Self::NoRegion(_)
                | Self::Expired(_)
                | Self::Faults(_),
                _,
            ) => self.to_string(),
        }
    }
}

/// The wired parts. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    pub config: Arc<Config>,
    pub owners: Owners,
    catalogue: Arc<Catalogue>,
    llm: Llm,
    embedder: Llm,
    cores: Arc<Semaphore>,
    live: live::Shared,
    /// Shared by all owners' buckets.
    line: Line,
}

/// The owner of a local bucket, unless a command has a better name for it.
pub const LOCAL_OWNER: &str = "default";

impl App {
    /// `keyless` is the owner of a local bucket that needs no key.
    pub fn new(config: Config, keyless: OwnerAlias) -> Result<Self, Error> {
        let owners = owners(&config, keyless)?;
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let llm = model(&config)?;
        let embedder = embedder(&config)?;
        Ok(Self {
            llm,
            embedder,
            config: Arc::new(config),
            owners,
            catalogue: Arc::new(Catalogue::builtin()?),
            cores: Arc::new(Semaphore::new(cores)),
            live: live::Shared::default(),
            line: Line::default(),
        })
    }

    pub fn lang(&self) -> Lang {
        self.config.lang()
    }

    pub fn judge(&self) -> Judge {
        Judge {
            zone: self.config.zone().clone(),
            zone_name: self.config.running.zone.name().to_owned(),
            lang: self.lang(),
            catalogue: self.catalogue.clone(),
            llm: self.llm.clone(),
            embedder: self.embedder.clone(),
            model_time: self.config.models.budget,
            model_tokens: self.config.models.budget_tokens,
            model_price: self.config.models.price.clone(),
        }
    }

    pub fn shelf(&self, owner: &OwnerAlias) -> Shelf {
        Shelf::new(&self.config.running.data_dir, owner)
    }

    /// Opens the owner's data for writing.
    pub fn store(&self, owner: &OwnerAlias) -> Result<Store, Error> {
        Ok(Store::open(&self.config.running.data_dir, owner)?)
    }

    /// Older readers look at one place for whoever is active; nobody else's files go there.
    fn mirror(&self) -> Option<Mirror> {
        let owners = self.owners.clone();
        let folder = self.config.running.publish_dir.clone()?;
        Some(Mirror::new(folder, move |owner| {
            owners.active().is_ok_and(|active| active == *owner)
        }))
    }

    /// For a server's start: where older readers look they find the active owner's days, also when that is another one than before.
    pub fn tidy_mirror(&self, yesterday: Day) -> std::io::Result<()> {
        match (self.mirror(), self.owners.active()) {
            (Some(mirror), Ok(owner)) => self.shelf(&owner).take_over(&mirror, yesterday, None),
            _ => Ok(()),
        }
    }

    /// Where older readers look, they find this owner's days from now on and nobody else's, when the owner is the active one. Of
    /// yesterday, which is being analysed, they are told so.
    pub fn hand_over(&self, owner: &OwnerAlias, yesterday: Day) -> std::io::Result<()> {
        let Some(mirror) = self.mirror() else {
            return Ok(());
        };
        let (name, lang) = (self.called(owner), self.lang());
        let meanwhile = lang.pick(
            format!("{name}的日报正在分析。\n"),
            format!("The report of {name} is being made.\n"),
        );
        self.shelf(owner)
            .take_over(&mirror, yesterday, Some(&meanwhile))
    }

    /// What to call an owner in a sentence; nobody is called by hex digits.
    fn called(&self, owner: &OwnerAlias) -> String {
        if self.owners.is_unnamed(owner) {
            self.lang().pick("新主人", "the new owner").to_owned()
        } else {
            self.owners.name(owner)
        }
    }

    /// Everything a round of this owner needs, over a store that is open already. Finds out where the logs are when nobody said.
    pub async fn round(&self, owner: &OwnerAlias, store: Store) -> Result<Round, Error> {
        let reach = self.owners.reach(owner)?;
        let now_ms = jiff::Timestamp::now().as_millisecond();
        if reach
            .credentials
            .as_ref()
            .is_some_and(|key| key.is_expired(now_ms))
        {
            return Err(Error::Expired(owner.clone()));
        }
        let reach = self.with_places(reach).await?;
        Ok(Round {
            source: source(&reach, &self.config, &self.line)?,
            store,
            shelf: self.shelf(owner),
            judge: self.judge(),
            baseline_days: self.config.logs.baseline_days,
            publish: self.mirror(),
            now_ms,
            cores: self.cores.clone(),
            workers: Workers::default(),
            live: self.live_of(&reach)?,
        })
    }

    /// An owner's door to the API; `None` without key or region.
    pub fn api(&self, owner: &OwnerAlias) -> Result<Option<Api>, Error> {
        let reach = self.owners.reach(owner)?;
        let (Some(key), false) = (reach.credentials, reach.region.is_empty()) else {
            return Ok(None);
        };
        Ok(Some(Api::new(key, &reach.region, &reach.endpoints)?))
    }

    /// Who can be asked for an owner's logs of the last minutes; `None` without key, region or topics.
    pub async fn live(&self, owner: &OwnerAlias) -> Result<Option<Live>, Error> {
        let reach = self.with_places(self.owners.reach(owner)?).await?;
        self.live_of(&reach)
    }

    fn live_of(&self, reach: &Reach) -> Result<Option<Live>, Error> {
        let Some(key) = reach.credentials.clone() else {
            return Ok(None);
        };
        if reach.region.is_empty() || reach.places.topics.is_empty() {
            return Ok(None);
        }
        let api = Api::new(key, &reach.region, &reach.endpoints)?;
        Ok(Live::new(api, &reach.places.topics, self.live.clone()))
    }
}

/// The model that is configured, if one is.
pub fn model(config: &Config) -> Result<Llm, BadModel> {
    let models = &config.models;
    let Some(name) = &models.llm else {
        return Ok(Llm::Off);
    };
    Llm::open(Setup {
        model: name.clone(),
        purpose: Purpose::Chat,
        endpoint: models.llm_endpoint.as_ref().map(ToString::to_string),
        key: models.llm_key.clone(),
        private: models.private,
    })
}

/// The external embedder that is configured, if one is.
pub fn embedder(config: &Config) -> Result<Llm, BadModel> {
    let models = &config.models;
    let Some(name) = &models.embed else {
        return Ok(Llm::Off);
    };
    Llm::open(Setup {
        model: name.clone(),
        purpose: Purpose::Embed,
        endpoint: models.embed_endpoint.as_ref().map(ToString::to_string),
        key: models.embed_key.clone(),
        private: models.private,
    })
}

/// The handle to the owners, as the configuration describes the surroundings. `keyless` is whose a local bucket is.
pub fn owners(config: &Config, keyless: OwnerAlias) -> Result<Owners, owners::Error> {
    let running = &config.running;
    Owners::open(owners::Settings {
        data_dir: running.data_dir.clone(),
        master_key: running
            .master_key
            .as_ref()
            .and_then(|k| MasterKey::from_hex(k.expose_secret())),
        master_key_file: running.master_key_file.clone(),
        keyless,
        key: config.key.clone(),
        key_owner: config.key_owner.clone(),
        region: config.region.clone(),
        places: config.logs.places.clone(),
        places_in: {
            let file = config.env_file.clone();
            PlacesIn::new(move |text| file.places_in(text))
        },
        endpoints: config.logs.endpoints.clone(),
        zone: running.zone.clone(),
    })
}

/// Where the logs of an owner lie.
fn source(reach: &Reach, config: &Config, line: &Line) -> Result<Source, Error> {
    let mut places: BTreeMap<LogKind, Vec<Place>> = BTreeMap::new();
    let clusters = &reach.places.clusters;
    // Where there is one, its name says nothing.
    let cluster = |prefix: &LogPrefix| {
        let named = clusters.iter().find(|id| prefix.prefix.contains(*id));
        let of = prefix.cluster.clone().or(named.cloned());
        of.filter(|_| clusters.len() > 1)
    };
    for kind in LogKind::ALL {
        for prefix in reach.places.prefixes.get(&kind).into_iter().flatten() {
            places.entry(kind).or_default().push(Place {
                bucket: bucket(reach, prefix, line)?,
                prefix: prefix.prefix.clone(),
                partition: partition(reach, prefix, config),
                cluster: cluster(prefix),
                label: prefix
                    .bucket
                    .as_ref()
                    .map(|b| format!("{b}/"))
                    .unwrap_or_default(),
            });
        }
    }
    Ok(Source::new(places))
}

/// How the shipping task behind a prefix names its directories.
pub fn partition(reach: &Reach, prefix: &LogPrefix, config: &Config) -> Partition {
    let zone = reach.places.partition_zone.as_ref();
    let own = prefix.partition.clone();
    Partition {
        template: own
            .or_else(|| reach.places.partition.clone())
            .unwrap_or_default(),
        zone: zone.map_or_else(|| config.zone().clone(), |z| z.time_zone().clone()),
        spill_ms: i64::from(config.logs.spill_hours) * 3_600_000,
    }
}

/// The bucket in which a prefix lies, opened with the owner's key. Asks nothing of it yet.
pub fn bucket(reach: &Reach, prefix: &LogPrefix, line: &Line) -> Result<Bucket, Error> {
    let url = prefix.bucket.as_ref().or(reach.places.bucket.as_ref());
    let spec = match url.ok_or_else(|| Error::NoBucket(reach.alias.clone()))? {
        BucketUrl::Dir { path } => BucketSpec::Folder(path.clone()),
        BucketUrl::Cos { bucket } => {
            let key = reach
                .credentials
                .as_ref()
                .ok_or_else(|| Error::NoKey(reach.alias.clone()))?;
            let endpoint = match &reach.endpoints.cos {
                Some(endpoint) => endpoint.to_string(),
                None if reach.region.is_empty() => {
                    return Err(Error::NoRegion(reach.alias.clone()));
                }
                None => format!("https://cos.{}.myqcloud.com", reach.region),
            };
            BucketSpec::Cos(CosSpec {
                bucket: bucket.clone(),
                endpoint,
                key: CloudKey {
                    id: key.secret_id.clone(),
                    secret: key.secret_key.clone(),
                    token: key.token.clone(),
                },
                line: line.clone(),
            })
        }
    };
    Ok(Bucket::open(spec)?)
}
