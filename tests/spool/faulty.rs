//! A real folder on a disk that fails on command, and that a power cut takes back to what was synced.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::rc::Rc;

use iotctl::device::spool::files::{Disk, Files};

const SECTOR: u64 = 512;

/// What the disk does wrong, and what it has not made safe yet.
#[derive(Default)]
pub(crate) struct Faults {
    /// So many syncs from now on fail, and what they should have made safe may be gone.
    pub(crate) failing_syncs: u32,
    /// So many writes from now on fail with EIO, after half of their bytes.
    pub(crate) failing_writes: u32,
    /// So many writes from now on write half of what they are given, and say so.
    pub(crate) short_writes: u32,
    /// No room for a new file, nor beyond the end of one.
    pub(crate) full: bool,
    /// The process dies before it has done so many more things to the disk: none of the later ones is done.
    pub(crate) dies_in: Option<u32>,
    /// Reading fails with EIO.
    pub(crate) unreadable: bool,
    /// Files in the order of their first write, with their inodes and their sectors as they were when they were last
    /// safe.
    pub(crate) unsafe_sectors: Vec<AtRisk>,
    /// The same after a failed sync: a later one makes them safe only if they are written again.
    pub(crate) doomed: Vec<AtRisk>,
}

/// What a power cut can take back of a file.
pub(crate) struct AtRisk {
    inode: u64,
    file: File,
    sectors: BTreeMap<u64, Vec<u8>>,
}

fn of<'a>(files: &'a mut Vec<AtRisk>, file: &File) -> &'a mut BTreeMap<u64, Vec<u8>> {
    let inode = file.metadata().unwrap().ino();
    let at = files.iter().position(|at_risk| at_risk.inode == inode).unwrap_or_else(|| {
        files.push(AtRisk { inode, file: file.try_clone().unwrap(), sectors: BTreeMap::new() });
        files.len() - 1
    });
    &mut files[at].sectors
}

/// The disk. Clones share their faults.
pub(crate) struct Faulty {
    disk: Disk,
    faults: Rc<RefCell<Faults>>,
}

impl Faulty {
    pub(crate) fn take(folder: &Path, faults: &Rc<RefCell<Faults>>) -> Self {
        Self { disk: Disk::take(folder).unwrap(), faults: faults.clone() }
    }
}

impl Faults {
    /// Of each sector that is not safe, either the new content or the old one is there, as `dice` falls.
    pub(crate) fn cut_power(&mut self, mut dice: impl FnMut() -> bool) {
        for at_risk in self.unsafe_sectors.iter().chain(&self.doomed) {
            for (offset, old) in &at_risk.sectors {
                if dice() {
                    at_risk.file.write_all_at(old, *offset).unwrap();
                }
            }
        }
        *self = Self::default();
    }

    /// Whether the process is still there to do one more thing.
    fn lives(&mut self) -> io::Result<()> {
        match &mut self.dies_in {
            Some(0) => Err(broken()),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// The process ends and the machine goes on: the kernel has what was written.
    pub(crate) fn only_the_process_died(&mut self) {
        *self = Self { full: self.full, ..Self::default() };
    }

    fn remember(&mut self, file: &File, offset: u64, length: usize) {
        let mut at = offset / SECTOR * SECTOR;
        while at < offset + length as u64 {
            let doomed = of(&mut self.doomed, file).remove(&at);
            of(&mut self.unsafe_sectors, file).entry(at).or_insert_with(|| {
                if let Some(old) = doomed {
                    return old;
                }
                let mut old = vec![0; SECTOR as usize];
                let read = file.read_at(&mut old, at).unwrap();
                old.truncate(read);
                old
            });
            at += SECTOR;
        }
    }
}

fn broken() -> io::Error {
    io::Error::from_raw_os_error(5)
}

fn count_down(left: &mut u32) -> bool {
    let now = *left > 0;
    *left = left.saturating_sub(1);
    now
}

impl Files for Faulty {
    type File = File;

    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }

    fn create(&self, name: &str) -> io::Result<File> {
        self.faults.borrow_mut().lives()?;
        self.disk.create(name)
    }

    fn open(&self, name: &str) -> io::Result<File> {
        self.disk.open(name)
    }

    fn read_at(&self, file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if self.faults.borrow().unreadable { Err(broken()) } else { self.disk.read_at(file, buffer, offset) }
    }

    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut faults = self.faults.borrow_mut();
        faults.lives()?;
        let grows = offset + bytes.len() as u64 > file.metadata()?.len();
        if faults.full && grows {
            return Err(ErrorKind::StorageFull.into());
        }
        faults.remember(file, offset, bytes.len());
        let half = &bytes[..bytes.len() / 2];
        if count_down(&mut faults.failing_writes) {
            file.write_all_at(half, offset)?;
            return Err(broken());
        }
        if bytes.len() > 1 && count_down(&mut faults.short_writes) {
            return self.disk.write_at(file, half, offset);
        }
        self.disk.write_at(file, bytes, offset)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        let mut faults = self.faults.borrow_mut();
        faults.lives()?;
        let sectors = std::mem::take(of(&mut faults.unsafe_sectors, file));
        if count_down(&mut faults.failing_syncs) {
            of(&mut faults.doomed, file).extend(sectors);
            return Err(broken());
        }
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.faults.borrow_mut().lives()?;
        self.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.faults.borrow_mut().lives()?;
        self.disk.remove(name)
    }

    fn sync_folder(&self) -> io::Result<()> {
        self.disk.sync_folder()
    }
}
