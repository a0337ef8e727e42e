//! Finds the stretch of a day in which a template came far more often than its daily number and the earlier days explain.

use crate::{
    mining::rate,
    model::{CELLS_PER_DAY, shapes::Cells},
};

/// Lengths of the windows that are tried: five minutes, a quarter, an hour, three hours.
const WINDOWS: [usize; 4] = [1, 3, 12, 36];
/// Chance of a false burst per template, over all windows tried.
const CHANCE: f64 = 1e-4;
/// Fewer than this many in a window are no burst.
const LEAST: u64 = 6;
/// Less than this many times the expectation is rhythm.
const TIMES: f64 = 4.0;
/// Within an hour a rhythm is rough: retries and batches come together.
const SPREAD: f64 = 0.3;

/// A batch may start this much earlier or later than on another day: an hour of cells.
const DRIFT: usize = 12;
/// Not so many times what earlier days had is no more than they had.
const AS_FULL: f64 = 2.5;

/// When a template came on the earlier days of its service; a day that does not tell is left out.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    days: Vec<EarlierDay>,
}

#[derive(Debug)]
struct EarlierDay {
    /// Occurrences before each cell of the day, and in the whole of it at the end.
    before: Vec<u64>,
    share: f64,
}

impl Earlier {
    /// A day with its cells, of which the share was read.
    pub(super) fn add(&mut self, cells: &Cells, share: f64) {
        let mut before = vec![0];
        let mut sum = 0;
        for n in dense(cells) {
            sum += n;
            before.push(sum);
        }
        let share = share.max(0.01);
        self.days.push(EarlierDay { before, share });
    }

    /// Whether `observed` in the cells from `from` until before `to` are no more than what comes at about that time: on a third of the
    /// days and on more than one, where there is more than one.
    fn explains(&self, from: usize, to: usize, observed: u64) -> bool {
        let full = |d: &&EarlierDay| AS_FULL * d.fullest(from, to) > observed as f64;
        let n = self.days.iter().filter(full).count();
        n > 0 && (n == self.days.len() || n > 1 && 3 * n >= self.days.len())
    }

    /// How many came in these cells on a mean day; `None` when no day tells.
    fn mean(&self, from: usize, to: usize) -> Option<f64> {
        let sum: f64 = self.days.iter().map(|d| d.between(from, to)).sum();
        (!self.days.is_empty()).then(|| sum / self.days.len() as f64)
    }
}

impl EarlierDay {
    fn between(&self, from: usize, to: usize) -> f64 {
        let at = |i: usize| self.before.get(i).copied().unwrap_or_default();
        (at(to) - at(from)) as f64 / self.share
    }

    /// The most in a window of this length, a little earlier or later.
    fn fullest(&self, from: usize, to: usize) -> f64 {
        let last = usize::from(CELLS_PER_DAY) - (to - from);
        (from.saturating_sub(DRIFT)..=(from + DRIFT).min(last))
            .map(|start| self.between(start, start + to - from))
            .fold(0.0, f64::max)
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Burst {
    pub from: u16,
    pub to: u16,
    pub expected: f64,
    pub observed: u64,
}

/// The most surprising stretch of `cells`, when `mean` occurrences a day follow the rhythm of `traffic`; none that comes on the earlier
/// days as well.
pub(super) fn find(cells: &Cells, mean: f64, traffic: &Cells, earlier: &Earlier) -> Option<Burst> {
    let total = cells.total();
    if total < LEAST {
        return None;
    }
    let n = usize::from(CELLS_PER_DAY);
    let counts = dense(cells);
    let rhythm = dense(traffic);
    let all = traffic.total() as f64;
    // Half uniform, half with the traffic: some errors follow the users, some the clock.
    let share: Vec<f64> = rhythm
        .iter()
        .map(|r| {
            0.5 / n as f64
                + if all > 0.0 {
                    0.5 * *r as f64 / all
                } else {
                    0.5 / n as f64
                }
        })
        .collect();
    let mut best: Option<(f64, Burst)> = None;
    for window in WINDOWS {
        for from in 0..=n - window {
            let observed: u64 = counts[from..from + window].iter().sum();
            if observed < LEAST || counts[from] == 0 {
                continue;
            }
            let expected = share[from..from + window].iter().sum::<f64>()
                * mean
                    .min(((total - observed) as f64).max(mean * 0.2))
                    .max(1.0);
            if (observed as f64) < TIMES * expected {
                continue;
            }
            let p = rate::upper_tail(observed, expected, SPREAD);
            if p * (n * WINDOWS.len()) as f64 <= CHANCE
                && best.as_ref().is_none_or(|(least, _)| p < *least)
                && !earlier.explains(from, from + window, observed)
            {
                let to = from + window - 1;
                let cell = |i: usize| u16::try_from(i).unwrap_or(u16::MAX);
                best = Some((
                    p,
                    Burst {
                        from: cell(from),
                        to: cell(to),
                        expected: earlier.mean(from, from + window).unwrap_or(expected),
                        observed,
                    },
                ));
            }
        }
    }
    best.map(|(_, burst)| burst)
}

/// Whether a stretch without a single one, before the first or after the last, is too long for what happens on every day.
///
/// Each cell with occurrences counts once, for one trouble brings many lines; the stretch is measured by the clock or by the
/// traffic, whichever makes it shorter.
pub(super) fn begins_or_ends(cells: &Cells, traffic: &Cells) -> bool {
    let (Some(first), Some(last)) = (cells.iter().next(), cells.iter().last()) else {
        return false;
    };
    if cells.total() < LEAST {
        return false;
    }
    let n = i32::try_from(cells.iter().count()).unwrap_or(i32::MAX);
    let chance = |by_clock: f64, lines: u64| {
        let by_traffic = match traffic.total() {
            0 => by_clock,
            all => lines as f64 / all as f64,
        };
        (1.0 - by_clock.min(by_traffic)).powi(n)
    };
    let day = f64::from(CELLS_PER_DAY);
    let end = traffic.iter().last().map_or(last.0, |c| c.0).max(last.0);
    let before = chance(
        f64::from(first.0) / day,
        traffic.between(0, first.0.saturating_sub(1)),
    );
    let after = chance(
        f64::from(end - last.0) / day,
        traffic.between(last.0 + 1, CELLS_PER_DAY),
    );
    before.min(after) <= CHANCE
}

fn dense(cells: &Cells) -> Vec<u64> {
    let mut out = vec![0; usize::from(CELLS_PER_DAY)];
    for (cell, n) in cells.iter() {
        if let Some(slot) = out.get_mut(usize::from(cell)) {
            *slot = u64::from(n);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(of: &[(u16, u32)]) -> Cells {
        let mut cells = Cells::default();
        for (cell, n) in of {
            cells.add(*cell, *n);
        }
        cells
    }

    #[test]
    fn forty_from_ten_o_clock_on_begin_and_forty_over_the_day_do_not() {
        let traffic = cells(&(0..288).map(|i| (i, 5)).collect::<Vec<_>>());
        let late = cells(&(0..40).map(|i| (120 + i * 4, 1)).collect::<Vec<_>>());
        let even = cells(&(0..40).map(|i| (3 + i * 7, 1)).collect::<Vec<_>>());
        assert!(begins_or_ends(&late, &traffic));
        assert!(!begins_or_ends(&even, &traffic));
        let busy_from_ten = cells(&(120..288).map(|i| (i, 5)).collect::<Vec<_>>());
        assert!(!begins_or_ends(&late, &busy_from_ten));
    }

    #[test]
    fn twenty_in_a_quarter_of_an_hour_are_a_burst_and_twenty_over_the_day_are_not() {
        let even = cells(&(0..20).map(|i| (i * 14, 1)).collect::<Vec<_>>());
        assert_eq!(
            find(&even, 20.0, &Cells::default(), &Earlier::default()),
            None
        );
        let packed = find(
            &cells(&[(100, 9), (101, 8), (102, 3), (200, 1)]),
            5.0,
            &Cells::default(),
            &Earlier::default(),
        )
        .expect("burst");
        assert_eq!((packed.from, packed.to), (100, 102));
        assert_eq!(packed.observed, 20);
    }
}
