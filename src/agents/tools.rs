//! What a model may call: two queries into the store, and for the supervisor the wish to see one kind of log more.
//!
//! In: a call as it came. Out: text in an envelope, a wish, or what to say to a call of something that does not exist. Everything here
//! only reads, and reads only what retrieval gives: switching owners, rollbacks, marks and downloads are out of a model's reach because
//! they are not here.

use serde::Deserialize;
use serde_json::json;

use crate::{
    llm::Tool,
    model::{EvidenceId, Lang, LogKind},
};

use super::{
    agent::Agent,
    answer::{Look, QUERY_CHARS},
    material,
    task::Task,
};

const SEARCH: &str = "search";
const OPEN: &str = "open";
const PULL: &str = "pull";
/// Most material of one call by estimate.
const RESULT_TOKENS: u64 = 1_000;

/// What a call gives.
pub(super) enum Answer {
    Text(String),
    /// The supervisor wants an analyst to look into one kind of log.
    Pull(Look),
    /// No such tool, or nothing that can be read as its arguments.
    Unknown(String),
}

/// The tools of a task.
pub(super) fn offered(task: &Task<'_>, lang: Lang) -> Vec<Tool> {
    let text = |description: &str| json!({"type": "string", "description": description});
    let tool = |name, said: &str, properties: serde_json::Value, required: &[&str]| Tool {
        name,
        description: said.to_owned(),
        schema: json!({"type": "object", "properties": properties, "required": required}),
    };
    if task.kind().is_none() {
        let kinds = LogKind::ALL.map(LogKind::as_str);
        let said = lang.pick(
            "还差一类日志才能断定根源时，请那一类的分析员再查一次",
            "Have the analyst of one kind of log look once more, where that would settle the root",
        );
        let query = text(lang.pick("要查的词", "words to look for"));
        let properties = json!({"kind": {"type": "string", "enum": kinds}, "query": query});
        return vec![tool(PULL, said, properties, &["kind", "query"])];
    }
    let said = lang.pick(
        "在同一类日志的发现和模板里再查一次，只读",
        "Look again into findings and templates of this kind of log; only reads",
    );
    let query = text(lang.pick("要查的词", "words to look for"));
    let search = tool(SEARCH, said, json!({"query": query}), &["query"]);
    let said = lang.pick(
        "看一条已经给出编号的记录的全文，只读",
        "The full text of a record whose id you were shown; only reads",
    );
    let id = text(lang.pick("记录的编号", "id of the record"));
    vec![search, tool(OPEN, said, json!({"id": id}), &["id"])]
}

/// Follows a call. `shown` is everything that the model has seen so far.
pub(super) async fn answer(agent: &Agent<'_>, name: &str, arguments: &str, shown: &str) -> Answer {
    #[derive(Deserialize)]
    struct Search {
        query: String,
    }
    #[derive(Deserialize)]
    struct Open {
        id: String,
    }
    let lang = agent.input.lang;
    let found = match (name, agent.task.kind()) {
        (PULL, None) => return pull(arguments, lang),
        (SEARCH, Some(kind)) => {
            let asked = serde_json::from_str::<Search>(arguments).ok();
            let Some(query) = asked.map(|a| a.query).filter(|q| is_question(q)) else {
                return unreadable(lang);
            };
            let look = Look { kind, query };
            material::of_look(agent.input, &look, &agent.envelope, RESULT_TOKENS).await
        }
        (OPEN, Some(_)) => {
            let asked = serde_json::from_str::<Open>(arguments).ok();
            let id = asked.and_then(|a| a.id.trim().parse::<EvidenceId>().ok());
            let Some(id) = id else {
                return unreadable(lang);
            };
            // Only what retrieval led to: an id that was guessed opens nothing.
            let known = agent.input.records.get(&id);
            let known = known.filter(|_| shown.contains(&id.to_string()));
            known.map_or_else(String::new, |k| {
                agent.envelope.wrap(&id.to_string(), &k.line)
            })
        }
        _ => {
            let names: Vec<_> = offered(&agent.task, lang).iter().map(|t| t.name).collect();
            let names = names.join(", ");
            return Answer::Unknown(lang.pick(
                format!("没有这个工具，只有：{names}"),
                format!("there is no such tool, only: {names}"),
            ));
        }
    };
    if found.is_empty() {
        let nothing = lang.pick("没有查到", "nothing found");
        return Answer::Text(nothing.to_owned());
    }
    Answer::Text(found)
}

fn pull(arguments: &str, lang: Lang) -> Answer {
    let look = serde_json::from_str::<Look>(arguments).ok();
    match look.filter(|l| is_question(&l.query)) {
        Some(look) => Answer::Pull(look),
        None => unreadable(lang),
    }
}

fn is_question(query: &str) -> bool {
    !query.trim().is_empty() && query.chars().count() <= QUERY_CHARS
}

fn unreadable(lang: Lang) -> Answer {
    let said = lang.pick(
        "参数不对，请按工具的说明给出",
        "these arguments cannot be read; give those of the tool's schema",
    );
    Answer::Unknown(said.to_owned())
}
