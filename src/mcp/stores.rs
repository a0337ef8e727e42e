//! Every owner's store, opened once per process.
//!
//! In: an alias. Out: a [`Store`]. Always true: all askers of one owner share one handle, since only one handle may write. Where
//! another process writes (a `gengfu run` beside us), the handle only reads. Does not create data for an owner that has none.

use std::{collections::HashMap, path::PathBuf};

use tokio::sync::Mutex;

use super::Access;
use crate::{
    model::OwnerAlias,
    store::{Error, Store},
};

/// See the module's head.
#[derive(Debug)]
pub struct Stores {
    data_dir: PathBuf,
    /// What a second writer is told about this process.
    holder: Option<String>,
    open: Mutex<HashMap<OwnerAlias, Store>>,
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
        if let Some(store) = open.get(owner) {
            return Ok(store.clone());
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
            open.insert(owner.clone(), store.clone());
        }
        Ok(store)
    }
}
