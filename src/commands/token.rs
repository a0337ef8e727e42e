//! `gengfu token`: a fresh bearer token.

use super::{Failure, Outcome, tell};

/// 32 random bytes in hex: long enough that nobody guesses it, and made of letters that no file format has to quote.
pub fn fresh() -> Result<String, getrandom::Error> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes)?;
    Ok(hex::encode(bytes))
}

pub(super) fn run() -> Result<Outcome, Failure> {
    tell(&fresh().map_err(|e| anyhow::anyhow!("no randomness: {e}"))?)?;
    Ok(Outcome::Done)
}
