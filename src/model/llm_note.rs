//! What the model did for the two texts of a day, and what that cost.
//!
//! In: an operator's price list. Out: the part `llm` of the run report. Always true: without a price no cost is named.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What the model did for the two texts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LlmNote {
    pub model: String,
    /// Name of a prompt and sha256 of its text.
    pub prompts: BTreeMap<String, String>,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub ms: u64,
    /// Sentences without evidence that were left out.
    pub dropped_claims: u32,
    /// Tokens of what the external embedder was given; not part of the cost.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub embed_tokens: u64,
    /// By the prices that the operator gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// How each agent ended, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<AgentNote>,
    /// What was done, in order: `business.work`, `business.repair`, `look.audit.plan`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<String>,
    /// Why the agents stopped.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stop: String,
    /// The external embedder; empty for the built-in one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub embedder: String,
    /// Why the built-in embedder was used although another is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embed_fallback: Option<String>,
    /// The budget ended before every text had a vector; the older ones get theirs another night.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub embed_begun: bool,
    /// Why the deterministic text was used instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
}

/// What a night's words cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    pub amount: f64,
    /// As the operator wrote it: `CNY`.
    pub currency: String,
}

/// What a million tokens cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Price {
    pub input: f64,
    pub output: f64,
    pub currency: String,
}

impl Price {
    #[must_use]
    pub fn of(&self, input_tokens: u64, output_tokens: u64) -> Cost {
        let million = 1_000_000.0;
        let amount = self.input * input_tokens as f64 / million
            + self.output * output_tokens as f64 / million;
        Cost {
            // Further digits are beyond what a price list says.
            amount: (amount * 10_000.0).round() / 10_000.0,
            currency: self.currency.clone(),
        }
    }
}

impl std::str::FromStr for Price {
    type Err = BadPrice;

    /// `2/8 CNY`: a million tokens in, a million out.
    fn from_str(s: &str) -> Result<Self, BadPrice> {
        let (prices, currency) = s.trim().split_once(' ').unwrap_or((s.trim(), ""));
        let (input, output) = prices.split_once('/').ok_or(BadPrice)?;
        let number = |t: &str| {
            t.trim()
                .parse::<f64>()
                .ok()
                .filter(|n| (0.0..1e6).contains(n))
        };
        let currency = currency.trim();
        if currency.len() > 8 || !currency.chars().all(char::is_alphanumeric) {
            return Err(BadPrice);
        }
        Ok(Self {
            input: number(input).ok_or(BadPrice)?,
            output: number(output).ok_or(BadPrice)?,
            currency: currency.to_owned(),
        })
    }
}

/// Not two prices with a stroke between them.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a price is written `2/8 CNY`: a million tokens in, a million out")]
pub struct BadPrice;

/// What an agent left behind besides its sentences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentNote {
    /// `business`, `supervisor`, `look.audit`.
    pub name: String,
    /// For people, in the language of the report.
    pub text: String,
    /// Why it ended: `done`, `nothing retrieved`, or what failed.
    pub end: String,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
const fn is_zero(n: &u64) -> bool {
    *n == 0
}
