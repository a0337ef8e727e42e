//! The language model, by one real completion, and the embedder.

use std::time::{Duration, Instant};

use super::Check;
use crate::{
    app,
    config::Config,
    llm::{Budget, Llm, Request},
};

/// A provider that needs longer for a word is of no use to somebody who waits.
const PATIENCE: Duration = Duration::from_secs(30);
/// Room for a model that thinks before it answers.
const TOKENS: u64 = 2_000;

pub(super) async fn checks(config: &Config) -> Vec<Check> {
    vec![completion(config).await, embedding(config).await]
}

pub(super) async fn completion(config: &Config) -> Check {
    let (name, lang) = ("llm", config.lang());
    let llm = match app::model(config) {
        Ok(Llm::Off) => {
            return Check::off(
                name,
                lang.pick(
                    "没有设模型，报告按规则生成",
                    "none is set; reports are made by rules",
                ),
            );
        }
        Ok(llm) => llm,
        Err(error) => {
            return Check::problem(
                name,
                error.to_string(),
                lang.pick("改正 GENGFU_LLM_MODEL", "mend GENGFU_LLM_MODEL"),
            );
        }
    };
    let request = Request {
        system: "Answer with a JSON object and nothing else.".to_owned(),
        user: r#"Answer {"ok":true}"#.to_owned(),
        max_output_tokens: 500,
        ..Request::default()
    };
    let start = Instant::now();
    let host = host(config.models.llm_endpoint.as_ref(), &llm.name());
    match llm.complete(&request, &mut Budget::new(PATIENCE, TOKENS)).await {
        Ok(answer) => {
            let tokens = answer.input_tokens + answer.output_tokens;
            Check::ok(name, format!("{host}: {} ms, {tokens} tokens", start.elapsed().as_millis()))
        }
        Err(error) => Check::problem(
            name,
            format!("{host}: {}", error.sentence(lang)),
            lang.pick(
                "检查 GENGFU_LLM_KEY、GENGFU_LLM_ENDPOINT 和网络；没有模型时报告照样按规则生成",
                "check GENGFU_LLM_KEY, GENGFU_LLM_ENDPOINT and the network; without a model reports are made by rules",
            ),
        ),
    }
}

async fn embedding(config: &Config) -> Check {
    let (name, lang, models) = ("embedder", config.lang(), &config.models);
    let Some(model) = &models.embed else {
        return Check::ok(name, lang.pick("内置，离线", "built-in, offline"));
    };
    let llm = match app::embedder(config) {
        Ok(llm) => llm,
        Err(error) => {
            return Check::problem(
                name,
                error.to_string(),
                lang.pick("改正 GENGFU_EMBED_MODEL", "mend GENGFU_EMBED_MODEL"),
            );
        }
    };
    let host = host(models.embed_endpoint.as_ref(), model);
    match llm
        .embed(&["ok".to_owned()], &mut Budget::new(PATIENCE, TOKENS))
        .await
    {
        Ok(vectors) => Check::ok(
            name,
            format!("{host}: {} dimensions", vectors.first().map_or(0, Vec::len)),
        ),
        Err(error) => Check::problem(
            name,
            format!("{host}: {}", error.sentence(lang)),
            lang.pick(
                "检查 GENGFU_EMBED_KEY 和 GENGFU_EMBED_ENDPOINT",
                "check GENGFU_EMBED_KEY and GENGFU_EMBED_ENDPOINT",
            ),
        ),
    }
}

/// The model, and the host it is asked at when that is the operator's choice.
fn host(endpoint: Option<&url::Url>, model: &str) -> String {
    match endpoint.and_then(|url| url.host_str()) {
        Some(host) => format!("{model} @ {host}"),
        None => model.to_owned(),
    }
}
