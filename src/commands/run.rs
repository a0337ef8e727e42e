//! `gengfu run`: one round now.
//!
//! In: an owner, a day. Out: the broadcast, or the run report as JSON, on stdout; a progress bar on stderr when it is a terminal.

use std::{io::IsTerminal as _, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};

use super::{Failure, Outcome, handover::Server, remark, tell, tell_json};
use crate::{
    alerts::DayAlarms,
    app::{self, App, LOCAL_OWNER},
    config::Config,
    model::{
        Day, Lang, LogKind, OwnerAlias,
        report::{Report, Verdict},
    },
    round::{
        files::{REPORT, SUMMARY, Shelf},
        progress::{Phase, Progress, Snapshot},
        tasks::Work,
    },
    store::{self, Store},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Whose logs; default: whoever the environment or `owner use` names
    #[arg(long, value_name = "ALIAS")]
    pub owner: Option<OwnerAlias>,
    /// Which day; default: yesterday
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub date: Option<Day>,
    /// Print the run report as JSON instead of the broadcast
    #[arg(long)]
    pub json: bool,
}

pub async fn run(args: Args, config: Config) -> Result<Outcome, Failure> {
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let day = day(args.date, &config, now_ms)?;
    let app = App::new(config, LOCAL_OWNER.parse()?)?;
    let owner = app
        .owners
        .choose(args.owner.as_ref())
        .map_err(anyhow::Error::from)?;
    let store = match app.store(&owner) {
        Ok(store) => store,
        Err(app::Error::Store(store::Error::Locked { holder })) => {
            match by_the_server(&app, &owner, day, &holder).await? {
                Some(mut report) => {
                    let store = Store::open_reader(&app.config.running.data_dir, &owner)?;
                    let range = day.range(app.config.zone());
                    DayAlarms::attach(&store, &mut report, &range).await?;
                    tell_of(&report, &args, &app.shelf(&owner), app.lang())?;
                    return Ok(ended(&report));
                }
                // It ended meanwhile, or serves other data: then the lock is free, or says whose it is.
                None => app.store(&owner)?,
            }
        }
        Err(error) => return Err(error.into()),
    };
    let round = app.round(&owner, store).await?;
    let work = Work::alone(Progress::default());
    let bar = draw(&work.progress, app.lang());
    let outcome = Box::pin(round.run(day, &work)).await;
    bar.await;
    let mut report = outcome?;
    let range = day.range(app.config.zone());
    DayAlarms::attach(&round.store, &mut report, &range).await?;
    tell_of(&report, &args, &round.shelf, app.lang())?;
    if nothing_was_there(&report) {
        let places = round.source.looked_at();
        remark(&nothing_there(day, &places, app.lang()));
    } else {
        for kind in LogKind::ALL {
            if report.coverage.get(&kind).is_some_and(|c| !c.shipped) {
                remark(&never_shipped(kind, app.lang()));
            }
        }
    }
    Ok(ended(&report))
}

/// The report of a round that a running server did for us.
async fn by_the_server(
    app: &App,
    owner: &OwnerAlias,
    day: Day,
    holder: &str,
) -> Result<Option<Report>, Failure> {
    let Some(server) = Server::of(&app.config.running.data_dir).await else {
        return Ok(None);
    };
    let waiting = match app.lang() {
        Lang::Zh => format!("{holder} 正在用这份数据,由它来跑这一轮"),
        Lang::En => format!("{holder} holds the data and runs this round"),
    };
    remark(&waiting);
    match server.run(owner, day).await {
        None => Ok(None),
        Some(Err(sentence)) => Err(Failure::Failed(anyhow::anyhow!(sentence))),
        Some(Ok(())) => {
            let text = std::fs::read(app.shelf(owner).path(day, REPORT))?;
            Ok(Some(serde_json::from_slice(&text)?))
        }
    }
}

fn tell_of(report: &Report, args: &Args, shelf: &Shelf, lang: Lang) -> Result<(), Failure> {
    if args.json {
        tell_json(report)?;
        return Ok(());
    }
    tell(&std::fs::read_to_string(shelf.path(report.date, SUMMARY))?)?;
    let said = lang.pick("两个文件", "the two files");
    let files = &report.files;
    tell(&format!(
        "{said}:\n  {}\n  {}",
        files.summary, files.analysis
    ))?;
    Ok(())
}

fn nothing_there(day: Day, places: &[String], lang: Lang) -> String {
    let places = places.join(lang.pick("、", ", "));
    match lang {
        Lang::Zh => format!(
            "{day} 没有任何对象,看过 {places};请核对 GENGFU_BUCKET、GENGFU_BUSINESS_PREFIX、GENGFU_EVENT_PREFIX、GENGFU_AUDIT_PREFIX 和 GENGFU_PARTITION,并确认投递到 COS 的任务开着"
        ),
        Lang::En => format!(
            "there is no object of {day}; looked at {places}; check GENGFU_BUCKET, GENGFU_BUSINESS_PREFIX, GENGFU_EVENT_PREFIX, GENGFU_AUDIT_PREFIX and GENGFU_PARTITION, and that the shipping tasks to COS are on"
        ),
    }
}

fn never_shipped(kind: LogKind, lang: Lang) -> String {
    let variable = format!("GENGFU_{}_PREFIX", kind.as_str().to_uppercase());
    match lang {
        Lang::Zh => format!(
            "没有{}：要么没有投递到 COS，要么 {variable} 不对",
            kind.zh()
        ),
        Lang::En => {
            format!("no {kind} log: either it is not shipped to COS, or {variable} is wrong")
        }
    }
}

fn nothing_was_there(report: &Report) -> bool {
    report.coverage.values().all(|c| c.objects == 0)
}

/// The day asked for, or yesterday. A day that has not begun is a mistake of the caller.
pub(super) fn day(asked: Option<Day>, config: &Config, now_ms: i64) -> Result<Day, Failure> {
    let today = Day::of(now_ms, config.zone());
    let day = asked.unwrap_or_else(|| today.plus(-1));
    if day > today {
        let sentence = match config.lang() {
            Lang::Zh => format!("{day} 还没到,没有日志;今天是 {today},请给今天或更早的日期"),
            Lang::En => format!(
                "{day} has not begun and has no logs; today is {today}, give today or an earlier date"
            ),
        };
        return Err(Failure::Misused(sentence));
    }
    Ok(day)
}

/// What the exit status says of a report.
pub(super) fn ended(report: &Report) -> Outcome {
    let unreadable = report.coverage.values().any(|c| !c.complete);
    let empty = nothing_was_there(report) || report.verdict == Verdict::Unknown;
    if unreadable || empty {
        Outcome::Incomplete
    } else {
        Outcome::Done
    }
}

/// Draws the progress until the round has ended; nothing when stderr is no terminal.
pub(super) fn draw(progress: &Progress, lang: Lang) -> impl Future<Output = ()> + use<> {
    let mut seen = progress.watch();
    let drawing = std::io::stderr().is_terminal().then(|| {
        tokio::spawn(async move {
            let style = "{spinner} {msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
            let bar = ProgressBar::new(0).with_style(
                ProgressStyle::with_template(style)
                    .unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            bar.enable_steady_tick(Duration::from_millis(200));
            loop {
                let now = seen.borrow_and_update().clone();
                bar.set_length(now.bytes.1);
                bar.set_position(now.bytes.0);
                bar.set_message(words(&now, lang));
                if matches!(now.phase, Phase::Done | Phase::Failed) || seen.changed().await.is_err()
                {
                    break;
                }
            }
            bar.finish_and_clear();
        })
    });
    let progress = progress.clone();
    async move {
        if let Some(drawing) = drawing {
            progress.begin(Phase::Done, 0, 0);
            // The bar is for the eye; how its task ended changes nothing.
            let _ = drawing.await;
        }
    }
}

fn words(now: &Snapshot, lang: Lang) -> String {
    let phase = match (now.phase, lang) {
        (Phase::Queued, Lang::Zh) => "排队",
        (Phase::Listing, Lang::Zh) => "列目录",
        (Phase::Events, Lang::Zh) => "读事件日志",
        (Phase::Rest, Lang::Zh) => "读业务和审计日志",
        (Phase::Diagnosing, Lang::Zh) => "诊断",
        (Phase::EarlierDays, Lang::Zh) => "读更早的日子",
        (Phase::Writing, Lang::Zh) => "写文件",
        (Phase::Done | Phase::Failed, Lang::Zh) => "结束",
        (Phase::Queued, Lang::En) => "queued",
        (Phase::Listing, Lang::En) => "listing",
        (Phase::Events, Lang::En) => "events",
        (Phase::Rest, Lang::En) => "business and audit",
        (Phase::Diagnosing, Lang::En) => "diagnosing",
        (Phase::EarlierDays, Lang::En) => "earlier days",
        (Phase::Writing, Lang::En) => "writing",
        (Phase::Done | Phase::Failed, Lang::En) => "done",
    };
    format!("{phase} {}/{}", now.objects.0, now.objects.1)
}
