//! Switches by voice, kept over a restart of the server.
//!
//! In: [`Switches`], and a folder. Out: one small file in it, and the switches read back. Always true: it holds names and times of
//! switches that have not ended, no key, no token and no session: a session that comes back begins with its token's newest switch. It
//! is written when somebody switched and, at most every five minutes, when a switch is in use, so that after a crash one ends at most
//! that much early. A file that cannot be read is as none: the rule then falls back to `.env`.

use std::{collections::HashMap, fs, io::Write as _, path::Path};

use serde::{Deserialize, Serialize};

use super::{Scope, Seen, Switch, Switches};
use crate::model::OwnerAlias;

const FILE: &str = "switches.json";
/// A switch in use is kept anew so often: its idle time counts from its last use.
pub(super) const SAVE_EVERY_MS: i64 = 5 * 60 * 1000;

/// What of [`Switches`] outlives the process; the last change of `.env` stands in the owners' file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    scopes: Vec<(Scope, Switch)>,
    newest_of_token: HashMap<String, Switch>,
    told_last: HashMap<String, OwnerAlias>,
}

impl Kept {
    /// What the file says; nothing when there is none or it is damaged.
    #[must_use]
    pub fn read(dir: &Path) -> Self {
        let bytes = fs::read(dir.join(FILE)).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// A reader sees the old file or the new one.
    pub fn write(&self, dir: &Path) -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(dir)?;
        serde_json::to_writer(&mut file, self)?;
        file.flush()?;
        file.persist(dir.join(FILE))?;
        Ok(())
    }
}

impl Switches {
    /// Takes up what an earlier process kept. What has ended since ends by the rule itself.
    pub fn take_up(&mut self, kept: Kept) {
        for (scope, switch) in kept.scopes {
            let used_ms = switch.used_ms;
            let seen = Seen {
                switch: Some(switch),
                last_owner: None,
                used_ms,
            };
            self.scopes.insert(scope, seen);
        }
        self.newest_of_token = kept.newest_of_token;
        self.told_last = kept.told_last;
    }

    /// What is to be kept, when that is another than was kept last.
    pub fn unsaved(&mut self, now_ms: i64) -> Option<Kept> {
        if !std::mem::take(&mut self.is_unsaved) {
            return None;
        }
        self.is_stale = false;
        self.saved_ms = now_ms;
        let lives = |switch: &Switch| switch.is_alive(now_ms);
        let scopes = self.scopes.iter();
        let scopes = scopes.filter(|(scope, _)| !matches!(scope, Scope::Session(..)));
        let scopes = scopes
            .filter_map(|(scope, seen)| Some((scope.clone(), seen.switch.clone().filter(lives)?)));
        let newest = self.newest_of_token.iter();
        let newest = newest.filter(|(_, switch)| lives(switch));
        Some(Kept {
            scopes: scopes.collect(),
            newest_of_token: newest.map(|(t, s)| (t.clone(), s.clone())).collect(),
            told_last: self.told_last.clone(),
        })
    }
}
