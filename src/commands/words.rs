//! Why a command failed, in the operator's language, and whose fault it was.
//!
//! In: an error with its causes. Out: one sentence, and whether the command was used wrongly. Always true: an error of ours speaks
//! for itself; of a foreign one what was being done is told, then what the system said.

use std::{error::Error, io};

use crate::{
    app,
    llm::BadModel,
    model::{InvalidAlias, Lang},
    owners, round, store,
};

/// What is wrong and what to do.
pub(super) fn sentence(error: &anyhow::Error, lang: Lang) -> String {
    let mut said = Vec::new();
    for cause in error.chain() {
        if let Some(sentence) = ours(cause, lang) {
            said.push(sentence);
            break;
        }
        match cause.downcast_ref::<io::Error>() {
            Some(error) => said.push(lang.refusal(error)),
            None => said.push(cause.to_string()),
        }
    }
    said.join(lang.pick(":", ": "))
}

/// Bad arguments or configuration, rather than a world that does not go along.
pub(super) fn is_misuse(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let owner = |error: &owners::Error| {
            use owners::Error as Owner;
            matches!(
                error,
                Owner::Unknown { .. }
                    | Owner::Exists(_)
                    | Owner::KeyTaken(_)
                    | Owner::Nobody
                    | Owner::Alias(_)
            )
        };
        let app = |error: &app::Error| match error {
            app::Error::Owner(error) => owner(error),
            app::Error::NoBucket(_)
            | app::Error::NoKey(_)
            | app::Error::NoRegion(_)
            | app::Error::Model(_) => true,
            app::Error::Store(_)
            | app::Error::Faults(_)
            | app::Error::Bucket(_)
            | app::Error::NoPlaces(_)
            | app::Error::Expired(_)
            | app::Error::Api(_) => false,
        };
        cause.downcast_ref().is_some_and(owner)
            || cause.downcast_ref().is_some_and(app)
            || cause.is::<BadModel>()
            || cause.is::<InvalidAlias>()
    })
}

/// What is wrong with the arguments; `None` where clap's own text serves (help, version, a missing argument).
pub(super) fn misread(error: &clap::Error, lang: Lang) -> Option<String> {
    use clap::error::{ContextKind as Context, ErrorKind as Kind};
    let text = |kind| match error.get(kind) {
        Some(clap::error::ContextValue::String(text)) => text.as_str(),
        _ => "",
    };
    let sentence = match (error.kind(), lang) {
        (Kind::ValueValidation, _) => {
            let (option, value) = (text(Context::InvalidArg), text(Context::InvalidValue));
            let (zh, en) = if option.starts_with("--date") {
                ("一个日期,例如 2026-11-21", "a date such as 2026-11-21")
            } else if option.starts_with("--owner") {
                (
                    "主人的别名(gengfu owner list 列出全部)",
                    "an owner's alias (`gengfu owner list` shows them)",
                )
            } else {
                ("它要的值(见 --help)", "what it takes (see --help)")
            };
            lang.pick(
                format!("{option} 用不了 `{value}`;请写{zh}"),
                format!("{option} cannot be `{value}`; write {en}"),
            )
        }
        (Kind::InvalidSubcommand, Lang::Zh) => format!(
            "没有命令 `{}`;gengfu --help 列出全部命令",
            text(Context::InvalidSubcommand)
        ),
        (Kind::UnknownArgument, Lang::Zh) => format!(
            "不认识参数 `{}`;加 --help 查看这个命令的参数",
            text(Context::InvalidArg)
        ),
        _ => return None,
    };
    // What was typed comes back on a terminal.
    Some(sentence.chars().filter(|c| !c.is_control()).collect())
}

fn ours(cause: &(dyn Error + 'static), lang: Lang) -> Option<String> {
    let app = cause.downcast_ref().map(|e: &app::Error| e.sentence(lang));
    app.or_else(|| {
        cause
            .downcast_ref()
            .map(|e: &round::Error| e.sentence(lang))
    })
    .or_else(|| {
        cause
            .downcast_ref()
            .map(|e: &store::Error| e.sentence(lang))
    })
    .or_else(|| {
        cause
            .downcast_ref()
            .map(|e: &owners::Error| e.sentence(lang))
    })
    .or_else(|| cause.downcast_ref().map(|e: &BadModel| e.sentence(lang)))
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn an_error_of_ours_ends_the_sentence_in_both_languages() {
        let full = || Err::<(), _>(store::Error::Full).context("keeping a day");
        let error = full().expect_err("full");
        assert!(sentence(&error, Lang::Zh).contains("GENGFU_DATA_DIR"));
        assert!(sentence(&error, Lang::En).starts_with("keeping a day: the disk is full;"));
        assert!(!is_misuse(&error));
    }

    #[test]
    fn a_wrong_name_is_misuse_wherever_it_was_noticed() {
        let nobody = || owners::Error::Nobody;
        assert!(is_misuse(&nobody().into()));
        assert!(is_misuse(&app::Error::from(nobody()).into()));
        let error = anyhow::Error::from(app::Error::NoRegion("demo".parse().expect("alias")));
        assert!(is_misuse(&error) && sentence(&error, Lang::Zh).contains("TENCENTCLOUD_REGION"));
    }
}
