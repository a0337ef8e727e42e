//! What is said to a model and what it says back, as values.
//!
//! In and out: a [`Request`], a [`Completion`]. Always true: a tool's answer stands beside its call ([`Exchange`]), so that neither can be sent without
//! the other. Knows no provider.

use serde_json::Value;

use super::estimate_tokens;

/// One question, with what was looked up for it so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    pub system: String,
    pub user: String,
    /// What the model may call. With none, the answer is asked for as a JSON object.
    pub tools: Vec<Tool>,
    /// Calls of earlier answers, each with what it gave.
    pub exchanges: Vec<Exchange>,
    pub max_output_tokens: u32,
}

/// A query that a model may ask for.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    pub name: &'static str,
    pub description: String,
    /// JSON schema of its arguments.
    pub schema: Value,
}

/// A model's wish to have a tool called.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub id: String,
    pub name: String,
    pub arguments: Value,
}

/// The calls of one answer and what each gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    pub answered: Vec<(Call, String)>,
}

/// What a model answered.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Completion {
    pub text: String,
    /// What it wants looked up before it says more.
    pub calls: Vec<Call>,
    pub input_tokens: u64,
    pub output_tokens: u64,
    /// The answer ended early: at `max_output_tokens`, where it began to repeat itself, or where the connection broke.
    pub cut: bool,
}

impl Request {
    /// The question with everything that was looked up, for a request without tools.
    #[must_use]
    pub fn told(&self) -> String {
        let mut text = self.user.clone();
        for (call, answer) in self.exchanges.iter().flat_map(|e| &e.answered) {
            text = text + "\n\n" + &call.name + " " + &call.arguments.to_string() + "\n" + answer;
        }
        text
    }

    /// Tokens that it takes to ask, by estimate.
    #[must_use]
    pub fn input_tokens(&self) -> u64 {
        let tools = self.tools.iter();
        let tools = tools.map(|t| {
            let schema = t.schema.to_string();
            estimate_tokens(&t.description) + estimate_tokens(&schema)
        });
        estimate_tokens(&self.system) + estimate_tokens(&self.told()) + tools.sum::<u64>()
    }
}
