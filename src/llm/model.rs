//! The name of a model, and where genai sends it.
//!
//! In: what the operator wrote, and whether an endpoint of their own was given. Out: a [`Model`] or what to write instead. genai 0.7 guesses the provider from
//! a bare name and takes Ollama on localhost for whatever it does not know: `qwen-plus` would go there, `text-embedding-v4` to
//! OpenAI. A name is accepted only when the guess is the one that people mean; the tests hold this against genai's own routing.

use std::fmt;

use genai::adapter::AdapterKind;

use crate::model::Lang;

/// A model with the adapter that speaks to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    pub(super) adapter: AdapterKind,
    /// As genai wants it, with the namespace where it has one.
    pub(super) name: String,
}

/// What a model is used for; the same bare name may belong to different providers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Chat,
    Embed,
}

/// The name would go to the wrong place, or nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadModel {
    #[error(
        "`{name}` does not say which provider it belongs to and would go to {elsewhere}; write `{instead}`"
    )]
    Ambiguous {
        name: String,
        elsewhere: String,
        instead: String,
    },
    #[error("`{namespace}` is no provider that genai knows; write `{instead}`")]
    UnknownProvider { namespace: String, instead: String },
    #[error("`{0}` has no model name after the provider")]
    NoName(String),
    #[error("the client for the model cannot be built")]
    Client,
}

impl BadModel {
    /// What is wrong and what to write, for the operator.
    #[must_use]
    pub fn sentence(&self, lang: Lang) -> String {
        if lang == Lang::En {
            return self.to_string();
        }
        match self {
            Self::Ambiguous {
                name,
                elsewhere,
                instead,
            } => format!("模型名 `{name}` 没有写明服务商,会被送到 {elsewhere};请写 `{instead}`"),
            Self::UnknownProvider { namespace, instead } => {
                format!("不认识模型服务商 `{namespace}`;请写 `{instead}`")
            }
            Self::NoName(name) => format!("`{name}` 后面缺少模型名;请写成 服务商::模型名"),
            Self::Client => "模型的客户端建不起来;请检查系统的 TLS 证书".to_owned(),
        }
    }
}

/// What people call providers, and genai's namespace.
const ALIASES: [(&str, &str); 14] = [
    ("qwen", "aliyun"),
    ("dashscope", "aliyun"),
    ("tongyi", "aliyun"),
    ("bailian", "aliyun"),
    ("zhipu", "bigmodel"),
    ("glm", "bigmodel"),
    ("chatglm", "bigmodel"),
    ("google", "gemini"),
    ("claude", "anthropic"),
    ("gpt", "openai"),
    ("local", "ollama"),
    ("moonshotai", "moonshot"),
    ("ernie", "baidu"),
    ("grok", "xai"),
];

/// Beginnings of bare names, and whose they are.
const FAMILIES: [(Purpose, &str, &str); 19] = [
    (Purpose::Chat, "gpt-oss", "ollama"),
    (Purpose::Chat, "gpt", "openai"),
    (Purpose::Chat, "chatgpt", "openai"),
    (Purpose::Chat, "o1", "openai"),
    (Purpose::Chat, "o3", "openai"),
    (Purpose::Chat, "o4", "openai"),
    (Purpose::Chat, "claude", "anthropic"),
    (Purpose::Chat, "gemini", "gemini"),
    (Purpose::Chat, "deepseek-", "deepseek"),
    (Purpose::Chat, "qwen", "aliyun"),
    (Purpose::Chat, "qwq", "aliyun"),
    (Purpose::Chat, "glm", "bigmodel"),
    (Purpose::Chat, "kimi-", "kimi"),
    (Purpose::Chat, "moonshot-", "moonshot"),
    (Purpose::Chat, "ernie", "baidu"),
    (Purpose::Embed, "text-embedding-v", "aliyun"),
    (Purpose::Embed, "text-embedding-3", "openai"),
    (Purpose::Embed, "text-embedding-ada", "openai"),
    (Purpose::Embed, "embedding-", "bigmodel"),
];

impl Model {
    /// Reads a name. With an endpoint of the operator's own, a bare name means "whatever speaks OpenAI's format there".
    pub fn parse(name: &str, purpose: Purpose, own_endpoint: bool) -> Result<Self, BadModel> {
        let name = name.trim();
        if let Some((namespace, rest)) = name.split_once("::") {
            return Self::namespaced(namespace, rest, own_endpoint);
        }
        if name.is_empty() {
            return Err(BadModel::NoName(String::new()));
        }
        if own_endpoint {
            return Ok(Self {
                adapter: AdapterKind::OpenAI,
                name: format!("openai::{name}"),
            });
        }
        let guessed = AdapterKind::from_model(name).unwrap_or(AdapterKind::Ollama);
        let meant = FAMILIES
            .iter()
            .find(|(p, start, _)| *p == purpose && name.starts_with(start))
            .map(|f| f.2);
        // GPT-5 and later speak OpenAI's newer format; both are OpenAI.
        let agrees = |namespace| match guessed {
            AdapterKind::OpenAIResp => namespace == "openai",
            _ => guessed.as_lower_str() == namespace,
        };
        match meant {
            Some(namespace) if agrees(namespace) => Ok(Self {
                adapter: guessed,
                name: name.to_owned(),
            }),
            meant => Err(BadModel::Ambiguous {
                name: short(name),
                elsewhere: guessed.to_string(),
                instead: format!("{}::{}", meant.unwrap_or("ollama"), short(name)),
            }),
        }
    }

    fn namespaced(namespace: &str, rest: &str, own_endpoint: bool) -> Result<Self, BadModel> {
        if rest.is_empty() {
            return Err(BadModel::NoName(format!("{}::", short(namespace))));
        }
        let name = format!("{namespace}::{rest}");
        let known = AdapterKind::from_model(&name).ok().filter(|kind| {
            // genai falls back to guessing from the whole text when it does not know the namespace.
            AdapterKind::from_lower_str(namespace) == Some(*kind)
                || matches!(
                    namespace,
                    "zai_coding" | "baidu_coding" | "baidu_coding_anthropic"
                )
        });
        let Some(adapter) = known else {
            let lower = namespace.to_lowercase();
            let alias = ALIASES.iter().find(|a| a.0 == lower).map(|a| a.1);
            let same = AdapterKind::from_lower_str(&lower).map(|kind| kind.as_lower_str());
            let instead = alias.or(same).unwrap_or("openai");
            return Err(BadModel::UnknownProvider {
                namespace: short(namespace),
                instead: format!("{instead}::{}", short(rest)),
            });
        };
        // Most adapters are OpenAI's format at a fixed address, and some (Zai) ignore another one: an own endpoint is spoken to plainly.
        let keeps_format = matches!(
            adapter,
            AdapterKind::Ollama
                | AdapterKind::Anthropic
                | AdapterKind::Gemini
                | AdapterKind::Cohere
                | AdapterKind::OpenAIResp
        );
        if own_endpoint && !keeps_format {
            return Ok(Self {
                adapter: AdapterKind::OpenAI,
                name: format!("openai::{rest}"),
            });
        }
        Ok(Self { adapter, name })
    }

    /// Ollama asks for no key.
    pub(super) const fn needs_key(&self) -> bool {
        !matches!(self.adapter, AdapterKind::Ollama)
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ready blocks of `.env.example` and the README.
    #[test]
    fn the_documented_names_go_where_they_say() {
        for (name, purpose, adapter) in [
            (
                "deepseek::deepseek-chat",
                Purpose::Chat,
                AdapterKind::DeepSeek,
            ),
            ("aliyun::qwen-plus", Purpose::Chat, AdapterKind::Aliyun),
            ("bigmodel::glm-4-plus", Purpose::Chat, AdapterKind::BigModel),
            ("ollama::qwen3:8b", Purpose::Chat, AdapterKind::Ollama),
            (
                "aliyun::text-embedding-v4",
                Purpose::Embed,
                AdapterKind::Aliyun,
            ),
            ("ollama::bge-m3", Purpose::Embed, AdapterKind::Ollama),
            ("gpt-4o-mini", Purpose::Chat, AdapterKind::OpenAI),
            ("gpt-5-mini", Purpose::Chat, AdapterKind::OpenAIResp),
            ("claude-sonnet-4-5", Purpose::Chat, AdapterKind::Anthropic),
            ("deepseek-chat", Purpose::Chat, AdapterKind::DeepSeek),
            (
                "text-embedding-3-small",
                Purpose::Embed,
                AdapterKind::OpenAI,
            ),
        ] {
            let model = Model::parse(name, purpose, false).expect(name);
            assert_eq!(model.adapter, adapter, "{name}");
            assert_eq!(
                AdapterKind::from_model(&model.name).expect("routing"),
                adapter,
                "{name}"
            );
        }
    }

    #[test]
    fn a_name_that_would_go_elsewhere_is_refused_with_the_right_spelling() {
        for (name, purpose, instead) in [
            ("qwen-plus", Purpose::Chat, "aliyun::qwen-plus"),
            ("qwen3:8b", Purpose::Chat, "aliyun::qwen3:8b"),
            ("glm-4-plus", Purpose::Chat, "bigmodel::glm-4-plus"),
            ("llama3.1", Purpose::Chat, "ollama::llama3.1"),
            (
                "text-embedding-v4",
                Purpose::Embed,
                "aliyun::text-embedding-v4",
            ),
            ("bge-m3", Purpose::Embed, "ollama::bge-m3"),
            ("dashscope::qwen-plus", Purpose::Chat, "aliyun::qwen-plus"),
            (
                "DeepSeek::deepseek-chat",
                Purpose::Chat,
                "deepseek::deepseek-chat",
            ),
            (
                "hunyuan::hunyuan-turbo",
                Purpose::Chat,
                "openai::hunyuan-turbo",
            ),
        ] {
            let refused = Model::parse(name, purpose, false).expect_err(name);
            assert!(
                refused.to_string().ends_with(&format!("write `{instead}`")),
                "{refused}"
            );
            assert!(Model::parse(instead, purpose, false).is_ok(), "{instead}");
        }
    }

    #[test]
    fn an_own_endpoint_is_spoken_to_in_openais_format_unless_the_namespace_says_otherwise() {
        let adapter = |name| {
            Model::parse(name, Purpose::Chat, true)
                .expect("model")
                .adapter
        };
        assert_eq!(adapter("qwen-plus"), AdapterKind::OpenAI);
        assert_eq!(adapter("zai::glm-4.6"), AdapterKind::OpenAI);
        assert_eq!(adapter("ollama::qwen3:8b"), AdapterKind::Ollama);
    }
}
