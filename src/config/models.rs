//! Which language model and embedder are asked, and what they may cost. Whether a model's name is usable is for `llm` to say.

use std::time::Duration;

use secrecy::SecretString;

use super::read::Reader;
use crate::model::report::Price;

#[derive(Debug, Clone)]
pub struct Models {
    /// `None`: no model, the report is made by rules.
    pub llm: Option<String>,
    pub llm_endpoint: Option<url::Url>,
    pub llm_key: Option<SecretString>,
    pub budget: Duration,
    pub budget_tokens: u64,
    /// What the model's tokens cost, for the report.
    pub price: Option<Price>,
    /// The model is the operator's own: identifiers need not be masked.
    pub private: bool,
    /// `None`: the built-in embedder.
    pub embed: Option<String>,
    pub embed_endpoint: Option<url::Url>,
    pub embed_key: Option<SecretString>,
}

pub(super) fn read(r: &mut Reader<'_>) -> Models {
    Models {
        llm: r.text_if_set("GENGFU_LLM_MODEL"),
        llm_endpoint: r.url("GENGFU_LLM_ENDPOINT"),
        llm_key: r.secret("GENGFU_LLM_KEY"),
        budget: Duration::from_secs(r.number("GENGFU_LLM_BUDGET_S", 1..=3600)),
        budget_tokens: r.number("GENGFU_LLM_BUDGET_TOKENS", 1_000..=100_000_000),
        price: r.parsed(
            "GENGFU_LLM_PRICE",
            |t| t.parse().ok(),
            "每百万 token 的价格，先输入后输出，如 2/8 CNY",
            "the price of a million tokens in and out, such as 2/8 CNY",
        ),
        private: r.flag("GENGFU_LLM_PRIVATE"),
        embed: r.text_if_set("GENGFU_EMBED_MODEL"),
        embed_endpoint: r.url("GENGFU_EMBED_ENDPOINT"),
        embed_key: r.secret("GENGFU_EMBED_KEY"),
    }
}
