//! How often something may happen: a bucket of tokens that fills up with time.
//!
//! In: instants. Out: whether it may happen now. Reads no clock. A clock that goes back fills nothing and takes nothing away.

/// See the module's head.
#[derive(Debug, Clone)]
pub(super) struct Rate {
    most: f64,
    per_ms: f64,
    tokens: f64,
    at_ms: i64,
}

impl Rate {
    /// `n` at once, and as many again a minute later.
    pub(super) fn per_minute(n: u32, now_ms: i64) -> Self {
        let most = f64::from(n);
        Self {
            most,
            per_ms: most / 60_000.0,
            tokens: most,
            at_ms: now_ms,
        }
    }

    pub(super) fn take(&mut self, now_ms: i64) -> bool {
        let passed = (now_ms - self.at_ms).max(0) as f64;
        self.at_ms = self.at_ms.max(now_ms);
        self.tokens = (self.tokens + passed * self.per_ms).min(self.most);
        let may = self.tokens >= 1.0;
        if may {
            self.tokens -= 1.0;
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_let_in_and_the_rest_as_time_goes_by() {
        let mut rate = Rate::per_minute(6, 0);
        let burst = (0..10).filter(|_| rate.take(1)).count();
        assert_eq!(burst, 6);
        assert!(!rate.take(9_000) && rate.take(10_100) && !rate.take(10_200));
        assert!(!rate.take(0), "a clock that goes back");
        let minute_later = (0..10).filter(|_| rate.take(80_000)).count();
        assert_eq!(minute_later, 6);
    }
}
