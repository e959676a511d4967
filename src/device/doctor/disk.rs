//! The folder of the queue: whether it can be written, and how much room there is.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::config::spool::SpoolSettings;
use crate::device::check::Check;
use crate::error::{Error, Kind, Result};

/// Room for two segments; with less, readings are lost from the start.
const LEAST: u64 = 2 << 20;

/// Writes a file of a few kilobytes, makes it safe and removes it; then looks at the free space.
///
/// Errors: configuration, if it cannot be written or is as good as full.
pub fn look(folder: &Path, settings: &SpoolSettings) -> Result<Check> {
    let place = existing(folder);
    let shown = place.display();
    let cannot = |e: std::io::Error| {
        let full = e.kind() == std::io::ErrorKind::StorageFull;
        let error = Error::new(Kind::Configuration, format!("cannot write in `{shown}`")).because(e);
        if full { error.hint("make room on the disk: df -h") } else { error.hint("name another folder: --spool DIR") }
    };
    let probe = || {
        let mut file = tempfile::Builder::new().prefix(".iotctl-").tempfile_in(&place)?;
        file.write_all(&[0; 8192])?;
        file.as_file().sync_all()
    };
    probe().map_err(cannot)?;
    let room = rustix::fs::statvfs(&place).map_err(|e| cannot(e.into()))?;
    let free = room.f_bavail.saturating_mul(room.f_frsize);
    let (mib, bound) = (free >> 20, settings.max_bytes >> 20);
    if free < LEAST {
        let error =
            Error::new(Kind::Configuration, format!("`{shown}` has {free} bytes left, and readings need {LEAST}"));
        return Err(error.hint("make room on the disk: df -h"));
    }
    Ok(match free {
        free if free < settings.max_bytes => Check::warn(
            "disk",
            format!("`{shown}` has {mib} MiB left, and the queue may grow to {bound} MiB"),
            format!("make room, or lower the bound: --max-bytes {}MiB", (mib / 2).max(2)),
        ),
        _ => Check::ok("disk", format!("`{shown}` can be written; {mib} MiB left for a queue of {bound} MiB at most")),
    })
}

/// The folder, or the nearest one above it that is there.
fn existing(folder: &Path) -> PathBuf {
    let there = folder.ancestors().find(|path| path.is_dir());
    let there = there.filter(|path| !path.as_os_str().is_empty());
    // A file in the way is not passed over.
    let blocked = folder.ancestors().find(|path| path.exists() && !path.is_dir());
    blocked.or(there).unwrap_or(Path::new(".")).to_owned()
}
