//! One call of a tool: what it may look at, and the questions that every tool asks first.
//!
//! In: where the call comes from. Out: a [`Call`] with the owner's store opened and what was told last. Always true: everything a tool
//! reads goes through the owner that was found here. Answers nothing itself.

use std::sync::Arc;

use super::{
    Desk, Origin,
    about::greeting,
    args::{Complaint, Text, date},
    pick::{self, Heard},
    trouble::Trouble,
    whose::whose,
};
use crate::{
    model::{
        Day, DayRange, EvidenceId, Lang, Moment, OwnerAlias,
        report::{Incident, Report},
    },
    store::{self, Store},
    voice::{Ask, Detail},
};

/// What was told this long ago is no longer what "it" means to another session of the same token.
const REMEMBERED_MS: i64 = 30 * 60 * 1000;

/// See the module's head.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) desk: Arc<Desk>,
    pub(super) origin: Origin,
    pub(super) now: Moment,
    pub(super) owner: OwnerAlias,
    pub(super) store: Store,
    pub(super) heard: Option<store::Told>,
    /// The last answer here was about somebody else.
    pub(super) new_here: bool,
}

impl Call {
    /// Finds the owner and opens what belongs to it.
    pub(super) async fn open(desk: Arc<Desk>, origin: Origin) -> Result<Self, Trouble> {
        let whose = whose(&desk.owners, &origin, desk.clock.now_ms())?;
        let owner = whose.owner;
        let store = desk.stores.of(&owner).await?;
        let now = desk.now();
        let mut heard = store.told(scope(&origin)).await?;
        if heard.is_none() {
            // A robot opens a session for each conversation; what was told a moment ago is still meant.
            let before = store.told(origin.caller.name.to_string()).await?;
            heard = before.filter(|told| now.ms - told.at_ms < REMEMBERED_MS);
        }
        if let Some(told) = heard {
            heard = Some(in_newest(&store, told).await?);
        }
        Ok(Self {
            desk,
            origin,
            now,
            owner,
            store,
            heard,
            new_here: whose.new_here,
        })
    }

    pub(super) fn lang(&self) -> Lang {
        self.desk.lang
    }

    pub(super) fn today(&self) -> Day {
        self.desk.today()
    }

    pub(super) fn range(&self, day: Day) -> DayRange {
        day.range(&self.desk.zone)
    }

    /// The length wanted: the argument, else what the token says.
    pub(super) fn detail(&self, said: &Text) -> Result<Detail, Complaint> {
        let asked = said.parse("detail", " brief、normal 或 full", "brief, normal or full")?;
        Ok(asked.unwrap_or(self.origin.caller.detail))
    }

    pub(super) fn ask(&self, detail: Detail) -> Ask {
        Ask {
            reserved: greeting(self).map_or(0, |words| words.chars().count()),
            ..Ask::new(self.now, self.lang()).detail(detail)
        }
    }

    /// The day that was said, else the day told last, else yesterday.
    pub(super) fn day_or_told(&self, said: &Text) -> Result<Day, Trouble> {
        let told = self.heard.as_ref().map(|h| h.day);
        Ok(self
            .said_day(said)?
            .or(told)
            .unwrap_or_else(|| self.today().plus(-1)))
    }

    /// The day that was said, else yesterday.
    pub(super) fn day(&self, said: &Text) -> Result<Day, Trouble> {
        Ok(self
            .said_day(said)?
            .unwrap_or_else(|| self.today().plus(-1)))
    }

    fn said_day(&self, said: &Text) -> Result<Option<Day>, Trouble> {
        let Some(text) = said.get() else {
            return Ok(None);
        };
        date::day(text, self.today()).map_err(|unfit| match unfit {
            date::Unfit::Future(day) => Trouble::Future(day),
            date::Unfit::Unclear => Trouble::Argument(Complaint::new(
                "date",
                text,
                "昨天、前天、上周五、8月7日 或 2026-11-21 这样的日期",
                "a date such as yesterday, last friday or 2026-11-21",
            )),
        })
    }

    /// The newest revision of a day's report.
    pub(super) async fn report(&self, day: Day) -> Result<Report, Trouble> {
        self.store.report(day).await?.ok_or(Trouble::NeverRun(day))
    }

    /// The same after the bucket was asked: no report means that there is nothing to report on.
    pub(super) async fn caused(&self, day: Day) -> Result<Report, Trouble> {
        self.store
            .report(day)
            .await?
            .ok_or(if self.store.is_writer() {
                Trouble::NoLogs(day)
            } else {
                Trouble::NeverRun(day)
            })
    }

    /// The incident that was said; nothing said means the one told last, if it was of this day.
    pub(super) fn incident<'r>(
        &self,
        said: &Text,
        report: &'r Report,
    ) -> Result<&'r Incident, Trouble> {
        let heard = self.heard.as_ref().filter(|h| h.day == report.date);
        let heard = heard.map_or_else(Heard::default, |h| Heard {
            incident: &h.incident,
            listed: &h.listed,
        });
        pick::incident(said.get(), report, heard)
    }

    /// The change behind the incident told last, if that was of this day.
    pub(super) async fn change_told(&self, day: Day) -> Result<Option<EvidenceId>, Trouble> {
        let Some(heard) = self.heard.as_ref().filter(|h| h.day == day) else {
            return Ok(None);
        };
        let report = self.store.report(day).await?;
        let incidents = report.into_iter().flat_map(|r| r.incidents);
        let mut told = incidents.filter(|i| i.id == heard.incident);
        Ok(told.find_map(|i| i.change).map(|c| c.evidence))
    }

    /// Notes what "it" and "the second one" mean from now on. A failure costs the memory, not the answer.
    pub(super) async fn told(&self, report: &Report, incidents: &[String], part: u8) {
        let listed = match (&self.heard, incidents) {
            // One incident out of a list that was told: the list stays what people count in.
            (Some(heard), [one]) if heard.day == report.date && heard.listed.contains(one) => {
                heard.listed.clone()
            }
            _ => incidents.to_vec(),
        };
        let told = store::Told {
            day: report.date,
            incident: incidents.first().cloned().unwrap_or_default(),
            listed,
            part,
            revision: report.revision,
            at_ms: self.now.ms,
        };
        let mut scopes = vec![scope(&self.origin)];
        if self.origin.device.is_none() && self.origin.session.is_some() {
            scopes.push(self.origin.caller.name.to_string());
        }
        for scope in scopes {
            if let Err(error) = self.store.put_told(scope, told.clone()).await {
                tracing::debug!(%error, "could not note what was told");
            }
        }
    }
}

/// What was told, by the numbers of the newest revision: a later look at a day may count its problems in another order. One that is no
/// problem any more is nothing that "it" could mean.
async fn in_newest(store: &Store, told: store::Told) -> Result<store::Told, store::Error> {
    let newest = store.newest_revision(told.day).await?;
    if told.incident.is_empty() && told.listed.is_empty() || told.revision == newest {
        return Ok(told);
    }
    let then = store.revision(told.day, told.revision).await?;
    let (Some(then), Some(now)) = (then, store.report(told.day).await?) else {
        return Ok(told);
    };
    let renamed = |id: &String| {
        let same = then.incidents.iter().find(|i| i.id == *id)?;
        let mut now = now.incidents.iter();
        Some(now.find(|i| i.identity == same.identity)?.id.clone())
    };
    Ok(store::Told {
        incident: renamed(&told.incident).unwrap_or_default(),
        listed: told.listed.iter().filter_map(renamed).collect(),
        revision: newest,
        ..told
    })
}

/// Whom "it" belongs to: the robot, else the session, else the token.
#[must_use]
pub fn scope(origin: &Origin) -> String {
    let name = &origin.caller.name;
    match (&origin.device, &origin.session) {
        // A MAC address is written in either case.
        (Some(device), _) => format!("{name}\u{1f}device\u{1f}{}", device.to_lowercase()),
        (None, Some(session)) => format!("{name}\u{1f}session\u{1f}{session}"),
        (None, None) => name.to_string(),
    }
}
