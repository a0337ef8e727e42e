//! A day against few, many, thinned and empty earlier days.

use super::*;
use crate::model::{
    Service,
    shapes::{CallCount, Cells, Reading, TemplateDay},
};

fn day() -> DayRange {
    "2026-11-21"
        .parse::<Day>()
        .expect("day")
        .range(&jiff::tz::TimeZone::UTC)
}

fn template(text: &str, level: Level, cells: &[(u16, u32)]) -> TemplateDay {
    let range = day();
    let mut sum = Cells::default();
    for (cell, n) in cells {
        sum.add(*cell, *n);
    }
    TemplateDay {
        id: templates::id_of(level, text),
        text: text.into(),
        service: Service {
            cluster: String::new(),
            namespace: "shop".into(),
            name: "cart".into(),
            container: String::new(),
        },
        level,
        cells: sum,
        first_ms: range.cell_start(cells[0].0),
        last_ms: range.cell_start(cells[cells.len() - 1].0),
        samples: Vec::new(),
        fields: Vec::new(),
    }
}

fn even(n: u16, each: u32) -> Vec<(u16, u32)> {
    (0..n).map(|i| (i * (288 / n), each)).collect()
}

fn shapes(templates: Vec<TemplateDay>) -> DayShapes {
    DayShapes {
        templates,
        ..DayShapes::default()
    }
}

/// `n` earlier days that all look like `shapes`.
fn earlier(shapes: &DayShapes, n: i32) -> Baseline {
    let today: Day = "2026-11-21".parse().expect("day");
    Baseline {
        of: 7,
        days: (1..=n)
            .rev()
            .map(|i| counts_of(shapes, &today.plus(-i).range(&jiff::tz::TimeZone::UTC), 1.0))
            .collect(),
        partial: false,
    }
}

fn check(today: &DayShapes, baseline: &Baseline, expected: &[(What, Severity)]) {
    let found: Vec<_> = compare(today, baseline, &day())
        .into_iter()
        .map(|d| (d.what, d.severity))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn an_error_as_on_every_day_is_chronic_even_when_traffic_quadruples() {
    let error = || template("boom", Level::Error, &even(12, 1));
    let before = shapes(vec![template("ok", Level::Info, &even(288, 2)), error()]);
    let today = shapes(vec![template("ok", Level::Info, &even(288, 8)), error()]);
    for days in [1, 7, 30] {
        check(
            &today,
            &earlier(&before, days),
            &[(What::Chronic, Severity::Info)],
        );
    }
}

#[test]
fn ten_times_the_errors_are_told_and_ten_times_the_traffic_is_not() {
    let before = shapes(vec![
        template("ok", Level::Info, &even(288, 2)),
        template("boom", Level::Error, &even(12, 1)),
    ]);
    let more = shapes(vec![
        template("ok", Level::Info, &even(288, 2)),
        template("boom", Level::Error, &even(12, 10)),
    ]);
    check(
        &more,
        &earlier(&before, 7),
        &[(What::Times(10.0), Severity::Error)],
    );
    let busy = shapes(vec![
        template("ok", Level::Info, &even(288, 20)),
        template("boom", Level::Error, &even(12, 1)),
    ]);
    check(
        &busy,
        &earlier(&before, 7),
        &[(What::Chronic, Severity::Info)],
    );
}

#[test]
fn a_new_error_is_told_and_a_new_info_is_only_listed() {
    let before = shapes(vec![template("ok", Level::Info, &even(288, 2))]);
    let today = shapes(vec![
        template("ok", Level::Info, &even(288, 2)),
        template("boom", Level::Error, &even(12, 2)),
        template("flag on", Level::Info, &even(12, 2)),
    ]);
    check(
        &today,
        &earlier(&before, 3),
        &[(What::New, Severity::Error), (What::New, Severity::Info)],
    );
}

#[test]
fn without_earlier_days_an_even_error_is_chronic_and_a_packed_one_a_burst() {
    let today = shapes(vec![
        template("ok", Level::Info, &even(288, 2)),
        template("even", Level::Error, &even(24, 1)),
        template("packed", Level::Error, &[(100, 9), (101, 12), (102, 7)]),
    ]);
    check(
        &today,
        &Baseline::default(),
        &[
            (What::Chronic, Severity::Info),
            (What::Burst, Severity::Error),
        ],
    );
}

#[test]
fn a_busy_service_that_falls_silent_is_gone() {
    let mut other = template("ok", Level::Info, &even(288, 4));
    other.service.name = "search".into();
    let half: Vec<(u16, u32)> = (0..144).map(|i| (i, 4)).collect();
    let today = shapes(vec![template("ok", Level::Info, &half), other]);
    let found = compare(&today, &Baseline::default(), &day());
    assert_eq!(found.len(), 1);
    assert_eq!(
        (&found[0].subject, found[0].what),
        (&Subject::Service("shop/cart".into()), What::Gone)
    );
    assert_eq!(found[0].from_ms, day().cell_start(144));
}

#[test]
fn a_day_without_records_of_a_kind_is_no_day_to_compare_with() {
    let mut cells = Cells::default();
    for (cell, n) in even(24, 1) {
        cells.add(cell, n);
    }
    let refused = |records| DayShapes {
        calls: vec![CallCount {
            key: CallKey {
                user: "system:serviceaccount:ops:agent".into(),
                verb: "list".into(),
                resource: "secrets".into(),
                namespace: "ops".into(),
                code: 403,
                reason: "Forbidden".into(),
                message: "no".into(),
                agent: "agent/v1".into(),
                cluster: String::new(),
            },
            cells: cells.clone(),
            first_ms: day().cell_start(0),
            last_ms: day().cell_start(287),
            samples: Vec::new(),
        }],
        read: reading(records),
        ..DayShapes::default()
    };
    let not_shipped = DayShapes {
        read: reading(0),
        ..DayShapes::default()
    };
    let nothing_refused = DayShapes {
        read: reading(900),
        ..DayShapes::default()
    };
    let today = refused(900);
    check(
        &today,
        &earlier(&not_shipped, 2),
        &[(What::Chronic, Severity::Info)],
    );
    check(
        &today,
        &earlier(&nothing_refused, 2),
        &[(What::New, Severity::Warning)],
    );
}

fn reading(records: u64) -> BTreeMap<LogKind, Reading> {
    let mut read = Reading::default();
    read.counts.records = records;
    BTreeMap::from([(LogKind::Audit, read)])
}

#[test]
fn an_error_that_began_two_days_ago_lasts_and_is_no_habit() {
    let error = |from: u16| {
        let cells: Vec<(u16, u32)> = (from..288).step_by(6).map(|c| (c, 1)).collect();
        template("boom", Level::Error, &cells)
    };
    let with = |error| shapes(vec![template("ok", Level::Info, &even(288, 2)), error]);
    let today = with(error(0));
    let counts = |shapes: &DayShapes, back: i32| {
        let day: Day = "2026-11-21".parse().expect("day");
        counts_of(
            shapes,
            &day.plus(-back).range(&jiff::tz::TimeZone::UTC),
            1.0,
        )
    };
    let mut baseline = Baseline {
        of: 7,
        days: vec![counts(&with(error(150)), 2), counts(&today, 1)],
        partial: false,
    };
    check(&today, &baseline, &[(What::Lasting, Severity::Error)]);
    baseline.days[0] = counts(&today, 2);
    check(&today, &baseline, &[(What::Chronic, Severity::Info)]);
}

/// An error that a batch writes, beside the traffic of its service.
fn batch(cells: &[(u16, u32)]) -> DayShapes {
    shapes(vec![
        template("ok", Level::Info, &even(288, 5)),
        template("boom", Level::Error, cells),
    ])
}

#[test]
fn a_batch_at_its_hour_is_chronic_and_at_another_a_burst() {
    let at = |from: u16| (from..from + 10).map(|c| (c, 14)).collect::<Vec<_>>();
    let usual = earlier(&batch(&at(120)), 7);
    for from in [120, 115, 128] {
        let found = compare(&batch(&at(from)), &usual, &day());
        assert_eq!(found[0].what, What::Chronic, "{from}");
        assert!(
            (found[0].expected - 140.0).abs() < 0.1,
            "{}",
            found[0].expected
        );
    }
    let moved = compare(&batch(&at(200)), &usual, &day());
    assert_eq!(moved[0].what, What::Burst);
    assert!(moved[0].expected < 0.1, "{}", moved[0].expected);
    // What burst on one day of seven is no habit; nor does a batch hide what bursts beside it.
    let mut once = earlier(&batch(&even(144, 1)), 7);
    once.days[3] = usual.days[3].clone();
    assert_eq!(
        compare(&batch(&at(120)), &once, &day())[0].what,
        What::Burst
    );
    let mut two = at(120);
    two.extend([(230, 20), (231, 20)]);
    let found = compare(&batch(&two), &usual, &day());
    assert_eq!((found[0].what, found[0].observed), (What::Burst, 40));
}

#[test]
fn days_counted_before_the_cells_were_kept_explain_no_burst() {
    let at_ten: Vec<(u16, u32)> = (120..130).map(|c| (c, 14)).collect();
    let mut old = earlier(&batch(&at_ten), 7);
    old.days.iter_mut().for_each(|d| d.failing.clear());
    check(&batch(&at_ten), &old, &[(What::Burst, Severity::Error)]);
}

#[test]
fn what_is_usual_is_told_as_it_was_seen_however_the_traffic_grew() {
    let with = |ok: u32, boom: &[(u16, u32)]| {
        shapes(vec![
            template("ok", Level::Info, &even(288, ok)),
            template("boom", Level::Error, boom),
        ])
    };
    let days = earlier(&with(2, &even(18, 1)), 3);
    let found = compare(&with(12, &even(36, 3)), &days, &day());
    assert_eq!(found[0].what, What::Chronic);
    assert!(
        (found[0].expected - 18.0).abs() < 0.1,
        "{}",
        found[0].expected
    );
}
