//! Who calls, and what the caller may see.
//!
//! In: what the HTTP room found out about a request (or the endpoint about its socket). Out: values that travel with every call.
//! Always true: a caller without a valid token never becomes a [`Caller`]; a device id or a speaker is a claim of the client, never a
//! proof. Does not decide whose data a call sees: that is `owners`.

use std::sync::Arc;

use crate::{model::OwnerAlias, voice::Detail};

/// The holder of a token, or of a xiaozhi endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Name of the token, as in the logs; never the token.
    pub name: Arc<str>,
    pub access: Access,
    /// What an answer is like when the call does not say; `full` suits Claude and other programs.
    pub detail: Detail,
}

/// Which owners a caller may open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Access {
    #[default]
    All,
    /// Never empty; with exactly one owner the caller is bound to it.
    Only(Vec<OwnerAlias>),
}

impl Access {
    #[must_use]
    pub fn allows(&self, owner: &OwnerAlias) -> bool {
        match self {
            Self::All => true,
            Self::Only(owners) => owners.contains(owner),
        }
    }

    /// The owner that every call of this caller is about, when there is only one.
    #[must_use]
    pub fn bound(&self) -> Option<&OwnerAlias> {
        match self {
            Self::Only(owners) if owners.len() == 1 => owners.first(),
            _ => None,
        }
    }
}

/// Which wire an answer goes out on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wire {
    /// `/mcp`: a failure carries `isError`.
    Http,
    /// A xiaozhi MCP endpoint: there `isError` makes the robot speak a fixed error instead of our sentence, and answers end at
    /// [`ENDPOINT_BYTES`].
    Endpoint,
}

/// xiaozhi.me cuts or refuses longer answers (78/xiaozhi-esp32 #767).
pub const ENDPOINT_BYTES: usize = 8192;

/// Who makes a call, from where, about whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub caller: Caller,
    /// The MCP session, when the era has one.
    pub session: Option<String>,
    /// The robot, as the client claims.
    pub device: Option<String>,
    /// The voice, as the client claims.
    pub speaker: Option<String>,
    /// The program, as it claims.
    pub client: Option<String>,
    pub wire: Wire,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_of_one_owner_is_bound_to_it() {
        let alias = |s: &str| s.parse::<OwnerAlias>().expect("alias");
        let one = Access::Only(vec![alias("a")]);
        let two = Access::Only(vec![alias("a"), alias("b")]);
        assert_eq!(one.bound(), Some(&alias("a")));
        assert_eq!((two.bound(), Access::All.bound()), (None, None));
        assert!(
            two.allows(&alias("b")) && !one.allows(&alias("b")) && Access::All.allows(&alias("b"))
        );
    }
}
