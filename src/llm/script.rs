//! A model that answers what a test wrote down.
//!
//! In: answers, in order. Out: the next one for each request, and all requests for the test to look at. Embeds by a fixed hash.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use super::{Budget, Call, Completion, Error, Request, estimate_tokens};

/// One prepared answer.
#[derive(Debug, Clone)]
pub enum Answer {
    Text(String),
    /// Wants a tool called, with these arguments.
    Calls(&'static str, serde_json::Value),
    Fail(Error),
    /// Never answers; ends with the budget's time.
    Hang,
}

/// Prepared answers; after the last one it answers nothing.
#[derive(Debug, Default)]
pub struct Script {
    answers: Mutex<VecDeque<Answer>>,
    seen: Mutex<Vec<Request>>,
}

impl Script {
    #[must_use]
    pub fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self {
            answers: Mutex::new(answers.into_iter().collect()),
            seen: Mutex::default(),
        }
    }

    /// Every request so far.
    #[must_use]
    pub fn seen(&self) -> Vec<Request> {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) async fn complete(
        &self,
        request: &Request,
        budget: &Budget,
    ) -> Result<Completion, Error> {
        budget.admit(request)?;
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(request.clone());
        let next = self
            .answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        match next {
            Some(Answer::Text(text)) => Ok(Completion {
                input_tokens: request.input_tokens(),
                output_tokens: estimate_tokens(&text),
                text,
                ..Completion::default()
            }),
            Some(Answer::Calls(name, arguments)) => Ok(Completion {
                input_tokens: request.input_tokens(),
                calls: vec![Call {
                    id: format!("call_{}", request.exchanges.len()),
                    name: name.to_owned(),
                    arguments,
                }],
                ..Completion::default()
            }),
            Some(Answer::Fail(error)) => Err(error),
            Some(Answer::Hang) => {
                tokio::time::sleep(budget.time_left()).await;
                Err(Error::TimedOut)
            }
            None => Err(Error::Empty),
        }
    }

    pub(super) fn embed(texts: &[String]) -> Vec<Vec<f32>> {
        let vector = |text: &String| {
            let sum: u32 = text.bytes().map(u32::from).sum();
            vec![(sum % 97) as f32, text.len() as f32, 1.0]
        };
        texts.iter().map(vector).collect()
    }
}
