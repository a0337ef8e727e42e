//! Hours in which nobody is woken.

use jiff::civil::Time;

use crate::model::Moment;

/// From one time of the day to another, which may be after midnight. The end is not part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    pub from: Time,
    pub to: Time,
}

impl QuietHours {
    #[must_use]
    pub fn contains(self, at: Moment) -> bool {
        let time = at.civil().time();
        if self.from <= self.to {
            self.from <= time && time < self.to
        } else {
            self.from <= time || time < self.to
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample::moment;

    #[test]
    fn a_night_goes_over_midnight() {
        let hours = |from: i8, to: i8| QuietHours {
            from: Time::constant(from, 0, 0, 0),
            to: Time::constant(to, 0, 0, 0),
        };
        for (at, in_night, in_nap) in [
            ("2026-11-21T21:59:59", false, false),
            ("2026-11-21T22:00:00", true, false),
            ("2026-11-22T03:00:00", true, false),
            ("2026-11-22T08:00:00", false, false),
            ("2026-11-22T13:00:00", false, true),
        ] {
            let at = moment(at);
            let found = (hours(22, 8).contains(at), hours(12, 14).contains(at));
            assert_eq!(found, (in_night, in_nap), "{at}");
        }
    }
}
