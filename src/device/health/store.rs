//! Where `health.json` is, and how it gets there.
//!
//! It is wanted for the moment only, so it goes to a folder in memory if there is one, and the spool holds a link to it:
//! whoever knows the spool, or the bundle, finds it. Without one it is in the spool, and written six times less often,
//! because every write is one more on the SD card.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::status::Status;
use crate::bundle::atomic::{self, PUBLIC};
use crate::error::{Error, Kind, Result};
use crate::pki::sha256_hex;

/// Its name.
pub const FILE: &str = "health.json";
/// From one write to the next, where writing wears nothing.
const IN_MEMORY: Duration = Duration::from_secs(10);
/// The same on a disk.
const ON_DISK: Duration = Duration::from_secs(60);

/// Where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    path: PathBuf,
    every: Duration,
}

/// The folders in memory that the machine offers.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    /// That of the service.
    pub service: Option<PathBuf>,
    /// That of the logged-in user, shared by all programs.
    pub user: Option<PathBuf>,
}

impl Store {
    /// The file `asked` for, else one in memory, else one in the spool; `None` if there is no place at all.
    pub fn choose(asked: Option<PathBuf>, memory: &Memory, spool: Option<&Path>) -> Option<Self> {
        if let Some(path) = asked {
            return Some(Self { path, every: IN_MEMORY });
        }
        let of_user = |folder: &PathBuf| Some(folder.join(own_name(spool?)));
        let of_service = memory.service.as_ref().map(|folder| folder.join(FILE));
        let in_memory = of_service.or_else(|| memory.user.as_ref().and_then(of_user));
        match (in_memory, spool) {
            (Some(path), Some(spool)) if link(spool, &path).is_ok() => Some(Self { path, every: IN_MEMORY }),
            (Some(path), None) => Some(Self { path, every: IN_MEMORY }),
            (_, spool) => spool.map(|spool| Self { path: spool.join(FILE), every: ON_DISK }),
        }
    }

    /// The longest from one write to the next.
    pub fn every(&self) -> Duration {
        self.every
    }

    /// Writes it.
    pub fn write(&self, status: &Status) -> Result<()> {
        let status = Status { again_within_s: self.every.as_secs_f64(), ..status.clone() };
        atomic::show(&self.path, status.to_json().as_bytes(), PUBLIC)
    }
}

/// Reads what a feeder wrote.
///
/// Errors: unreachable (6) if no feeder wrote there; bad input (65) if it is no status.
pub fn read(path: &Path) -> Result<Status> {
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|error| {
        Error::new(Kind::Unreachable, format!("no feeder says how it is in `{shown}`"))
            .because(error)
            .hint("start it: iotctl run --bundle DIR; as a service: systemctl status 'iotctl*'")
            .hint(
                "a feeder with another --spool, or with its queue in memory: iotctl health --spool DIR, or --file FILE",
            )
    })?;
    Status::parse(&shown.to_string(), &text)
}

/// Many feeders share the folder of a user.
fn own_name(spool: &Path) -> String {
    let path = fs::canonicalize(spool).unwrap_or_else(|_| spool.to_owned());
    let digest = sha256_hex(path.as_os_str().as_encoded_bytes());
    format!("iotctl-{}.json", digest.get(..16).unwrap_or_default())
}

/// Leads from the spool to `path`.
fn link(spool: &Path, path: &Path) -> std::io::Result<()> {
    let link = spool.join(FILE);
    if fs::read_link(&link).is_ok_and(|target| target == path) {
        return Ok(());
    }
    match fs::remove_file(&link) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    symlink(path, link)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_to_memory_where_there_is_some_and_the_spool_leads_there() {
        let folder = tempfile::tempdir().unwrap();
        let (spool, run) = (folder.path().join("spool"), folder.path().join("run"));
        fs::create_dir(&spool).unwrap();
        fs::create_dir(&run).unwrap();
        let service = Memory { service: Some(run.clone()), user: None };
        let user = Memory { service: None, user: Some(run.clone()) };
        for (memory, name) in [(&service, FILE.to_owned()), (&user, own_name(&spool)), (&service, FILE.to_owned())] {
            let store = Store::choose(None, memory, Some(&spool)).unwrap();
            assert_eq!(store, Store { path: run.join(name), every: IN_MEMORY });
            assert_eq!(fs::read_link(spool.join(FILE)).unwrap(), store.path);
        }
        let store = Store::choose(None, &Memory::default(), Some(&spool)).unwrap();
        assert_eq!(store, Store { path: spool.join(FILE), every: ON_DISK });
        assert_eq!(Store::choose(None, &user, None), None, "nothing tells two feeders apart");
        assert_eq!(Store::choose(None, &service, None).unwrap().path, run.join(FILE));
    }
}
