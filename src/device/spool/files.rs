//! The file operations that the spool is built on, as a seam: tests put faults between it and a real folder.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::bundle::atomic;
use crate::error::{Error, Kind, Result};

/// One folder of files.
pub trait Files {
    /// An open file.
    type File;

    /// The names of all files.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Makes an empty file, in place of what has the name.
    fn create(&self, name: &str) -> io::Result<Self::File>;
    /// Opens a file for reading and writing.
    fn open(&self, name: &str) -> io::Result<Self::File>;
    /// Reads into `buffer`; fewer bytes than asked are no error, none is the end.
    fn read_at(&self, file: &Self::File, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes some of `bytes`, and says how many.
    fn write_at(&self, file: &Self::File, bytes: &[u8], offset: u64) -> io::Result<usize>;
    /// Returns when the content is on the medium.
    fn sync(&self, file: &Self::File) -> io::Result<()>;
    /// Gives a file another name, in place of what has that.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Returns when creations, renames and removals are on the medium.
    fn sync_folder(&self) -> io::Result<()>;

    /// Writes all of `bytes`.
    fn write_all_at(&self, file: &Self::File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.write_at(file, bytes, offset) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => {
                    bytes = bytes.get(count..).unwrap_or_default();
                    offset += count as u64;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Fills `buffer` as far as the file goes, and says how far that was.
    fn read_full_at(&self, file: &Self::File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.read_at(file, rest, offset + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}

/// A real folder, taken by this process.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
    /// Open as long as the spool is: the lock goes with it, however the process ends.
    lock: File,
}

impl Disk {
    /// Makes the folder if need be, and takes it.
    ///
    /// The folder itself is locked and not a file in it, so that a full disk cannot stand in the way.
    ///
    /// Errors: configuration (78) if it cannot be made or entered; conflict (7) if another process has it.
    pub fn take(folder: &Path) -> Result<Self> {
        let shown = folder.display();
        let cannot = |error: Box<dyn std::error::Error>| {
            Error::new(Kind::Configuration, format!("cannot keep readings in `{shown}`"))
                .because(error)
                .hint("name a folder that can be written: --spool DIR")
                .hint("or keep them in memory, where a crash loses them: --queue memory")
        };
        if !folder.is_dir() {
            atomic::private_folder(folder).map_err(|error| cannot(error.into()))?;
        }
        let lock = File::open(folder).map_err(|error| cannot(error.into()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { folder: folder.to_owned(), lock }),
            Err(TryLockError::WouldBlock) => {
                Err(Error::new(Kind::Conflict, format!("`{shown}` is in use by another process"))
                    .hint("one feeder has one spool: stop the other, or name another folder with --spool DIR"))
            }
            Err(TryLockError::Error(error)) => Err(cannot(error.into())),
        }
    }
}

impl Files for Disk {
    type File = File;

    fn list(&self) -> io::Result<Vec<String>> {
        let entries = fs::read_dir(&self.folder)?;
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn create(&self, name: &str) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true).mode(atomic::PRIVATE);
        options.open(self.folder.join(name))
    }

    fn open(&self, name: &str) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).open(self.folder.join(name))
    }

    fn read_at(&self, file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        file.read_at(buffer, offset)
    }

    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        file.write_at(bytes, offset)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.folder.join(from), self.folder.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.folder.join(name))
    }

    fn sync_folder(&self) -> io::Result<()> {
        self.lock.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_belongs_to_one_spool_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spool");
        let first = Disk::take(&path).unwrap();
        let second = Disk::take(&path).unwrap_err();
        assert_eq!(second.kind(), Kind::Conflict);
        drop(first);
        Disk::take(&path).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named_with_two_ways_out() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        let error = Disk::take(&folder.path().join("file/spool")).unwrap_err();
        assert_eq!((error.kind(), error.hints().len()), (Kind::Configuration, 2));
    }
}
