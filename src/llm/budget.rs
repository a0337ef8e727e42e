//! How long and how much a model may be asked, over all requests of a round.
//!
//! In: a duration and a number of tokens. Out: what is left of both. Tokens of a request are estimated before it is sent and corrected
//! by what the provider reports. Time is tokio's, so that tests can pause it.

use std::time::Duration;

use tokio::time::Instant;

use super::{Error, Request};

/// What is left to spend.
#[derive(Debug, Clone)]
pub struct Budget {
    deadline: Instant,
    tokens: u64,
    /// What was spent so far, for the report.
    pub spent_tokens: u64,
    started: Instant,
}

impl Budget {
    /// Starts now.
    #[must_use]
    pub fn new(time: Duration, tokens: u64) -> Self {
        let started = Instant::now();
        Self {
            deadline: started + time,
            tokens,
            spent_tokens: 0,
            started,
        }
    }

    #[must_use]
    pub fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    #[must_use]
    pub const fn tokens_left(&self) -> u64 {
        self.tokens.saturating_sub(self.spent_tokens)
    }

    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Whether a request still fits; its full answer is counted in.
    pub(super) fn admit(&self, request: &Request) -> Result<(), Error> {
        if self.time_left().is_zero() {
            return Err(Error::OutOfTime);
        }
        let wanted = request.input_tokens() + u64::from(request.max_output_tokens);
        if wanted > self.tokens_left() {
            Err(Error::OutOfTokens)
        } else {
            Ok(())
        }
    }

    pub(super) const fn spend(&mut self, tokens: u64) {
        self.spent_tokens = self.spent_tokens.saturating_add(tokens);
    }
}

/// A careful guess without the model's tokenizer: one token per Chinese character, one per three other characters.
/// Common tokenizers need fewer (about 0.6 and 0.25), so that a request that fits here fits there.
#[must_use]
pub fn estimate_tokens(text: &str) -> u64 {
    let ascii = text.bytes().filter(u8::is_ascii).count() as u64;
    let other = text.chars().filter(|c| !c.is_ascii()).count() as u64;
    ascii.div_ceil(3) + other
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_request_is_refused_before_it_would_exceed_the_budget() {
        let mut budget = Budget::new(Duration::from_secs(10), 100);
        let request = Request {
            user: "镜像".repeat(20),
            max_output_tokens: 50,
            ..Request::default()
        };
        assert_eq!(budget.admit(&request), Ok(()));
        budget.spend(20);
        assert_eq!(budget.admit(&request), Err(Error::OutOfTokens));
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(budget.admit(&request), Err(Error::OutOfTime));
    }
}
