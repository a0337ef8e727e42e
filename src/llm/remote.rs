//! genai, asked within a budget.
//!
//! In: a [`Setup`]. Out: vectors, and the target of a question to a chat model (`chat` asks it). The key is handed over with every call, so
//! that genai never looks into the environment.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures::future::BoxFuture;
use genai::{
    Client, ModelIden, ServiceTarget,
    adapter::AdapterKind,
    resolver::{AuthData, Endpoint},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{sleep, timeout};
use tracing::debug;

use super::{
    BadModel, Budget, Error, Model, Purpose, estimate_tokens,
    failure::{Failed, failed},
};

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
    /// It understood neither a stream nor tools.
    plain: AtomicBool,
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
            plain: AtomicBool::new(false),
        })
    }

    pub(super) const fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn is_plain(&self) -> bool {
        self.plain.load(Ordering::Relaxed)
    }

    pub(super) fn stay_plain(&self) {
        self.plain.store(true, Ordering::Relaxed);
    }

    /// Whether it can be told to answer in JSON; the others are told so in words only.
    pub(super) const fn json_mode(&self) -> bool {
        !matches!(self.model.adapter, AdapterKind::Anthropic)
    }

    /// Ollama's models think before they answer unless they are told not to.
    pub(super) const fn thinks_unasked(&self) -> bool {
        matches!(self.model.adapter, AdapterKind::Ollama)
    }

    pub(super) const fn model(&self) -> &Model {
        &self.model
    }

    pub(super) const fn is_private(&self) -> bool {
        self.private
    }

    pub(super) async fn target(&self) -> Result<ServiceTarget, Error> {
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

    pub(super) async fn embed(
        &self,
        texts: &[String],
        budget: &mut Budget,
    ) -> Result<Vec<Vec<f32>>, Error> {
        let mut vectors = Vec::with_capacity(texts.len());
        for batch in texts.chunks(EMBED_BATCH) {
            let tokens = batch.iter().map(|t| estimate_tokens(t)).sum();
            if tokens > budget.tokens_left() {
                return Err(Error::OutOfTokens);
            }
            let call = |limit: Duration| -> BoxFuture<'_, _> {
                Box::pin(async move {
                    let target = self.target().await?;
                    let asking = self.client.embed_batch(target, batch.to_vec(), None);
                    let asked = timeout(limit, asking).await;
                    asked.map_err(|_| Error::TimedOut)?.map_err(|e| failed(&e))
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
            budget.spend(tokens);
            vectors.extend(found.into_iter().map(|e| e.vector));
        }
        Ok(vectors)
    }
}

/// Tries a call until it succeeds, fails for good, or the budget's time is over. The call keeps the limit that it is given.
///
/// The call gives a boxed future: of an `AsyncFn`'s the compiler cannot tell that it may move between threads.
pub(super) async fn within<'a, T>(
    budget: &Budget,
    call: impl Fn(Duration) -> BoxFuture<'a, Result<T, Failed>>,
) -> Result<T, Error> {
    let mut pause = PAUSE;
    for attempt in 1..=TRIES {
        let left = budget.time_left();
        if left.is_zero() {
            return Err(Error::OutOfTime);
        }
        let failed = match call(left.min(CALL_TIME)).await {
            Ok(answer) => return Ok(answer),
            Err(failed) => failed,
        };
        if failed.error == Error::TimedOut && budget.time_left().is_zero() {
            return Err(Error::OutOfTime);
        }
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
