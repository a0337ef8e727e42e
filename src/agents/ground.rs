//! What the records and findings of one claim show, ready to be looked up.
//!
//! In: a claim and the [`Facts`]. Out: whether a number, word, date or quotation occurs there. The cited records word by word; of the
//! cited findings only what a recount gives: object, cause, count, usual count, first and last time, and how many they are; of their
//! incidents how they stand; the change whose audit record is cited. Titles count for nothing: they are sentences themselves.
//! Numbers also as ratios, spans and roundings. For a sentence of a model, digits inside an id, a hash or a port are none. Decides nothing.

use std::{collections::BTreeSet, sync::LazyLock};

use regex::Regex;

use crate::model::{
    Moment,
    report::{ChangeNote, Claim, Finding, Incident},
    visible,
};

use super::{
    claims::Facts,
    measure::{Measures, alone},
    tokens::spaced,
};

/// How often a record itself says that something happened.
static COUNTED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?i)(\d+)\s*(?:times|次|attempts|retries)|count"?\s*[:=]\s*(\d+)"#).ok()
});

/// Everything that the cited records and findings show, ready to be looked up.
pub(super) struct Ground {
    /// Lower-case, white space as single spaces, one piece after the other.
    text: String,
    numbers: Vec<f64>,
    /// Those that say how often: a port is none.
    counts: Vec<f64>,
    /// Of the records alone: nothing of ours is a percentage.
    percents: Vec<f64>,
    pub(super) times: BTreeSet<(u8, u8)>,
    /// When something began, and until when it lasted.
    pub(super) starts: BTreeSet<(u8, u8)>,
    pub(super) ends: BTreeSet<(u8, u8)>,
    dates: BTreeSet<String>,
    /// Numbers by what they measure.
    pub(super) measures: Measures,
    /// Held against a model's sentence: a number counts only where it stands alone in a record.
    strict: bool,
}

impl Ground {
    pub(super) fn of(claim: &Claim, facts: Facts<'_>) -> Self {
        let mut ground = Self {
            text: String::new(),
            numbers: Vec::new(),
            counts: Vec::new(),
            percents: Vec::new(),
            times: BTreeSet::new(),
            starts: BTreeSet::new(),
            ends: BTreeSet::new(),
            dates: BTreeSet::new(),
            measures: Measures::default(),
            strict: claim.by_model,
        };
        let clock = facts
            .report
            .incidents
            .first()
            .map(|i| i.start)
            .or_else(|| facts.report.findings.first().map(|f| f.first_seen));
        for kept in claim.evidence.iter().filter_map(|id| facts.records.get(id)) {
            ground.add(&kept.text);
            let line = kept.line.replace("\\\"", "\"").replace("\\n", " ");
            let place = format!("{} {}", kept.namespace, kept.object);
            if ground.strict {
                // The whole line is full of ids and clocks: what it says stands in its text.
                ground.words(&line);
                ground.words(&place);
            } else {
                ground.add(&line);
                ground.add(&place);
            }
            if let Some(clock) = clock {
                ground.moment(clock.at(kept.ts_ms));
            }
        }
        for f in facts
            .report
            .findings
            .iter()
            .filter(|f| claim.findings.contains(&f.id))
        {
            ground.finding(f);
        }
        for i in facts
            .report
            .incidents
            .iter()
            .filter(|i| i.findings.iter().any(|f| claim.findings.contains(f)))
        {
            ground.incident(i);
        }
        for c in facts
            .report
            .incidents
            .iter()
            .flat_map(|i| i.change.iter().chain(&i.recovered_by))
        {
            if claim.evidence.contains(&c.evidence) {
                ground.change(c);
            }
        }
        // How many are cited can be counted by anybody; a model may cite as many as it needs.
        let cited = [claim.findings.len(), claim.evidence.len()];
        if !ground.strict {
            ground.numbers.extend(cited.map(|n| n as f64));
        }
        for c in &facts.report.chronic {
            if c.evidence.iter().any(|id| claim.evidence.contains(id)) {
                ground.words(&format!("{} {}", c.object, c.object.name));
                let often = [c.count as f64, c.baseline];
                ground.numbers.extend(often);
                ground.counts.extend(often);
            }
        }
        ground.ruled_out(claim, facts);
        ground.numbers.extend(ground.measures.with_unit());
        ground
    }

    /// What was ruled out for the incidents cited, and how long before them a cited record lies.
    fn ruled_out(&mut self, claim: &Claim, facts: Facts<'_>) {
        let cited = |i: &&Incident| i.findings.iter().any(|f| claim.findings.contains(f));
        for i in facts.report.incidents.iter().filter(cited) {
            for a in &i.alternatives {
                if a.evidence.is_empty() || a.evidence.iter().any(|id| claim.evidence.contains(id))
                {
                    self.words(&a.cause);
                }
            }
            for kept in claim.evidence.iter().filter_map(|id| facts.records.get(id)) {
                let minutes = (i.start.ms - kept.ts_ms) as f64 / 60_000.0;
                if minutes >= 1.0 {
                    self.numbers.push(minutes.floor());
                    self.measures.spans.push(minutes.floor());
                }
            }
        }
    }

    fn add(&mut self, text: &str) {
        let shown = spaced(&visible(text).replace('`', "'"));
        if self.strict {
            self.measures.read(&shown);
            self.numbers.extend(alone(&shown).map(|(n, _)| n));
        } else {
            self.numbers.extend(numbers(&shown));
        }
        self.percents.extend(percents(&shown));
        let counted = COUNTED.iter().flat_map(|p| p.captures_iter(&shown));
        let counted = counted.filter_map(|c| c.get(1).or_else(|| c.get(2)));
        let counted = counted.filter_map(|m| m.as_str().parse::<f64>().ok());
        self.counts.extend(counted);
        self.text.push_str(&shown.to_lowercase());
        self.text.push('\n');
    }

    /// Names without the numbers in them: `node-3` is no three.
    fn words(&mut self, text: &str) {
        self.text.push_str(&spaced(&visible(text)).to_lowercase());
        self.text.push('\n');
    }

    fn moment(&mut self, at: Moment) {
        self.times.insert(minute(at));
        self.dates.insert(at.civil().date().to_string());
    }

    fn finding(&mut self, f: &Finding) {
        let detail = f.detail.as_deref().unwrap_or("");
        self.words(&format!(
            "{} {} {} {detail}",
            f.object, f.object.name, f.cause
        ));
        let count = f.count as f64;
        self.numbers.push(count);
        self.counts.push(count);
        if f.baseline > 0.0 {
            self.numbers.extend([f.baseline, count / f.baseline]);
            self.measures.ratios.push(count / f.baseline);
            self.counts.push(f.baseline);
        }
        self.span(f.first_seen, Some(f.last_seen));
    }

    fn incident(&mut self, i: &Incident) {
        let detail = i.root.detail.as_deref().unwrap_or("");
        self.words(&format!(
            "{} {} {} {detail}",
            i.root.object, i.root.object.name, i.root.cause
        ));
        self.span(i.start, i.end);
        if let Some(at) = i.checked_at {
            self.moment(at);
            self.ends.insert(minute(at));
        }
        if let Some(same) = &i.same_as {
            self.numbers.push(f64::from(same.days_in_row));
            self.measures.days.push(f64::from(same.days_in_row));
            self.dates.insert(same.date.to_string());
        }
    }

    fn change(&mut self, c: &ChangeNote) {
        self.add(&format!(
            "{} {} {} {}",
            c.user, c.verb, c.object, c.object.name
        ));
        for d in &c.diff {
            for value in [&d.old, &d.new] {
                let value = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                self.add(&value);
                // People call an image by its tag; what stands behind a colon elsewhere is a port.
                if d.path.ends_with("/image")
                    && let Some((_, tag)) = value.rsplit_once(':')
                {
                    self.add(tag);
                }
                self.measures.field(&d.path, &value);
            }
            self.add(&d.path);
        }
        self.moment(c.at);
        // What came of it began with it.
        self.starts.insert(minute(c.at));
    }

    /// Both ends, and how long it lasted in minutes and hours.
    fn span(&mut self, from: Moment, to: Option<Moment>) {
        self.moment(from);
        self.starts.insert(minute(from));
        if let Some(to) = to {
            self.moment(to);
            self.ends.insert(minute(to));
            let minutes = (to.ms - from.ms) as f64 / 60_000.0;
            self.numbers.extend([minutes, minutes / 60.0]);
            self.measures.spans.extend([minutes, minutes / 60.0]);
        }
    }

    /// Equal, or equal after rounding to what was said.
    pub(super) fn has_number(&self, said: f64) -> bool {
        let steps = if said.fract() == 0.0 { 1.0 } else { 10.0 };
        self.numbers
            .iter()
            .any(|n| (n - said).abs() < 1e-9 || ((n * steps).round() / steps - said).abs() < 1e-9)
    }

    /// Nothing rounds to none: it is there as such or not at all.
    pub(super) fn has_few(&self, said: f64) -> bool {
        self.numbers.iter().any(|n| (n - said).abs() < 1e-9)
    }

    /// Some count here is that, rounded or a little more.
    pub(super) fn has_count(&self, said: f64) -> bool {
        let unit = last_place(said);
        let is_it = |n: &f64| {
            ((n / unit).round() * unit - said).abs() < unit * 1e-6
                || said <= *n && *n <= said + unit
        };
        self.counts.iter().any(is_it)
    }

    /// Some word here begins with it: `oom` of `OOMKilled`.
    pub(super) fn has_beginning(&self, word: &str) -> bool {
        let mut found = self.text.match_indices(word);
        found.any(|(at, _)| {
            let before = self.text[..at].chars().next_back();
            before.is_none_or(|c| !c.is_ascii_alphanumeric())
        })
    }

    /// Some number here, rounded to as many digits as were said, is that.
    pub(super) fn is_about(&self, said: f64) -> bool {
        let unit = last_place(said);
        let rounds = |n: &f64| ((n / unit).round() * unit - said).abs() < unit * 1e-6;
        self.has_number(said) || self.numbers.iter().any(rounds)
    }

    /// Some number here is that and less than one more in its last digit.
    pub(super) fn is_over(&self, said: f64) -> bool {
        self.lies_between(said, said + last_place(said))
    }

    pub(super) fn lies_between(&self, from: f64, to: f64) -> bool {
        self.numbers.iter().any(|n| from <= *n && *n <= to)
    }

    pub(super) fn has_percent(&self, said: f64) -> bool {
        self.percents.iter().any(|p| (p - said).abs() < 1e-9)
    }

    /// Something happened in that hour, or in the last minutes before it.
    pub(super) fn has_hour(&self, hour: u8) -> bool {
        near(&self.times, (hour, None))
    }

    /// As a word of its own: `pay` is not in `payment`.
    pub(super) fn has_word(&self, word: &str) -> bool {
        let edge = |c: Option<char>| c.is_none_or(|c| !c.is_ascii_alphanumeric());
        self.text.match_indices(word).any(|(at, _)| {
            edge(self.text[..at].chars().next_back())
                && edge(self.text[at + word.len()..].chars().next())
        }) || word.contains('/')
            && word
                .split('/')
                .all(|part| part.is_empty() || self.has_word(part))
    }

    pub(super) fn has_date(&self, date: &str) -> bool {
        self.dates.iter().any(|d| d.ends_with(date)) || self.text.contains(date)
    }

    pub(super) fn has_quote(&self, quote: &str) -> bool {
        let quote = quote.to_lowercase();
        let edge_to_edge = quote
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_./:@".contains(c));
        if edge_to_edge {
            self.has_word(&quote)
        } else {
            self.text.contains(&quote)
        }
    }
}

fn minute(at: Moment) -> (u8, u8) {
    let civil = at.civil();
    let part = |n: i8| u8::try_from(n).unwrap_or(0);
    (part(civil.hour()), part(civil.minute()))
}

/// Whether one of the times is that minute; of an hour alone, also the last minutes before it.
pub(super) fn near(times: &BTreeSet<(u8, u8)>, said: (u8, Option<u8>)) -> bool {
    let before = (said.0 + 23) % 24;
    let is_it = |t: &(u8, u8)| match said.1 {
        Some(minute) => *t == (said.0, minute),
        None => t.0 == said.0 || t.0 == before && t.1 >= 45,
    };
    times.iter().any(is_it)
}

/// 100 of 1200, 1 of 157, a tenth of 3.5: what the last digit that was said counts.
pub(super) fn last_place(said: f64) -> f64 {
    let highest = 10_f64.powf(said.abs().max(1e-9).log10().floor());
    let is_whole = |unit: &f64| {
        let count = said / unit;
        (count - count.round()).abs() < 1e-6
    };
    let mut places = (0..9).map(|n| highest / 10_f64.powi(n));
    places.find(is_whole).unwrap_or(1.0)
}

/// `91` of `91%`.
fn percents(text: &str) -> impl Iterator<Item = f64> {
    let before = text.match_indices('%').map(|(at, _)| &text[..at]);
    before.filter_map(|t| {
        let digits = t
            .trim_end()
            .rsplit(|c: char| !c.is_ascii_digit() && c != '.');
        digits.into_iter().next()?.parse().ok()
    })
}

fn numbers(text: &str) -> impl Iterator<Item = f64> {
    let runs = text.split(|c: char| !c.is_ascii_digit() && c != '.');
    runs.filter_map(|run| run.trim_matches('.').parse().ok())
}
