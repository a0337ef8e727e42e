//! The handle to one owner's data.
//!
//! Writes run on one thread, reads on another over a read-only connection, and reads of a whole day on a third, so that neither
//! a long write nor a round that loads its digests ever delays a spoken answer (WAL lets them run side by side).

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
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
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    owner: OwnerAlias,
    folder: PathBuf,
    /// Dropped first, so that readers never see the last checkpoint's file vanish.
    asks: Lane<Reader>,
    bulk: Lane<Reader>,
    writes: Option<Lane<Writer>>,
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
            days: folder.join("days"),
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
        Ok(Self(Arc::new(Inner {
            asks: Lane::start("store-asks", reader()?)?,
            bulk: Lane::start("store-bulk", reader()?)?,
            writes: writer.map(|w| Lane::start("store-writes", w)).transpose()?,
            owner: owner.clone(),
            folder,
        })))
    }

    #[must_use]
    pub fn owner(&self) -> &OwnerAlias {
        &self.0.owner
    }

    /// The owner's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// Whether anybody else holds this handle.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    #[must_use]
    pub fn is_writer(&self) -> bool {
        self.0.writes.is_some()
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
        self.0.asks.run(move |r| r.snapshot(read)).await
    }

    /// Reads a day file; `None` when there is none.
    pub(super) async fn ask_day<T: Send + 'static>(
        &self,
        day: Day,
        read: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<Option<T>, Error> {
        self.0.asks.run(move |r| r.snapshot_of(day, read)).await
    }

    /// Reads much of a day file; does not delay [`ask`](Self::ask).
    pub(super) async fn load_day<T: Send + 'static>(
        &self,
        day: Day,
        read: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<Option<T>, Error> {
        self.0.bulk.run(move |r| r.snapshot_of(day, read)).await
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
        self.write(move |w| transact(w.day(day)?, write)).await
    }

    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let lane = self.0.writes.as_ref().ok_or(Error::ReadOnly)?;
        lane.run(work).await
    }

    /// Gives back what connections hold in memory, for an owner whom nobody has asked about lately: with many owners it adds up.
    pub async fn rest(&self) -> Result<(), Error> {
        const SHRINK: &str = "PRAGMA shrink_memory";
        for lane in [&self.0.asks, &self.0.bulk] {
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

    /// Makes the reading connections let go of a day file that is about to be removed.
    pub(super) async fn forget_day(&self, day: Day) -> Result<(), Error> {
        for lane in [&self.0.asks, &self.0.bulk] {
            lane.run(move |r| {
                r.open_days.retain(|(open, _)| *open != day);
                Ok(())
            })
            .await?;
        }
        Ok(())
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
    days: PathBuf,
    conn: Connection,
    day: Option<(Day, Connection)>,
    lock: WriterLock,
}

impl Writer {
    fn day(&mut self, day: Day) -> Result<&mut Connection, Error> {
        let open = self.day.take_if(|(open, _)| *open == day);
        let conn = if let Some((_, conn)) = open {
            conn
        } else {
            let mut conn = connect(&day_path(&self.days, day), false)?;
            DAY.migrate(&mut conn)?;
            conn
        };
        Ok(&mut self.day.insert((day, conn)).1)
    }

    pub(super) fn owner(&mut self) -> &mut Connection {
        &mut self.conn
    }

    /// Removes a day's file with its side files.
    pub(super) fn remove_day(&mut self, day: Day) -> Result<(), Error> {
        self.day.take_if(|(open, _)| *open == day);
        let path = day_path(&self.days, day);
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
    days: PathBuf,
    conn: Connection,
    /// Least recently used first.
    open_days: Vec<(Day, Connection)>,
}

impl Reader {
    fn open(folder: &Path) -> Result<Self, Error> {
        let conn = connect(&folder.join("owner.db"), true)?;
        OWNER.check(&conn)?;
        Ok(Self {
            days: folder.join("days"),
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
        day: Day,
        read: impl FnOnce(&Connection) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let path = day_path(&self.days, day);
        let open = self.open_days.iter().position(|(open, _)| *open == day);
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
        self.open_days.push((day, conn));
        Ok(Some(value))
    }
}

fn check_day(conn: &Connection) -> Result<u32, Error> {
    DAY.check(conn)
}

fn day_path(days: &Path, day: Day) -> PathBuf {
    days.join(format!("{day}.db"))
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
