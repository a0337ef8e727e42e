//! genai, asked within a budget.
//!
//! In: a [`Setup`]. Out: completions and vectors. The key is handed over with every call, so that genai never looks into the environment; errors of genai,
//! some of which print the whole request, become [`Error`]s without text.

use std::time::Duration;

use futures::future::BoxFuture;
use genai::{
    Client, ModelIden, ServiceTarget,
    chat::{ChatMessage, ChatOptions, ChatRequest, ChatResponseFormat, StopReason},
    resolver::{AuthData, Endpoint},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{sleep, timeout};
use tracing::debug;

use super::{BadModel, Budget, Completion, Error, Model, Purpose, Request, estimate_tokens};

/// Texts of one embedding request: DashScope takes ten at most, the others more.
pub(super) const EMBED_BATCH: usize = 10;
/// One request may not take longer, so that a provider that hangs leaves time for another try.
const CALL_TIME: Duration = Duration::from_mins(1);
/// A third failure in a row is no accident.
const TRIES: u32 = 3;
/// First pause before another try; doubled each time. A provider's `Retry-After` goes before.
const PAUSE: Duration = Duration::from_secs(1);

/// Where and how a model is reached.
#[derive(Debug, Clone)]
pub struct Setup {
    pub model: String,
    pub purpose: Purpose,
    /// Base URL; `None` for the provider's own.
    pub endpoint: Option<String>,
    pub key: Option<SecretString>,
    /// The model is the operator's own: identifiers are sent as they are.
    pub private: bool,
}

/// A model behind HTTP.
#[derive(Debug)]
pub struct Remote {
    client: Client,
    model: Model,
    endpoint: Option<Endpoint>,
    key: Option<SecretString>,
    private: bool,
}

impl Remote {
    pub(super) fn new(setup: Setup) -> Result<Self, BadModel> {
        let model = Model::parse(&setup.model, setup.purpose, setup.endpoint.is_some())?;
        // A proxy of the process environment must not see what a model is asked.
        let http = reqwest::Client::builder()
            .no_proxy()
            .connect_timeout(Duration::from_secs(10));
        let http = http.build().map_err(|_| BadModel::Client)?;
        let client = Client::builder()
            .with_reqwest(http)
            .build()
            .map_err(|_| BadModel::Client)?;
        // genai joins paths to the base URL, which must end with a slash for that.
        let endpoint = setup
            .endpoint
            .map(|url| Endpoint::from_owned(format!("{}/", url.trim_end_matches('/'))));
        Ok(Self {
            client,
            model,
            endpoint,
            key: setup.key,
            private: setup.private,
        })
    }

    pub(super) const fn model(&self) -> &Model {
        &self.model
    }

    pub(super) const fn is_private(&self) -> bool {
        self.private
    }

    async fn target(&self) -> Result<ServiceTarget, Error> {
        let model = ModelIden::new(self.model.adapter, self.model.name.clone());
        let mut target = self
            .client
            .resolve_service_target(model)
            .await
            .map_err(|_| Error::Unreachable)?;
        target.auth = match &self.key {
            Some(key) => AuthData::from_single(key.expose_secret()),
            // A server of one's own may ask for none; a header is sent all the same.
            None if self.model.needs_key() => AuthData::from_single("none"),
            None => AuthData::None,
        };
        if let Some(endpoint) = &self.endpoint {
            target.endpoint = endpoint.clone();
        }
        Ok(target)
    }

    pub(super) async fn complete(
        &self,
        request: &Request,
        budget: &Budget,
    ) -> Result<Completion, Error> {
        let chat = ChatRequest::from_system(&request.system)
            .append_message(ChatMessage::user(&request.user));
        let options = ChatOptions::default()
            .with_temperature(0.0)
            .with_max_tokens(request.max_output_tokens)
            .with_response_format(ChatResponseFormat::JsonMode);
        let call = || -> BoxFuture<'_, _> {
            Box::pin(async {
                budget.admit(request)?;
                let target = self.target().await?;
                self.client
                    .exec_chat(target, chat.clone(), Some(&options))
                    .await
                    .map_err(|e| error(&e))
            })
        };
        let answer = within(budget, call).await?;
        if !answer.tool_calls().is_empty() {
            return Err(Error::UnknownTool);
        }
        if matches!(answer.stop_reason, Some(StopReason::ContentFilter(_))) {
            return Err(Error::Refused);
        }
        let tokens = |n: Option<i32>| n.and_then(|n| u64::try_from(n).ok());
        let cut = answer
            .stop_reason
            .as_ref()
            .is_some_and(StopReason::is_max_tokens);
        let usage = answer.usage.clone();
        let text = answer.into_texts().join("");
        Ok(Completion {
            input_tokens: tokens(usage.prompt_tokens).unwrap_or_else(|| {
                estimate_tokens(&request.system) + estimate_tokens(&request.user)
            }),
            output_tokens: tokens(usage.completion_tokens)
                .unwrap_or_else(|| estimate_tokens(&text)),
            cut,
            text,
        })
    }

    pub(super) async fn embed(
        &self,
        texts: &[String],
        budget: &mut Budget,
    ) -> Result<Vec<Vec<f32>>, Error> {
        let mut vectors = Vec::with_capacity(texts.len());
        for batch in texts.chunks(EMBED_BATCH) {
            let call = || -> BoxFuture<'_, _> {
                Box::pin(async {
                    let target = self.target().await?;
                    self.client
                        .embed_batch(target, batch.to_vec(), None)
                        .await
                        .map_err(|e| error(&e))
                })
            };
            let answer = within(budget, call).await?;
            let mut found = answer.embeddings;
            found.sort_by_key(|e| e.index);
            let dimensions = found.first().map_or(0, |e| e.vector.len());
            if found.len() != batch.len()
                || dimensions == 0
                || found.iter().any(|e| e.vector.len() != dimensions)
            {
                return Err(Error::Unreadable);
            }
            budget.spend(batch.iter().map(|t| estimate_tokens(t)).sum());
            vectors.extend(found.into_iter().map(|e| e.vector));
        }
        Ok(vectors)
    }
}

/// Tries a call until it succeeds, fails for good, or the budget's time is over.
///
/// The call gives a boxed future: of an `AsyncFn`'s the compiler cannot tell that it may move between threads.
async fn within<'a, T>(
    budget: &Budget,
    call: impl Fn() -> BoxFuture<'a, Result<T, Failed>>,
) -> Result<T, Error> {
    let mut pause = PAUSE;
    for attempt in 1..=TRIES {
        let left = budget.time_left();
        if left.is_zero() {
            return Err(Error::OutOfTime);
        }
        let failed = match timeout(left.min(CALL_TIME), call()).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(failed)) => failed,
            Err(_) if budget.time_left().is_zero() => return Err(Error::OutOfTime),
            Err(_) => return Err(Error::TimedOut),
        };
        let wait = failed.retry_after.unwrap_or(pause);
        if !failed.error.is_transient() || attempt == TRIES || wait >= budget.time_left() {
            return Err(failed.error);
        }
        debug!(error = %failed.error, attempt, wait_ms = wait.as_millis(), "the model will be asked again");
        sleep(wait).await;
        pause *= 2;
    }
    Err(Error::TimedOut)
}

struct Failed {
    error: Error,
    retry_after: Option<Duration>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self {
            error,
            retry_after: None,
        }
    }
}

fn error(e: &genai::Error) -> Failed {
    let Some(status) = e.status().map(|s| s.as_u16()) else {
        return match e {
            genai::Error::WebModelCall {
                webc_error: genai::webc::Error::Reqwest(e),
                ..
            } if e.is_timeout() => Error::TimedOut,
            genai::Error::WebModelCall {
                webc_error: genai::webc::Error::Reqwest(_),
                ..
            } => Error::Unreachable,
            _ => Error::Unreadable,
        }
        .into();
    };
    let retry_after = e
        .headers()
        .and_then(|h| h.get("retry-after"))
        .and_then(|v| v.to_str().ok()?.parse().ok())
        .map(Duration::from_secs);
    // Providers answer 400 or 413 to a request that is too long and say so in their own words only.
    let body = match e {
        genai::Error::WebModelCall {
            webc_error: genai::webc::Error::ResponseFailedStatus { body, .. },
            ..
        } => body.to_lowercase(),
        _ => String::new(),
    };
    let too_long = [
        "context_length",
        "context length",
        "maximum context",
        "too long",
        "range of input length",
        "exceeds the max",
    ];
    let error = match status {
        401 | 403 => Error::Unauthorized(status),
        429 => Error::RateLimited,
        413 => Error::TooLong,
        400 | 422 if too_long.iter().any(|t| body.contains(t)) => Error::TooLong,
        500.. => Error::Provider(status),
        _ => Error::Rejected(status),
    };
    Failed { error, retry_after }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// The ready blocks of the README, each asked of genai where it would send a request.
    #[tokio::test]
    async fn the_blocks_of_the_readme_lead_where_they_say() {
        let readme = include_str!("../../README.md");
        let mut hosts = Vec::new();
        for block in readme.split("```sh\n").skip(1) {
            let block = block.split("```").next().unwrap_or_default();
            let set: BTreeMap<&str, &str> =
                block.lines().filter_map(|l| l.split_once('=')).collect();
            for (purpose, of) in [(Purpose::Chat, "LLM"), (Purpose::Embed, "EMBED")] {
                let value = |what: &str| set.get(format!("GENGFU_{of}_{what}").as_str()).copied();
                let Some(model) = value("MODEL") else {
                    continue;
                };
                let remote = Remote::new(Setup {
                    model: model.to_owned(),
                    purpose,
                    endpoint: value("ENDPOINT").map(str::to_owned),
                    key: value("KEY").map(SecretString::from),
                    private: false,
                });
                let target = remote.expect(model).target().await.expect(model);
                let url = target.endpoint.base_url().to_owned();
                let host = url.split('/').nth(2).unwrap_or_default().to_owned();
                hosts.push(format!("{model} {host}"));
            }
        }
        assert_eq!(
            hosts,
            [
                "deepseek::deepseek-chat api.deepseek.com",
                "aliyun::qwen-plus dashscope.aliyuncs.com",
                "text-embedding-v4 dashscope.aliyuncs.com",
                "bigmodel::glm-4-plus open.bigmodel.cn",
                "ollama::qwen3:8b localhost:11434",
                "ollama::bge-m3 localhost:11434",
                "some-model models.example.com",
            ]
        );
    }
}
