//! The handle to one owner's data.
//!
//! Writes run on one thread, reads on another over a read-only connection, and reads of a whole day on a third, so that neither
//! a long write nor a round that loads its digests ever delays a spoken answer (WAL lets them run side by side).

mod connections;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rusqlite::{Connection, Transaction};

use super::{
    Error, lane::Lane, lock::WriterLock, reindex::bring_up_to_date, schema::OWNER, vectors,
};
use crate::model::{Day, OwnerAlias};
use connections::{DayFile, Days, connect, transact};
pub(super) use connections::{Reader, Writer};

/// One owner's databases. Clones share the connections.
#[derive(Debug, Clone)]
pub struct Store {
    shared: Arc<Inner>,
    /// The day files that this handle means.
    days: Days,
    _lease: Option<Arc<Lease>>,
}

/// One of the folders for earlier days, held until the last handle to it goes.
#[derive(Debug)]
struct Lease {
    shared: Arc<Inner>,
    number: u8,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.shared.leased().remove(&self.number);
    }
}

#[derive(Debug)]
struct Inner {
    owner: OwnerAlias,
    folder: PathBuf,
    /// Dropped first, so that readers never see the last checkpoint's file vanish.
    asks: Lane<Reader>,
    bulk: Lane<Reader>,
    writes: Option<Lane<Writer>>,
    /// The numbers of [`Days::Earlier`] that are in use.
    leased: Mutex<BTreeSet<u8>>,
}

impl Inner {
    fn leased(&self) -> MutexGuard<'_, BTreeSet<u8>> {
        self.leased.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// Opens the owner's data for reading and writing, creating what is missing, below `<data_dir>/owners/<alias>/`.
    /// [`Error::Locked`] names the process that already writes it.
    pub fn open(data_dir: &Path, owner: &OwnerAlias) -> Result<Self, Error> {
        let folder = folder_of(data_dir, owner);
        fs::create_dir_all(folder.join("days")).map_err(Error::io(&folder))?;
        let lock = WriterLock::take(&folder)?;
        let mut conn = connect(&folder.join("owner.db"), false)?;
        OWNER.migrate(&mut conn)?;
        bring_up_to_date(&mut conn)?;
        let writer = Writer {
            folder: folder.clone(),
            conn,
            day: None,
            lock,
        };
        Self::with(owner, folder, Some(writer))
    }

    /// Opens existing data for reading only, beside whoever writes it. [`Error::NoData`] when the owner has none.
    pub fn open_reader(data_dir: &Path, owner: &OwnerAlias) -> Result<Self, Error> {
        let folder = folder_of(data_dir, owner);
        let file = folder.join("owner.db");
        if !file.exists() {
            return Err(Error::NoData(owner.to_string()));
        }
        let older = {
            let conn = connect(&file, true)?;
            OWNER.check(&conn)? < OWNER.version() || vectors::are_unsigned(&conn)?
        };
        if older {
            // Only a writer upgrades, and ends what another one began; nobody else has the older program running while we can take the lock.
            drop(Self::open(data_dir, owner)?);
        }
        Self::with(owner, folder, None)
    }

    fn with(owner: &OwnerAlias, folder: PathBuf, writer: Option<Writer>) -> Result<Self, Error> {
        let reader = || Reader::open(&folder);
        let shared = Inner {
            asks: Lane::start("store-asks", reader()?.mapped()?)?,
            bulk: Lane::start("store-bulk", reader()?)?,
            writes: writer.map(|w| Lane::start("store-writes", w)).transpose()?,
            owner: owner.clone(),
            folder,
            leased: Mutex::default(),
        };
        Ok(Self {
            shared: Arc::new(shared),
            days: Days::Run,
            _lease: None,
        })
    }

    /// The same data with other day files: those of days that are read only to be compared with. Nobody is shown what lies there;
    /// [`drop_day`](Self::drop_day) takes it away once it is counted. Whoever asks while another has such files is given others, and
    /// after a restart the first who asks finds what the first had.
    #[must_use]
    pub fn earlier(&self) -> Self {
        let mut leased = self.shared.leased();
        let free = (0..u8::MAX).find(|n| !leased.contains(n));
        let number = free.unwrap_or(u8::MAX);
        leased.insert(number);
        let lease = Lease {
            shared: self.shared.clone(),
            number,
        };
        Self {
            shared: self.shared.clone(),
            days: Days::Earlier(number),
            _lease: Some(Arc::new(lease)),
        }
    }

    /// How many sets of such files lie there: more than one after rounds that read earlier days side by side.
    #[must_use]
    pub fn earlier_sets(&self) -> usize {
        let sets = fs::read_dir(self.shared.folder.join("earlier"));
        sets.map_or(0, Iterator::count)
    }

    #[must_use]
    pub fn owner(&self) -> &OwnerAlias {
        &self.shared.owner
    }

    /// The owner's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.shared.folder
    }

    /// Where the day files of this handle lie.
    pub(super) fn day_folder(&self) -> PathBuf {
        self.days.within(&self.shared.folder)
    }

    fn file(&self, day: Day) -> DayFile {
        DayFile {
            days: self.days,
            day,
        }
    }

    /// Whether anybody else holds this handle.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.shared) > 1
    }

    #[must_use]
    pub fn is_writer(&self) -> bool {
        self.shared.writes.is_some()
    }

    /// What a second writer is told about this process, such as the address it serves on.
    pub async fn name_holder(&self, text: String) -> Result<(), Error> {
        self.write(move |w| w.lock.name_holder(&text)).await
    }

    /// Reads `owner.db`.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.shared.asks.run(move |r| r.snapshot(read)).await
    }

    /// Reads a day file; `None` when there is none.
    pub(super) async fn ask_day<T: Send + 'static>(
        &self,
        day: Day,
        read: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<Option<T>, Error> {
        let file = self.file(day);
        self.shared
            .asks
            .run(move |r| r.snapshot_of(file, read))
            .await
    }

    /// Reads much of a day file; does not delay [`ask`](Self::ask).
    pub(super) async fn load_day<T: Send + 'static>(
        &self,
        day: Day,
        read: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<Option<T>, Error> {
        let file = self.file(day);
        self.shared
            .bulk
            .run(move |r| r.snapshot_of(file, read))
            .await
    }

    /// Changes `owner.db` in one transaction that commits on `Ok`.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        write: impl FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.write(move |w| transact(&mut w.conn, write)).await
    }

    /// Changes a day file in one transaction that commits on `Ok`; the file is created when it is missing.
    pub(super) async fn change_day<T: Send + 'static>(
        &self,
        day: Day,
        write: impl FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let file = self.file(day);
        self.write(move |w| transact(w.day(file)?, write)).await
    }

    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let lane = self.shared.writes.as_ref().ok_or(Error::ReadOnly)?;
        lane.run(work).await
    }

    /// Gives back what connections hold in memory, for an owner whom nobody has asked about lately: with many owners it adds up.
    pub async fn rest(&self) -> Result<(), Error> {
        const SHRINK: &str = "PRAGMA shrink_memory";
        for lane in [&self.shared.asks, &self.shared.bulk] {
            lane.run(|r| {
                r.open_days.clear();
                Ok(r.conn.execute_batch(SHRINK)?)
            })
            .await?;
        }
        self.write(|w| {
            w.day = None;
            Ok(w.conn.execute_batch(SHRINK)?)
        })
        .await
    }

    /// Removes a day's file and all that is known of it, once `last` has been written to `owner.db`.
    pub(super) async fn remove_day(
        &self,
        day: Day,
        last: impl FnOnce(&Transaction<'_>) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        let file = self.file(day);
        for lane in [&self.shared.asks, &self.shared.bulk] {
            lane.run(move |r| {
                r.open_days.retain(|(open, _)| *open != file);
                Ok(())
            })
            .await?;
        }
        self.write(move |w| {
            transact(&mut w.conn, last)?;
            w.remove_day(file)
        })
        .await
    }
}

/// Whether the owner's database can be read, is whole, and is not of a newer program. Reads every page of it.
pub fn check(data_dir: &Path, owner: &OwnerAlias) -> Result<(), Error> {
    let conn = connect(&folder_of(data_dir, owner).join("owner.db"), true)?;
    OWNER.check(&conn)?;
    let said: String = conn.query_row("PRAGMA quick_check(1)", [], |r| r.get(0))?;
    if said == "ok" {
        Ok(())
    } else {
        Err(Error::Corrupt(said))
    }
}

/// Moves an owner's folder. [`Error::Locked`] while a program writes to it; nothing is overwritten.
pub fn move_owner(from: &Path, to: &Path) -> Result<(), Error> {
    let _lock = WriterLock::take(from)?;
    if to.exists() {
        return Err(Error::io(to)(std::io::ErrorKind::AlreadyExists.into()));
    }
    fs::rename(from, to).map_err(Error::io(to))
}

/// Where an owner's databases lie.
pub fn folder_of(data_dir: &Path, owner: &OwnerAlias) -> PathBuf {
    data_dir.join("owners").join(owner.as_str())
}

#[cfg(test)]
mod tests;
