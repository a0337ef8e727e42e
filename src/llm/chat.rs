//! One question to a chat model, streamed.
//!
//! In: a [`Request`], a budget. Out: a [`Completion`]. An answer that begins to repeat itself is cut there, so that it neither costs its tokens nor its
//! time; what had arrived when the time was over or the connection broke is kept. Whoever knows neither streams nor tools is asked
//! again plainly, and from then on always.

use std::time::Duration;

use futures::{StreamExt as _, future::BoxFuture};
use genai::chat::{
    ChatMessage, ChatOptions, ChatRequest, ChatResponseFormat, ChatStreamEvent, ReasoningEffort,
    StopReason, StreamEnd, Tool as GenaiTool, ToolCall, ToolResponse, Usage,
};
use serde_json::Value;
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    Budget, Call, Completion, Error, Request, estimate_tokens,
    failure::{Failed, failed},
    remote::{Remote, within},
};

/// An end of so many characters that repeats itself is no answer any more.
const REPEATED_CHARS: usize = 600;
/// Longest passage whose repetition is looked for; a claim with its ids is shorter.
const LONGEST_PERIOD: usize = 200;

/// Asks until there is an answer, a failure that stays, or no time.
pub(super) async fn complete(
    remote: &Remote,
    request: &Request,
    budget: &Budget,
) -> Result<Completion, Error> {
    if remote.is_plain() {
        return plain(remote, request, budget).await;
    }
    match streamed(remote, request, budget).await {
        // Not of this server's taste, or not what a stream looks like.
        Err(Error::Rejected(400 | 404 | 405 | 415 | 422) | Error::Unreadable) => {
            let answer = plain(remote, request, budget).await?;
            remote.stay_plain();
            Ok(answer)
        }
        other => other,
    }
}

async fn streamed(
    remote: &Remote,
    request: &Request,
    budget: &Budget,
) -> Result<Completion, Error> {
    let options = options(remote, request);
    let call = |limit: Duration| -> BoxFuture<'_, Result<Completion, Failed>> {
        let options = &options;
        Box::pin(async move {
            budget.admit(request)?;
            let until = Instant::now() + limit;
            let asking = remote.client().exec_chat_stream(
                remote.target().await?,
                with_tools(request),
                Some(options),
            );
            let asked = timeout_at(until, asking).await;
            let asked = asked
                .map_err(|_| Error::TimedOut)?
                .map_err(|e| failed(&e))?;
            listen(asked.stream, until, request).await
        })
    };
    within(budget, call).await
}

/// Reads a stream to its end, or to where it stops making sense.
async fn listen(
    mut stream: genai::chat::ChatStream,
    until: Instant,
    request: &Request,
) -> Result<Completion, Failed> {
    let mut text = String::new();
    let mut looked_at = 0;
    let mut heard = false;
    let end: Option<StreamEnd> = loop {
        let event = match timeout_at(until, stream.next()).await {
            Ok(event) => event,
            Err(_) if text.is_empty() => return Err(Error::TimedOut.into()),
            Err(_) => break None,
        };
        match event {
            Some(Ok(ChatStreamEvent::Chunk(chunk))) => {
                heard = true;
                text.push_str(&chunk.content);
                if text.len() > looked_at + REPEATED_CHARS / 2 {
                    looked_at = text.len();
                    if repeats(&text) {
                        break None;
                    }
                }
            }
            Some(Ok(ChatStreamEvent::End(end))) => break Some(end),
            Some(Ok(ChatStreamEvent::Start)) => {}
            Some(Ok(_)) => heard = true,
            Some(Err(e)) if text.is_empty() => return Err(failed(&e)),
            Some(Err(_)) | None => break None,
        }
    };
    let Some(end) = end else {
        if !heard {
            return Err(Error::Unreadable.into());
        }
        return completion(text, Vec::new(), None, None, true, request).map_err(Into::into);
    };
    let (reason, usage) = (end.captured_stop_reason.clone(), end.captured_usage.clone());
    let calls = end.captured_into_tool_calls().unwrap_or_default();
    if !heard && calls.is_empty() && usage.is_none() && reason.is_none() {
        return Err(Error::Unreadable.into());
    }
    completion(text, calls, reason.as_ref(), usage, false, request).map_err(Into::into)
}

/// Without a stream and without tools: what was looked up is part of the question.
async fn plain(remote: &Remote, request: &Request, budget: &Budget) -> Result<Completion, Error> {
    let options = ChatOptions::default()
        .with_temperature(0.0)
        .with_max_tokens(request.max_output_tokens);
    let options = if remote.json_mode() {
        options.with_response_format(ChatResponseFormat::JsonMode)
    } else {
        options
    };
    let call = |limit: Duration| -> BoxFuture<'_, Result<Completion, Failed>> {
        let options = &options;
        Box::pin(async move {
            budget.admit(request)?;
            let asking = remote.client().exec_chat(
                remote.target().await?,
                without_tools(request),
                Some(options),
            );
            let answer = timeout(limit, asking).await;
            let answer = answer
                .map_err(|_| Error::TimedOut)?
                .map_err(|e| failed(&e))?;
            let (reason, usage) = (answer.stop_reason.clone(), Some(answer.usage.clone()));
            let calls = answer.tool_calls().into_iter().cloned().collect();
            let text = answer.into_texts().join("");
            completion(text, calls, reason.as_ref(), usage, false, request).map_err(Into::into)
        })
    };
    within(budget, call).await
}

fn completion(
    text: String,
    calls: Vec<ToolCall>,
    reason: Option<&StopReason>,
    usage: Option<Usage>,
    broke_off: bool,
    request: &Request,
) -> Result<Completion, Error> {
    if matches!(reason, Some(StopReason::ContentFilter(_))) {
        return Err(Error::Refused);
    }
    let tokens = |n: Option<i32>| n.and_then(|n| u64::try_from(n).ok());
    let (input, output) = usage.map_or((None, None), |u| {
        (tokens(u.prompt_tokens), tokens(u.completion_tokens))
    });
    let call = |c: ToolCall| Call {
        id: c.call_id,
        name: c.fn_name,
        arguments: opened(c.fn_arguments),
    };
    Ok(Completion {
        input_tokens: input.unwrap_or_else(|| request.input_tokens()),
        output_tokens: output.unwrap_or_else(|| estimate_tokens(&text)),
        calls: calls.into_iter().map(call).collect(),
        cut: broke_off || reason.is_some_and(StopReason::is_max_tokens),
        text,
    })
}

/// Some providers give the arguments as text that holds JSON.
fn opened(arguments: Value) -> Value {
    match &arguments {
        Value::String(text) => serde_json::from_str(text).unwrap_or(arguments),
        _ => arguments,
    }
}

fn options(remote: &Remote, request: &Request) -> ChatOptions {
    let options = ChatOptions::default()
        .with_temperature(0.0)
        .with_max_tokens(request.max_output_tokens)
        .with_capture_usage(true)
        .with_capture_tool_calls(true);
    // A model of one's own machine would think its tokens away before it answers.
    let options = if remote.thinks_unasked() {
        options.with_reasoning_effort(ReasoningEffort::Zero)
    } else {
        options
    };
    // A grammar for JSON alone leaves no room for a call.
    if request.tools.is_empty() && remote.json_mode() {
        options.with_response_format(ChatResponseFormat::JsonMode)
    } else {
        options
    }
}

fn with_tools(request: &Request) -> ChatRequest {
    if request.tools.is_empty() {
        return without_tools(request);
    }
    let mut chat =
        ChatRequest::from_system(&request.system).append_message(ChatMessage::user(&request.user));
    for exchange in &request.exchanges {
        let calls: Vec<ToolCall> = exchange.answered.iter().map(|(c, _)| wire(c)).collect();
        chat = chat.append_message(ChatMessage::from(calls));
        for (call, answer) in &exchange.answered {
            let answer = ToolResponse::from_tool_call(&wire(call), answer);
            chat = chat.append_message(ChatMessage::from(answer));
        }
    }
    let tools = request.tools.iter().map(|t| {
        GenaiTool::new(t.name)
            .with_description(&t.description)
            .with_schema(t.schema.clone())
    });
    chat.with_tools(tools.collect::<Vec<_>>())
}

fn without_tools(request: &Request) -> ChatRequest {
    ChatRequest::from_system(&request.system).append_message(ChatMessage::user(request.told()))
}

fn wire(call: &Call) -> ToolCall {
    ToolCall {
        call_id: call.id.clone(),
        fn_name: call.name.clone(),
        fn_arguments: call.arguments.clone(),
        thought_signatures: None,
    }
}

/// Whether a text ends with one passage again and again.
fn repeats(text: &str) -> bool {
    let tail: Vec<char> = text.chars().rev().take(REPEATED_CHARS).collect();
    tail.len() == REPEATED_CHARS
        && (1..=LONGEST_PERIOD).any(|p| tail.iter().skip(p).zip(&tail).all(|(a, b)| a == b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_that_repeats_itself_is_noticed() {
        assert!(repeats(
            &("好的。".to_owned() + &"checkout 失败。".repeat(70))
        ));
        assert!(repeats(&" ".repeat(700)));
        let claims: Vec<String> = (0..12)
            .map(|n| format!("{{\"text\":\"第 {n} 句话说的是 {n} 号服务的 {n} 次错误\",\"findings\":[\"f{n}\"]}}"))
            .collect();
        assert!(!repeats(&claims.join(",")));
        assert!(!repeats(&"a".repeat(300)));
    }
}
