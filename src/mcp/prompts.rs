//! Prompts for clients that have them (not the xiaozhi server): the files of `prompts/` that are marked to be served.
//!
//! In: a name and arguments. Out: one message of the user. Always true: a value is put in once and never becomes a template.

use std::collections::BTreeMap;

use rmcp::{
    ErrorData,
    model::{
        CacheScope, GetPromptRequestParams, GetPromptResult, ListPromptsResult, Prompt,
        PromptArgument, PromptMessage, Role,
    },
};

use crate::{llm::prompts, model::Lang};

/// Prompts change with the program only.
const TTL_MS: u64 = 24 * 3600 * 1000;
/// Longer values are no names, dates or ids.
const LONGEST_VALUE: usize = 2_000;

pub(super) fn list(lang: Lang) -> ListPromptsResult {
    let one = |p: &prompts::Prompt| {
        let argument = |a: &prompts::Argument| {
            PromptArgument::new(&a.name)
                .with_description(&a.description)
                .with_required(a.required)
        };
        let arguments = p.arguments.iter().map(argument).collect();
        Prompt::new(&p.name, Some(&p.description), Some(arguments)).with_title(&p.title)
    };
    let all = prompts::served(lang).map(one).collect();
    ListPromptsResult::with_all_items(all)
        .with_ttl_ms(TTL_MS)
        .with_cache_scope(CacheScope::Public)
}

pub(super) fn get(
    lang: Lang,
    request: &GetPromptRequestParams,
) -> Result<GetPromptResult, ErrorData> {
    let prompt = prompts::served(lang)
        .find(|p| p.name == request.name)
        .ok_or_else(|| ErrorData::invalid_params("no such prompt", None))?;
    let given: BTreeMap<&str, String> = request
        .arguments
        .iter()
        .flatten()
        .filter_map(|(name, value)| {
            Some((
                name.as_str(),
                value.as_str()?.chars().take(LONGEST_VALUE).collect(),
            ))
        })
        .collect();
    let given: BTreeMap<&str, &str> = given
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let text = prompt.render(&given).map_err(|error| {
        tracing::error!(prompt = %prompt.name, %error, "could not render a prompt");
        ErrorData::internal_error("the prompt cannot be made; see the log", None)
    })?;
    let message = PromptMessage::new_text(Role::User, text);
    Ok(GetPromptResult::new(vec![message]).with_description(&prompt.description))
}
