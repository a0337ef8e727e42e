//! What stands beside a business line: the lines of its pod before and after it.
//!
//! In: a line that was shown. Out: [`Beside`], redacted, oldest first, with the identities that they have everywhere. Always true: of a line
//! that lies in the bucket its object alone is read again, so its first and last lines have fewer beside them; of one that is not
//! shipped yet CLS is asked for those of its file. Other kinds have none: neighbours in the event and the audit log are of other objects.
//! Keeps nothing.

use std::ops::Range;

use super::{Error, judge::blocking, run::Round};
use crate::{
    mining::digest::lines::{self, Seen},
    model::{DayRange, LogKind, Origin, record::Kept},
};

/// Lines on each side: enough for what led to an error, and one screen.
pub const EACH: usize = 10;

/// The lines on both sides of one, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beside {
    pub before: Vec<Kept>,
    pub after: Vec<Kept>,
}

impl Round {
    /// Up to [`EACH`] lines on each side; none where nobody can say. A failure is a sentence for the owner.
    pub async fn beside(&self, line: &Kept) -> Result<Beside, String> {
        let lang = self.judge.lang;
        if line.kind() != LogKind::Business {
            return Ok(Beside::default());
        }
        match (&line.origin, &self.live) {
            (Origin::Bucket { key, .. }, _) => {
                let found = self.in_object(line, key).await;
                found.map_err(|error| error.sentence(lang))
            }
            (Origin::Cls { .. }, Some(topics)) => {
                let found = topics.beside(line, EACH).await;
                found.map_err(|error| error.in_words(lang))
            }
            (Origin::Cls { .. }, None) => Ok(Beside::default()),
        }
    }

    async fn in_object(&self, line: &Kept, key: &str) -> Result<Beside, Error> {
        let instant = DayRange {
            start_ms: line.ts_ms,
            end_ms: line.ts_ms + 1,
            zone: self.judge.zone.clone(),
        };
        let listed = self.source.list(line.kind(), &instant).await?;
        let Some(object) = listed.into_iter().find(|found| found.key == key) else {
            // Expired; the line itself was kept.
            return Ok(Beside::default());
        };
        let bytes = self.source.read(&object).await?;
        let _core = self.cores.acquire().await.map_err(|_| Error::Stopped)?;
        let line = line.clone();
        blocking(move || around(&line, &object.key, &bytes)).await
    }
}

/// The lines beside one in its object. It is gone through twice: only lines that are shown are worth redacting.
fn around(line: &Kept, key: &str, bytes: &[u8]) -> Beside {
    let mut counting = Look::new(line, 0..0);
    lines::lines(line.kind(), key, bytes, &mut counting);
    let Some(at) = counting.met else {
        return Beside::default();
    };
    let mut look = Look::new(line, at.saturating_sub(EACH)..at + EACH + 1);
    lines::lines(line.kind(), key, bytes, &mut look);
    look.found
}

/// Takes the wanted ones among the lines of a pod, by their number.
struct Look<'l> {
    line: &'l Kept,
    wanted: Range<usize>,
    next: usize,
    /// Which of them is the line itself.
    met: Option<usize>,
    found: Beside,
}

impl<'l> Look<'l> {
    fn new(line: &'l Kept, wanted: Range<usize>) -> Self {
        Self {
            line,
            wanted,
            next: 0,
            met: None,
            found: Beside::default(),
        }
    }
}

impl lines::Search for Look<'_> {
    fn wants(&mut self, seen: &Seen<'_>) -> bool {
        if (seen.namespace, seen.object) != (&self.line.namespace, &self.line.object) {
            return false;
        }
        let at = self.next;
        self.next += 1;
        if seen.id == self.line.id {
            self.met.get_or_insert(at);
            return false;
        }
        self.wanted.contains(&at)
    }

    fn take(&mut self, kept: Kept) {
        match self.met {
            None => self.found.before.push(kept),
            Some(_) => self.found.after.push(kept),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Two pods that write by turns; `n` lines each.
    fn object(n: i64) -> Vec<u8> {
        let line = |i: i64, pod: &str| {
            let tags = json!({"namespace": "shop", "pod_name": pod, "container_name": "app"});
            let text = format!("{pod} step {i} password=hunter{i}hunter");
            json!({"__TIMESTAMP__": 1_795_190_400_000_i64 + i, "__CONTENT__": text, "__TAG__": tags}).to_string() + "\n"
        };
        let both = |i| line(i, "cart-0") + &line(i, "pay-0");
        (0..n).map(both).collect::<String>().into_bytes()
    }

    fn all(bytes: &[u8]) -> Vec<Kept> {
        struct All(Vec<Kept>);
        impl lines::Search for All {
            fn wants(&mut self, seen: &Seen<'_>) -> bool {
                seen.object == "cart-0"
            }
            fn take(&mut self, kept: Kept) {
                self.0.push(kept);
            }
        }
        let mut all = All(Vec::new());
        lines::lines(LogKind::Business, "a.gz", bytes, &mut all);
        all.0
    }

    #[test]
    fn the_lines_of_the_pod_on_both_sides_are_found_and_no_others() {
        let bytes = object(30);
        let cart = all(&bytes);
        assert_eq!(cart.len(), 30);
        for (at, line) in cart.iter().enumerate() {
            let beside = around(line, "a.gz", &bytes);
            assert_eq!(beside.before, cart[at.saturating_sub(EACH)..at]);
            assert_eq!(beside.after, cart[at + 1..cart.len().min(at + 1 + EACH)]);
        }
        let shown = format!("{:?}", around(&cart[5], "a.gz", &bytes));
        assert!(shown.contains("cart-0 step 4") && !shown.contains("hunter4"));
    }

    #[test]
    fn a_line_that_the_object_does_not_hold_has_none_beside_it() {
        let line = &all(&object(3))[2];
        assert_eq!(around(line, "a.gz", &object(2)), Beside::default());
    }
}
