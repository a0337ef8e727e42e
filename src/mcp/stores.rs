//! Every owner's store, opened once per process.
//!
//! In: an alias. Out: a [`Store`]. Always true: all askers of one owner share one handle, since only one handle may write. Where
//! another process writes (a `gengfu run` beside us), the handle only reads; of the owners about whom nobody asks, only the last few
//! stay open, since every open one costs three threads and what they hold. Does not create data for an owner that has none.

use std::{collections::HashMap, path::PathBuf};

use tokio::sync::Mutex;

use super::Access;
use crate::{
    model::OwnerAlias,
    store::{Error, Store},
};

/// Owners that stay open though nobody is busy with them.
const MOST_OPEN: usize = 8;

/// See the module's head.
#[derive(Debug)]
pub struct Stores {
    data_dir: PathBuf,
    /// What a second writer is told about this process.
    holder: Option<String>,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    /// With the number of the last time they were asked for.
    stores: HashMap<OwnerAlias, (Store, u64)>,
    asked: u64,
}

impl Open {
    fn find(&mut self, owner: &OwnerAlias) -> Option<Store> {
        self.asked += 1;
        let (store, asked) = self.stores.get_mut(owner)?;
        *asked = self.asked;
        Some(store.clone())
    }

    /// What to close so that the rest are few enough: the longest unasked that nobody holds.
    fn surplus(&mut self) -> Vec<Store> {
        let mut closing = Vec::new();
        while self.stores.len() > MOST_OPEN {
            let idle = self.stores.iter().filter(|(_, (s, _))| !s.is_shared());
            let Some(oldest) = idle.min_by_key(|(_, (_, asked))| *asked) else {
                break;
            };
            let owner = oldest.0.clone();
            closing.extend(self.stores.remove(&owner).map(|(store, _)| store));
        }
        closing
    }
}

impl Stores {
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            holder: None,
            open: Mutex::default(),
        }
    }

    /// Says what this process is to whoever finds the data locked: `gengfu serve 127.0.0.1:8765 (4711)`.
    #[must_use]
    pub fn held_by(self, holder: String) -> Self {
        Self {
            holder: Some(holder),
            ..self
        }
    }

    /// Owners that have data and that the caller may open, by name.
    #[must_use]
    pub fn owners(&self, access: &Access) -> Vec<OwnerAlias> {
        let Ok(folders) = std::fs::read_dir(self.data_dir.join("owners")) else {
            return Vec::new();
        };
        let named = folders.filter_map(|f| f.ok()?.file_name().to_str()?.parse().ok());
        let mut owners: Vec<OwnerAlias> = named.filter(|o| access.allows(o)).collect();
        owners.sort();
        owners
    }

    /// The owner's store; created when there is none.
    pub async fn of(&self, owner: &OwnerAlias) -> Result<Store, Error> {
        let mut open = self.open.lock().await;
        if let Some(store) = open.find(owner) {
            return Ok(store);
        }
        // Closed before anybody else may open them again: until then they hold their lock. Closing waits for their threads.
        let closing = open.surplus();
        if !closing.is_empty() {
            // A panic while closing is told by its hook.
            let _ = tokio::task::spawn_blocking(move || drop(closing)).await;
        }
        let (data_dir, alias) = (self.data_dir.clone(), owner.clone());
        let opening = move || match Store::open(&data_dir, &alias) {
            // Asked again next time: the other writer may be gone by then.
            Err(Error::Locked { .. }) => Store::open_reader(&data_dir, &alias),
            other => other,
        };
        let store = tokio::task::spawn_blocking(opening)
            .await
            .map_err(|_| Error::Stopped)??;
        if store.is_writer() {
            if let Some(holder) = &self.holder {
                store.name_holder(holder.clone()).await?;
            }
            let asked = open.asked;
            open.stores.insert(owner.clone(), (store.clone(), asked));
        }
        Ok(store)
    }
}
