//! One handle to every language model and embedder, with a budget.
//!
//! In: a [`Request`] and a [`Budget`]. Out: a [`Completion`] or an [`Error`] that knows whether trying again helps. Providers are genai's business; this
//! room holds what it does not: names that would go elsewhere are refused ([`Model`]), keys are arguments and never looked up
//! in the environment, waiting and retrying end with the budget, an error never carries a request's text.
//!
//! Log text meets a model only inside an [`Envelope`], with identifiers masked by [`Mask`]. What a model answers is
//! not believed here: that is `agents::claims`.

mod budget;
mod chat;
mod envelope;
mod failure;
mod mask;
mod model;
pub mod prompts;
mod remote;
mod script;
mod talk;

use std::sync::Arc;

pub use budget::{Budget, estimate_tokens};
pub use envelope::Envelope;
pub use mask::Mask;
pub use model::{BadModel, Model, Purpose};
pub use remote::Setup;
pub use script::{Answer, Script};
pub use talk::{Call, Completion, Exchange, Request, Tool};

use crate::model::Lang;
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
    #[error("the connection to the model's provider broke")]
    Broken,
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
    #[error("the model asks for tools instead of answering")]
    OnlyTools,
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
            Self::RateLimited | Self::Provider(_) | Self::Unreachable | Self::Broken
        )
    }

    /// What went wrong, for the operator.
    #[must_use]
    pub fn sentence(&self, lang: Lang) -> String {
        if lang == Lang::En {
            return self.to_string();
        }
        let said = match self {
            Self::Off => "没有配置模型",
            Self::Unauthorized(status) => {
                return format!("模型服务商不认这个密钥（HTTP {status}）");
            }
            Self::RateLimited => "模型服务商要求放慢（HTTP 429）",
            Self::Provider(status) => return format!("模型服务商出错（HTTP {status}）"),
            Self::Rejected(status) => return format!("模型服务商拒绝了请求（HTTP {status}）"),
            Self::Unreachable => "连不上模型服务商",
            Self::Broken => "和模型服务商的连接中途断了",
            Self::TimedOut => "模型没有按时回答",
            Self::TooLong => "请求超过了模型的上下文长度",
            Self::Unreadable => "模型的回答读不懂",
            Self::Empty => "模型什么也没回答",
            Self::Refused => "模型拒绝回答",
            Self::OnlyTools => "模型只要求调用工具，不回答",
            Self::OutOfTime => "给模型的时间用完了",
            Self::OutOfTokens => "给模型的 token 用完了",
        };
        said.to_owned()
    }

    /// Whether the provider may count tokens for it all the same.
    const fn may_have_cost(&self) -> bool {
        matches!(
            self,
            Self::TimedOut | Self::Broken | Self::Unreadable | Self::Refused
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
        let asked = match self {
            Self::Off => Err(Error::Off),
            Self::Genai(remote) => chat::complete(remote, request, budget).await,
            Self::Scripted(script) => script.complete(request, budget).await,
        };
        let answer = asked.inspect_err(|error| {
            // Nobody says what these cost; what was asked has been read, most likely.
            if error.may_have_cost() {
                budget.spend(request.input_tokens());
            }
        })?;
        budget.spend(answer.input_tokens + answer.output_tokens);
        if answer.text.trim().is_empty() && answer.calls.is_empty() {
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
