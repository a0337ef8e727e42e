//! The part of a list that an answer shows: a window of time, a page.
//!
//! In: what was said for `start`, `end`, `limit`, `cursor`. Out: instants and a slice. Pure. Always true: what is cut is counted; a
//! cursor is nothing but the place where the next page begins, so an old one still works.

use super::{
    Answer,
    args::{Complaint, Number, Text, time},
};
use crate::model::DayRange;

/// A page of a voice answer; a person at a screen asks for more.
const LIMIT: u64 = 10;
const MOST: u64 = 200;

/// `from <= t < to`, Unix milliseconds.
pub(super) fn times(start: &Text, end: &Text, range: &DayRange) -> Result<(i64, i64), Complaint> {
    let read = |field, said: &Text| {
        let text = said.get().unwrap_or_default();
        time::instant(text, range).map_err(|_| {
            Complaint::new(
                field,
                text,
                "10:02、上午十点 或 2026-11-21T10:02:00+08:00 这样的时间",
                "a time such as 10:02 or 2026-11-21T10:02:00+08:00",
            )
        })
    };
    let from = read("start", start)?.unwrap_or(range.start_ms);
    let to = read("end", end)?.unwrap_or(range.end_ms);
    if to <= from {
        return Err(Complaint::new(
            "end",
            end.get().unwrap_or_default(),
            "比 start 晚的时间",
            "a time later than start",
        ));
    }
    Ok((from, to))
}

/// Which part of a list is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) start: usize,
    pub(super) limit: usize,
}

impl Page {
    pub(super) fn read(limit: &Number, cursor: &Text) -> Result<Self, Complaint> {
        let limit = limit.within("limit", 1, MOST)?.unwrap_or(LIMIT);
        let start = cursor.parse(
            "cursor",
            "上一个回答给出的 cursor",
            "the cursor of the previous answer",
        )?;
        Ok(Self {
            start: start.unwrap_or(0),
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
        })
    }

    pub(super) fn of<'a, T>(&self, list: &'a [T]) -> &'a [T] {
        let start = self.start.min(list.len());
        &list[start..list.len().min(start.saturating_add(self.limit))]
    }

    /// Says how many there are, how many are not shown, and where the next page begins.
    pub(super) fn count(&self, answer: Answer, total: usize, shown: usize) -> Answer {
        let next = self.start.min(total) + shown;
        let answer = answer.fact("total", total).fact("shown", shown);
        if next >= total {
            return answer;
        }
        answer.fact("not_shown", total - next).fact("cursor", next)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::mcp::Wire;

    proptest! {
        #[test]
        fn pages_show_everything_once(items in 0_usize..60, limit in 1_usize..20) {
            let list: Vec<usize> = (0..items).collect();
            let (mut page, mut seen) = (Page { start: 0, limit }, Vec::new());
            while page.start < items {
                let shown = page.of(&list);
                seen.extend_from_slice(shown);
                page.start += shown.len();
            }
            prop_assert_eq!(seen, list);
        }
    }

    #[test]
    fn what_is_cut_is_counted() {
        let page = Page {
            start: 10,
            limit: 5,
        };
        let text = page
            .count(Answer::told("x"), 22, 5)
            .text(Wire::Http, crate::model::Lang::En);
        assert!(
            text.ends_with("total=22; shown=5; not_shown=7; cursor=15"),
            "{text}"
        );
        assert!(page.of(&[1, 2, 3]).is_empty());
    }
}
