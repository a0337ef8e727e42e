//! The MCP server that rmcp drives, in both eras of the protocol on one address.
//!
//! In: requests that passed the HTTP room. Out: their results. Always true: a handler sees the caller of this very request, never the
//! one that opened the session. Does not contain any answer itself.

use std::sync::Arc;

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams,
        CompleteResult, ContentBlock, Extensions, GetPromptRequestParams, GetPromptResponse,
        Implementation, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
        ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse,
        RequestMetaObject, ServerCapabilities, ServerConfig, SubscribeRequestParams,
        SubscriptionFilter, Tool, UnsubscribeRequestParams,
    },
    service::{NotificationContext, RequestContext, SubscriptionContext},
};

use super::{
    Caller, Desk, Origin, Wire,
    call::call,
    follow::{self, Followed, Following, MOST_FOLLOWED},
    prompts, resources,
    sessions::{SESSION_ID, Sessions},
    tools,
    trouble::Trouble,
    whose::followed,
};

/// Tools change with the program only.
const TOOLS_TTL_MS: u64 = 24 * 3600 * 1000;

const INSTRUCTIONS: &str = "Kubernetes cluster logs (Tencent TKE), analysed every night. Start with summarize_day; then trace_cause, \
analyze_business, search_events or search_audit for one problem; propose_rollback tells what would be undone and never executes. \
The line after 【仅供选择下一步,不要读出】 is for you: ids and the next calls worth making.";

/// One legacy session, or one request of the sessionless era. rmcp makes many of these: cheap, without side effects.
#[derive(Debug)]
pub struct Server {
    desk: Arc<Desk>,
    sessions: Arc<Sessions>,
    following: Following,
}

impl Server {
    pub(super) fn new(desk: Arc<Desk>, sessions: Arc<Sessions>) -> Self {
        Self {
            desk,
            sessions,
            following: Following::default(),
        }
    }

    /// What the session of this request follows.
    fn followed(&self, extensions: &Extensions) -> Followed {
        let id = header(extensions, SESSION_ID);
        id.map_or_else(Followed::default, |id| self.sessions.followed(&id))
    }
}

fn header(extensions: &Extensions, name: &str) -> Option<String> {
    let parts = extensions.get::<http::request::Parts>()?;
    parts.headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// Where a request comes from. A patched xiaozhi server names its device and speaker in `_meta`.
fn origin(extensions: &Extensions, meta: &RequestMetaObject) -> Result<Origin, ErrorData> {
    let claimed = |name: &str| meta.0.get(name).and_then(|v| v.as_str()).map(str::to_owned);
    Ok(Origin {
        caller: caller(extensions)?,
        session: header(extensions, SESSION_ID),
        device: claimed("device_id"),
        speaker: claimed("speaker"),
        client: None,
        wire: Wire::Http,
    })
}

/// Name and version as a program states them, short enough for a line of the log.
fn program(said: &Implementation) -> String {
    let text = format!("{} {}", said.name, said.version);
    let shown = text.chars().filter(|c| !c.is_control());
    shown.take(60).collect()
}

fn cannot_open(trouble: &Trouble) -> ErrorData {
    tracing::error!(error = %trouble, "could not list resources");
    ErrorData::internal_error("the data cannot be opened now; see the log", None)
}

/// The caller of this request. Its absence means that the router was put together wrongly.
fn caller(extensions: &Extensions) -> Result<Caller, ErrorData> {
    extensions
        .get::<http::request::Parts>()
        .and_then(|parts| parts.extensions.get::<Caller>())
        .cloned()
        .ok_or_else(|| ErrorData::invalid_request("not authenticated", None))
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_prompts()
            .enable_completions()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_resources_list_changed()
            .build();
        ServerConfig::new(capabilities)
            .with_server_info(
                Implementation::new("gengfu", env!("CARGO_PKG_VERSION")).with_title("更夫 gengfu"),
            )
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        // All on one page: the xiaozhi server reads the first page only.
        Ok(ListToolsResult::with_all_items(tools::listed().to_vec())
            .with_ttl_ms(TOOLS_TTL_MS)
            .with_cache_scope(CacheScope::Public))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        tools::listed().iter().find(|t| t.name == name).cloned()
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let mut origin = origin(&context.extensions, &context.meta)?;
        origin.client = context
            .peer
            .peer_info()
            .map(|peer| program(&peer.client_info));
        let arguments = request.arguments.unwrap_or_default();
        let owner = followed(&self.desk.owners, &origin, self.desk.clock.now_ms());
        let answering = call(&self.desk, origin, &request.name, arguments);
        let answer = match context.meta.get_progress_token() {
            None => answering.await,
            Some(token) => tokio::select! {
                answer = answering => answer,
                never = follow::progress(&self.desk, owner, &context.peer, token) => match never {},
            },
        };
        let Some(answer) = answer else {
            return Err(ErrorData::invalid_params(
                "unknown tool; list the tools again",
                None,
            ));
        };
        let text = vec![ContentBlock::text(answer.text(Wire::Http, self.desk.lang))];
        let result = if answer.failed {
            CallToolResult::error(text)
        } else {
            CallToolResult::success(text)
        };
        Ok(result.into())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let access = caller(&context.extensions)?.access;
        resources::list(&self.desk, &access)
            .await
            .map_err(|t| cannot_open(&t))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(resources::templates())
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let access = caller(&context.extensions)?.access;
        resources::read(&self.desk, &access, &request.uri)
            .await
            .map(Into::into)
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(prompts::list(self.desk.lang))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        prompts::get(self.desk.lang, &request).map(Into::into)
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let access = caller(&context.extensions)?.access;
        let found = resources::complete(&self.desk, &access, &request)
            .await
            .map_err(|t| cannot_open(&t))?;
        Ok(CompleteResult::new(found))
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        // A change of the list is announced without being asked for, so forwarding starts at once.
        if let Ok(caller) = caller(&context.extensions) {
            let followed = self.followed(&context.extensions);
            let is_back = !followed.all().is_empty();
            self.following
                .forward(&self.desk, caller.access, followed, context.peer, is_back);
        }
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let access = caller(&context.extensions)?.access;
        if !follow::may_open(&access, &request.uri) {
            return Err(ErrorData::resource_not_found("no such resource", None));
        }
        let followed = self.followed(&context.extensions);
        if !followed.add(request.uri) {
            let advice = format!("at most {MOST_FOLLOWED} subscriptions; unsubscribe from some");
            return Err(ErrorData::invalid_params(advice, None));
        }
        self.following
            .forward(&self.desk, access, followed, context.peer, false);
        Ok(())
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.followed(&context.extensions).remove(&request.uri);
        Ok(())
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(requested.supported_by(&self.get_info().capabilities))
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let access = caller(&context.request_context().extensions)?.access;
        follow::listen(&self.desk, &access, &context).await
    }
}
