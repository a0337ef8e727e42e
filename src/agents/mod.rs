//! Findings to words: three analysts, a supervisor, and the check that no sentence lacks evidence.
//!
//! In: a report and the records it cites. Out: the texts of the two files, and the claims they are made of. The report step needs no
//! model: [`outline`](mod@outline) turns the report into claims, [`report`] and [`analysis`](mod@analysis) render them. A model may add claims, each checked by
//! [`claims`] against the records it cites; whatever it does, the deterministic text stands.
//!
//! # Invariants
//! - Every number, name, time and quotation of a claim occurs in a record it cites or in a field of a finding it cites.
//! - Of a model's observation every other word occurs there too, or is in the closed list of `resources/claims.toml`; its guesses say that they are.
//! - What a log says and what is concluded from it are never in the same list.
//! - [`night()`] ends within its budget and never fails.

mod agent;
pub mod analysis;
mod answer;
pub mod claims;
mod clauses;
mod clocks;
mod doubts;
pub mod embed;
pub mod fault;
mod form;
mod ground;
mod guess;
mod lists;
mod material;
mod measure;
mod night;
mod numerals;
pub mod outline;
mod overview;
pub mod report;
mod roles;
#[cfg(test)]
mod sentence_tests;
mod supervisor;
mod task;
mod tokens;
mod told;
mod tools;
mod turns;
mod vocabulary;
mod words;

/// The prompts that MCP clients are offered; they are files of `prompts/`.
pub use crate::llm::prompts;
pub use material::Retrieval;
pub use night::{Input, Stop, Texts, Vectors, night, render};
