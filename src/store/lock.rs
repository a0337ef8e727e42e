//! One process writes an owner's data; whoever comes second is told who that is.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::Path,
};

use super::Error;

/// Held as long as it lives; the operating system releases it with the process, however that ends.
#[derive(Debug)]
pub(super) struct WriterLock(File);

/// Longest holder text that is read back: a sentence, not a file somebody put there.
const HOLDER_BYTES: u64 = 300;

impl WriterLock {
    pub(super) fn take(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("writer.lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(Error::io(&path))?;
        match file.try_lock() {
            Ok(()) => {
                let mut lock = Self(file);
                lock.name_holder(&format!("gengfu ({})", std::process::id()))?;
                Ok(lock)
            }
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = (&mut file).take(HOLDER_BYTES).read_to_string(&mut holder);
                let holder = match holder.trim() {
                    "" => "another process",
                    text => text,
                };
                Err(Error::Locked {
                    holder: holder.to_owned(),
                })
            }
            Err(TryLockError::Error(e)) => Err(Error::io(path)(e)),
        }
    }

    /// Says who holds the lock, for the one who is refused: `gengfu serve 127.0.0.1:8765 (4711)`.
    pub(super) fn name_holder(&mut self, text: &str) -> Result<(), Error> {
        let mut write = || {
            self.0.rewind()?;
            self.0.set_len(0)?;
            self.0.write_all(text.as_bytes())
        };
        write().map_err(Error::io("writer.lock"))
    }
}
