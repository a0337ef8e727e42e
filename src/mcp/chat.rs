//! The way to the user's chat.
//!
//! In: an owner and a Markdown text. Out: the number of the message, or why it was not sent. The sending itself is a function of the
//! alerts room that `app` hands in; without one every message is refused with the setting to make.

use std::sync::Arc;

use futures::future::BoxFuture;

use crate::model::OwnerAlias;

/// Sends a text; gives the message's number, which a robot can name.
pub type SendChat =
    dyn Fn(OwnerAlias, String) -> BoxFuture<'static, Result<String, String>> + Send + Sync;

/// See the module's head.
#[derive(Clone, Default)]
pub struct Chat(Option<Arc<SendChat>>);

impl Chat {
    pub fn new(send: Arc<SendChat>) -> Self {
        Self(Some(send))
    }

    pub(super) async fn send(&self, owner: &OwnerAlias, text: &str) -> Result<String, String> {
        match &self.0 {
            Some(send) => send(owner.clone(), text.to_owned()).await,
            None => Err("GENGFU_CHAT_WEBHOOK is empty; set it to the address of a WeCom, DingTalk or Feishu robot".to_owned()),
        }
    }
}

impl std::fmt::Debug for Chat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() {
            "Chat(connected)"
        } else {
            "Chat(none)"
        })
    }
}
