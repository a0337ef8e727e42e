//! A stored day, opened for reading beside whoever writes it: what `trace`, `search` and `report` start from.

use jiff::tz::TimeZone;

use super::{Failure, run};
use crate::{
    app::{App, LOCAL_OWNER},
    config::Config,
    model::{Day, Lang, OwnerAlias, report::Report},
    store::Store,
};

#[derive(Debug)]
pub(super) struct Stored {
    pub app: App,
    pub store: Store,
    pub day: Day,
    pub lang: Lang,
    pub zone: TimeZone,
}

impl Stored {
    pub(super) async fn open(
        config: Config,
        owner: Option<&OwnerAlias>,
        day: Option<Day>,
    ) -> Result<Self, Failure> {
        let now_ms = jiff::Timestamp::now().as_millisecond();
        let day = run::day(day, &config, now_ms)?;
        let (lang, zone) = (config.lang(), config.zone().clone());
        let data_dir = config.running.data_dir.clone();
        let app = App::new(config, LOCAL_OWNER.parse()?)?;
        let owner = app.owners.choose(owner)?;
        let store =
            tokio::task::spawn_blocking(move || Store::open_reader(&data_dir, &owner)).await??;
        Ok(Self {
            app,
            store,
            day,
            lang,
            zone,
        })
    }

    /// The newest report of the day; a day that was never run is a failure that says what to do.
    pub(super) async fn report(&self) -> Result<Report, Failure> {
        self.store.report(self.day).await?.ok_or_else(|| {
            let day = self.day;
            Failure::Failed(anyhow::anyhow!(self.lang.pick(
                format!("{day} 还没有分析过,先运行 gengfu run --date {day}"),
                format!("{day} was never analysed; run `gengfu run --date {day}` first"),
            )))
        })
    }
}
