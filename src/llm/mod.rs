//! One handle to every language model and embedder, with a budget.
//!
//! In: a [`Request`] and a [`Budget`]. Out: a [`Completion`] or an [`Error`] that knows whether trying again helps. Providers are genai's business; this
//! room holds what it does not: names that would go elsewhere are refused ([`Model`]), keys are arguments and never looked up
//! in the environment, waiting and retrying end with the budget, an error never carries a request's text.
//!
//! Log text meets a model only inside an [`Envelope`], with identifiers masked by [`Mask`]. What a model answers is
//! not believed here: that is `agents::claims`.

mod budget;
mod envelope;
mod mask;
mod model;
pub mod prompts;
mod remote;
mod script;

use std::sync::Arc;

pub use budget::{Budget, estimate_tokens};
pub use envelope::Envelope;
pub use mask::Mask;
pub use model::{BadModel, Model, Purpose};
pub use remote::Setup;
pub use script::{Answer, Script};

use remote::Remote;

/// A model, an embedder, or neither. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub enum Llm {
    /// No model is configured; every call says so.
    #[default]
    Off,
    Genai(Arc<Remote>),
    /// Answers in order, for tests of what stands above.
    Scripted(Arc<Script>),
}

/// One question. The answer is asked for as a JSON object, since claims come back in a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub system: String,
    pub user: String,
    pub max_output_tokens: u32,
}

/// What a model answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Completion {
    pub text: String,
    pub input_tokens: u64,
    pub output_tokens: u64,
    /// The answer was cut at `max_output_tokens`.
    pub cut: bool,
}

/// Why there is no answer. Holds no text of the request and no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("no model is configured")]
    Off,
    #[error("the model's provider refuses the key (HTTP {0})")]
    Unauthorized(u16),
    #[error("the model's provider asks to slow down (HTTP 429)")]
    RateLimited,
    #[error("the model's provider fails (HTTP {0})")]
    Provider(u16),
    #[error("the model's provider refuses the request (HTTP {0})")]
    Rejected(u16),
    #[error("the model's provider cannot be reached")]
    Unreachable,
    #[error("the model did not answer in time")]
    TimedOut,
    #[error("the request is longer than the model's context")]
    TooLong,
    #[error("the model's answer cannot be read")]
    Unreadable,
    #[error("the model answered nothing")]
    Empty,
    #[error("the model refused to answer")]
    Refused,
    #[error("the model asked for a tool although it was given none")]
    UnknownTool,
    #[error("the time for the model is used up")]
    OutOfTime,
    #[error("the tokens for the model are used up")]
    OutOfTokens,
}

impl Error {
    /// Whether the same request may succeed a little later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::RateLimited | Self::Provider(_) | Self::Unreachable
        )
    }

    /// Whether no further request can succeed in this budget or with this configuration.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Off | Self::Unauthorized(_) | Self::OutOfTime | Self::OutOfTokens
        )
    }
}

impl Llm {
    /// A handle to the model of `setup`. Makes no request.
    pub fn open(setup: Setup) -> Result<Self, BadModel> {
        Ok(Self::Genai(Arc::new(Remote::new(setup)?)))
    }

    #[must_use]
    pub const fn is_off(&self) -> bool {
        matches!(self, Self::Off)
    }

    /// `deepseek::deepseek-chat`; empty without a model.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Off => String::new(),
            Self::Genai(remote) => remote.model().to_string(),
            Self::Scripted(_) => "scripted".to_owned(),
        }
    }

    /// Whether identifiers may be sent unmasked: the model is the operator's own.
    #[must_use]
    pub fn is_private(&self) -> bool {
        match self {
            Self::Genai(remote) => remote.is_private(),
            Self::Off | Self::Scripted(_) => false,
        }
    }

    /// Asks once, trying again after 429, 5xx and lost connections as long as the budget lasts. Tokens are taken from the budget.
    pub async fn complete(
        &self,
        request: &Request,
        budget: &mut Budget,
    ) -> Result<Completion, Error> {
        let answer = match self {
            Self::Off => return Err(Error::Off),
            Self::Genai(remote) => remote.complete(request, budget).await?,
            Self::Scripted(script) => script.complete(request, budget).await?,
        };
        budget.spend(answer.input_tokens + answer.output_tokens);
        if answer.text.trim().is_empty() {
            Err(Error::Empty)
        } else {
            Ok(answer)
        }
    }

    /// One vector per text, in order. Texts are sent ten at a time.
    pub async fn embed(
        &self,
        texts: &[String],
        budget: &mut Budget,
    ) -> Result<Vec<Vec<f32>>, Error> {
        match self {
            Self::Off => Err(Error::Off),
            Self::Genai(remote) => remote.embed(texts, budget).await,
            Self::Scripted(_) => Ok(Script::embed(texts)),
        }
    }
}
