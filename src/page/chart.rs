//! Counts per five minutes as the outline of a chart.
//!
//! In: cells of a day and the same cells of earlier days. Out: SVG path data in a box of 288 by 100, and the numbers written beside it. Pure.
//! Always true: the sum of what is drawn is the total that is said; the band is what earlier days counted at that time of day, each smoothed
//! over half an hour, from the least to the most. Says nothing about what is unusual: that is `mining::baseline`.

use std::fmt::Write as _;

use serde::Serialize;

use crate::model::{
    CELLS_PER_DAY, LogKind,
    shapes::{Baseline, Cells, DayCounts},
};

/// Height of the box; its width is one a cell.
const HIGH: f64 = 100.0;
/// Cells to each side that a band is smoothed over.
const AROUND: usize = 3;

/// One kind of log over a day.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Chart {
    pub bars: String,
    /// Business lines of level warning and above, in the same scale.
    pub errors: String,
    pub band: String,
    pub mean: String,
    pub total: u64,
    /// The largest count of a cell.
    pub peak: u64,
    /// Earlier days that the band is made of.
    pub days: usize,
    /// `119:3 120:14`, for whoever points at a bar.
    pub cells: String,
}

/// Draws a kind of a day beside the earlier days. `None` when the day has no such counts.
pub(crate) fn chart(kind: LogKind, today: &DayCounts, earlier: &Baseline) -> Option<Chart> {
    let cells = today.cells.get(&kind).filter(|c| !c.is_empty())?;
    let days: Vec<Vec<f64>> = earlier
        .days
        .iter()
        .filter(|d| d.holds(kind))
        .filter_map(|d| {
            let cells = d.cells.get(&kind).filter(|c| !c.is_empty())?;
            // Of a large earlier day only a share of the business objects was read.
            let share = if kind == LogKind::Business {
                d.business_share.max(0.01)
            } else {
                1.0
            };
            Some(smooth(&dense(cells, share)))
        })
        .collect();
    let column = |c: usize| days.iter().map(move |d| d[c]);
    let least: Vec<f64> = (0..width())
        .map(|c| column(c).fold(f64::MAX, f64::min))
        .collect();
    let most: Vec<f64> = (0..width())
        .map(|c| column(c).fold(0.0, f64::max))
        .collect();
    let mean: Vec<f64> = (0..width())
        .map(|c| column(c).sum::<f64>() / days.len().max(1) as f64)
        .collect();
    let peak = cells.iter().map(|(_, n)| n).max().unwrap_or(0);
    let top = most
        .iter()
        .copied()
        .fold(f64::from(peak), f64::max)
        .max(1.0);
    let known = !days.is_empty();
    Some(Chart {
        bars: bars(cells, top),
        errors: if kind == LogKind::Business {
            bars(&today.errors, top)
        } else {
            String::new()
        },
        band: if known {
            band(&least, &most, top)
        } else {
            String::new()
        },
        mean: if known {
            line(&mean, top)
        } else {
            String::new()
        },
        total: cells.total(),
        peak: u64::from(peak),
        days: days.len(),
        cells: words(cells),
    })
}

/// The outline of a single series, scaled to its own peak.
pub(crate) fn spark(cells: &Cells) -> String {
    let peak = cells.iter().map(|(_, n)| n).max().unwrap_or(0);
    bars(cells, f64::from(peak).max(1.0))
}

fn width() -> usize {
    usize::from(CELLS_PER_DAY)
}

fn words(cells: &Cells) -> String {
    let words: Vec<String> = cells.iter().map(|(c, n)| format!("{c}:{n}")).collect();
    words.join(" ")
}

fn dense(cells: &Cells, share: f64) -> Vec<f64> {
    let mut all = vec![0.0; width()];
    for (cell, n) in cells.iter() {
        if let Some(place) = all.get_mut(usize::from(cell)) {
            *place = f64::from(n) / share;
        }
    }
    all
}

fn smooth(counts: &[f64]) -> Vec<f64> {
    (0..counts.len())
        .map(|c| {
            let near = &counts[c.saturating_sub(AROUND)..(c + AROUND + 1).min(counts.len())];
            near.iter().sum::<f64>() / near.len() as f64
        })
        .collect()
}

fn height(count: f64, top: f64) -> f64 {
    HIGH - count / top * HIGH
}

fn bars(cells: &Cells, top: f64) -> String {
    let mut path = String::new();
    for (cell, n) in cells.iter() {
        // A single line among thousands is still to be seen.
        let y = height(f64::from(n), top).min(HIGH - 1.0);
        let _ = write!(path, "M{cell} 100V{y:.1}h.92V100z");
    }
    path
}

fn line(counts: &[f64], top: f64) -> String {
    let mut path = String::new();
    for (c, count) in counts.iter().enumerate() {
        let pen = if c == 0 { 'M' } else { 'L' };
        let _ = write!(path, "{pen}{c}.5 {:.1}", height(*count, top));
    }
    path
}

fn band(least: &[f64], most: &[f64], top: f64) -> String {
    let mut path = line(most, top);
    for (c, count) in least.iter().enumerate().rev() {
        let _ = write!(path, "L{c}.5 {:.1}", height(*count, top));
    }
    path.push('z');
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(cells: &[(u16, u32)]) -> DayCounts {
        let mut of = Cells::default();
        for (cell, n) in cells {
            of.add(*cell, *n);
        }
        let range = "2026-11-21"
            .parse::<crate::model::Day>()
            .expect("day")
            .range(&jiff::tz::TimeZone::UTC);
        let mut day = crate::mining::baseline::counts_of(
            &crate::model::shapes::DayShapes::default(),
            &range,
            1.0,
        );
        day.cells.insert(LogKind::Event, of);
        day
    }

    #[test]
    fn the_tallest_count_touches_the_top_and_the_sum_is_said() {
        let today = counts(&[(0, 5), (120, 10)]);
        let drawn = chart(LogKind::Event, &today, &Baseline::default()).expect("chart");
        assert_eq!((drawn.total, drawn.peak, drawn.days), (15, 10, 0));
        assert_eq!(drawn.bars, "M0 100V50.0h.92V100zM120 100V0.0h.92V100z");
        assert!(drawn.band.is_empty() && drawn.errors.is_empty());
        assert_eq!(drawn.cells, "0:5 120:10");
        assert_eq!(chart(LogKind::Audit, &today, &Baseline::default()), None);
    }

    #[test]
    fn the_band_lies_between_the_quietest_and_the_busiest_day() {
        let full = |n| counts(&(0..288).map(|c| (c, n)).collect::<Vec<_>>());
        let earlier = Baseline {
            of: 7,
            days: vec![full(2), full(8)],
            partial: false,
        };
        let drawn = chart(LogKind::Event, &full(10), &earlier).expect("chart");
        assert_eq!(drawn.days, 2);
        assert!(
            drawn.band.starts_with("M0.5 20.0L1.5 20.0"),
            "{}",
            &drawn.band[..40]
        );
        assert!(drawn.band.ends_with("L0.5 80.0z"));
        assert!(drawn.mean.starts_with("M0.5 50.0"));
    }
}
