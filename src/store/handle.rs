//! The handle to one owner's data.
//!
//! Writes run on one thread, reads on another over a read-only connection, and reads of a whole day on a third, so that neither
//! a long write nor a round that loads its digests ever delays a spoken answer (WAL lets them run side by side).

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::{
    Error,
    lane::Lane,
    lock::WriterLock,
    reindex::bring_up_to_date,
    schema::{DAY, OWNER},
    vec_extension,
};
use crate::model::{Day, OwnerAlias};

/// Longest wait for another connection's transaction: a checkpoint of a large day file takes about a second on a slow disk.
const BUSY: Duration = Duration::from_secs(10);
/// Day files that a reader keeps open: the asked day and its neighbours.
const OPEN_DAYS: usize = 4;

/// One owner's databases. Clones share the connections.
#[derive(Debug, Clone)]
pub struct Store {
    shared: Arc<Inner>,
    /// The day files that this handle means.
    days: Days,
    _lease: Option<Arc<Lease>>,
}

/// Where day files lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Days {
    /// Of days that were run.
    Run,
    /// Of days that a round reads only to compare with, each round's apart.
    Earlier(u8),
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
            OWNER.check(&conn)? < OWNER.version()
        };
        if older {
            // Only a writer upgrades; nobody else has the older program running while we can take the lock.
            drop(Self::open(data_dir, owner)?);
        }
        Self::with(owner, folder, None)
    }

    fn with(owner: &OwnerAlias, folder: PathBuf, writer: Option<Writer>) -> Result<Self, Error> {
        let reader = || Reader::open(&folder);
        let shared = Inner {
            asks: Lane::start("store-asks", reader()?)?,
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

fn transact<T>(
    conn: &mut Connection,
    write: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let value = write(&tx)?;
    tx.commit()?;
    Ok(value)
}

/// The writing side: holds the owner's lock.
#[derive(Debug)]
pub(super) struct Writer {
    folder: PathBuf,
    conn: Connection,
    day: Option<(DayFile, Connection)>,
    lock: WriterLock,
}

impl Writer {
    fn day(&mut self, file: DayFile) -> Result<&mut Connection, Error> {
        let open = self.day.take_if(|(open, _)| *open == file);
        let conn = if let Some((_, conn)) = open {
            conn
        } else {
            let folder = file.days.within(&self.folder);
            fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
            let mut conn = connect(&file.within(&self.folder), false)?;
            DAY.migrate(&mut conn)?;
            conn
        };
        Ok(&mut self.day.insert((file, conn)).1)
    }

    /// Removes a day's file with its side files.
    fn remove_day(&mut self, file: DayFile) -> Result<(), Error> {
        self.day.take_if(|(open, _)| *open == file);
        let path = file.within(&self.folder);
        for suffix in ["", "-wal", "-shm"] {
            let file = PathBuf::from(format!("{}{suffix}", path.display()));
            if file.exists() {
                fs::remove_file(&file).map_err(Error::io(file))?;
            }
        }
        Ok(())
    }
}

/// The reading side.
#[derive(Debug)]
pub(super) struct Reader {
    folder: PathBuf,
    conn: Connection,
    /// Least recently used first.
    open_days: Vec<(DayFile, Connection)>,
}

impl Reader {
    fn open(folder: &Path) -> Result<Self, Error> {
        let conn = connect(&folder.join("owner.db"), true)?;
        OWNER.check(&conn)?;
        Ok(Self {
            folder: folder.to_owned(),
            conn,
            open_days: Vec::new(),
        })
    }

    /// Several statements of one call see one state of the database.
    fn snapshot<T>(
        &mut self,
        read: impl FnOnce(&Connection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let tx = self.conn.transaction()?;
        read(&tx)
    }

    fn snapshot_of<T>(
        &mut self,
        file: DayFile,
        read: impl FnOnce(&Connection) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let path = file.within(&self.folder);
        let open = self.open_days.iter().position(|(open, _)| *open == file);
        let mut conn = match open {
            _ if !path.exists() => return Ok(None),
            Some(i) => self.open_days.remove(i).1,
            None => {
                let conn = connect(&path, true)?;
                if check_day(&conn)? == 0 {
                    // The writer has just created the file and not yet its tables.
                    return Ok(None);
                }
                conn
            }
        };
        let value = {
            let tx = conn.transaction()?;
            read(&tx)?
        };
        if self.open_days.len() == OPEN_DAYS {
            self.open_days.remove(0);
        }
        self.open_days.push((file, conn));
        Ok(Some(value))
    }
}

fn check_day(conn: &Connection) -> Result<u32, Error> {
    DAY.check(conn)
}

/// Names a day's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct DayFile {
    days: Days,
    day: Day,
}

impl DayFile {
    fn within(self, folder: &Path) -> PathBuf {
        self.days.within(folder).join(format!("{}.db", self.day))
    }
}

impl Days {
    fn within(self, folder: &Path) -> PathBuf {
        match self {
            Self::Run => folder.join("days"),
            Self::Earlier(number) => folder.join(format!("earlier/{number}")),
        }
    }
}

/// A connection with our settings. A reader opens read-write all the same, since WAL needs its index file, but may not write.
fn connect(path: &Path, reader: bool) -> Result<Connection, Error> {
    vec_extension::register();
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if !reader {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(BUSY)?;
    conn.pragma_update(None, "foreign_keys", false)?;
    if reader {
        conn.pragma_update(None, "query_only", true)?;
    } else {
        conn.pragma_update(None, "journal_mode", "wal")?;
        // A lost transaction is done again by the next round; with WAL the file itself is never damaged by this.
        conn.pragma_update(None, "synchronous", "normal")?;
    }
    Ok(conn)
}

#[cfg(test)]
mod tests;
