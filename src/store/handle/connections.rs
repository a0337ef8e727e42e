//! What the lanes of a [`Store`](super::Store) hold open: connections to the owner's database and to files of days.
//!
//! In: an owner's folder, and which day's file is meant. Out: a connection with our settings, opened once and used again. Always true: a
//! reader writes nothing; what one call reads is one state of the database; a file that is not there is no day.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::{
    model::Day,
    store::{
        Error,
        lock::WriterLock,
        schema::{DAY, OWNER},
        vec_extension,
    },
};

/// Longest wait for another connection's transaction: a checkpoint of a large day file takes about a second on a slow disk.
const BUSY: Duration = Duration::from_secs(10);
/// Day files that a reader keeps open: the asked day and its neighbours.
const OPEN_DAYS: usize = 4;

/// Of the owner's database, how much is mapped for searches: one among many texts reads some thousand pages, each of another place. What is
/// mapped is the system's to take back. Nothing here ever shortens the file; whoever copies another one over it while it is open ends the
/// process.
const MAPPED: i64 = 256 << 20;

/// Where day files lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Days {
    /// Of days that were run.
    Run,
    /// Of days that a round reads only to compare with, each round's apart.
    Earlier(u8),
}

pub(super) fn transact<T>(
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
pub(in crate::store) struct Writer {
    pub(super) folder: PathBuf,
    pub(super) conn: Connection,
    pub(super) day: Option<(DayFile, Connection)>,
    pub(super) lock: WriterLock,
}

impl Writer {
    pub(super) fn day(&mut self, file: DayFile) -> Result<&mut Connection, Error> {
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
    pub(super) fn remove_day(&mut self, file: DayFile) -> Result<(), Error> {
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
pub(in crate::store) struct Reader {
    folder: PathBuf,
    pub(super) conn: Connection,
    /// Least recently used first.
    pub(super) open_days: Vec<(DayFile, Connection)>,
}

impl Reader {
    pub(super) fn open(folder: &Path) -> Result<Self, Error> {
        let conn = connect(&folder.join("owner.db"), true)?;
        OWNER.check(&conn)?;
        Ok(Self {
            folder: folder.to_owned(),
            conn,
            open_days: Vec::new(),
        })
    }

    /// For searches in the owner's database.
    pub(super) fn mapped(self) -> Result<Self, Error> {
        self.conn.pragma_update(None, "mmap_size", MAPPED)?;
        Ok(self)
    }

    /// Several statements of one call see one state of the database.
    pub(super) fn snapshot<T>(
        &mut self,
        read: impl FnOnce(&Connection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let tx = self.conn.transaction()?;
        read(&tx)
    }

    pub(super) fn snapshot_of<T>(
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
pub(super) struct DayFile {
    pub(super) days: Days,
    pub(super) day: Day,
}

impl DayFile {
    pub(super) fn within(self, folder: &Path) -> PathBuf {
        self.days.within(folder).join(format!("{}.db", self.day))
    }
}

impl Days {
    pub(super) fn within(self, folder: &Path) -> PathBuf {
        match self {
            Self::Run => folder.join("days"),
            Self::Earlier(number) => folder.join(format!("earlier/{number}")),
        }
    }
}

/// A connection with our settings. A reader opens read-write all the same, since WAL needs its index file, but may not write.
pub(super) fn connect(path: &Path, reader: bool) -> Result<Connection, Error> {
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
