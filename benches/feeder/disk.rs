//! A disk of its own: ext4 on a loop device, so that every byte that reaches the block layer is the feeder's.
//!
//! What the kernel charges to a process (`/proc/PID/io`) is no measure: where the page cache has large folios it
//! charges 64 KiB for a page of 4.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Large enough for what is written here, and small enough for a folder of temporary files.
const BYTES: u64 = 256 << 20;

/// A mounted file system, gone when it is dropped.
pub(crate) struct OwnDisk {
    mounted: tempfile::TempDir,
    device: PathBuf,
}

impl OwnDisk {
    /// Needs root, and a kernel with loop devices; says what is missing if it does not come about.
    pub(crate) fn mount() -> Result<Self, String> {
        let mounted = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        // The image lives below the mount point: nameless once it is mounted, gone with the loop device.
        let image = mounted.path().join("image");
        std::fs::File::create(&image).unwrap().set_len(BYTES).unwrap();
        let at_once = "lazy_itable_init=0,lazy_journal_init=0";
        said(Command::new("/usr/sbin/mkfs.ext4").args(["-q", "-F", "-E", at_once]).arg(&image))?;
        let device = PathBuf::from(said(Command::new("/usr/sbin/losetup").args(["--find", "--show"]).arg(&image))?);
        let disk = Self { mounted, device };
        said(Command::new("mount").args(["-o", "noatime"]).arg(&disk.device).arg(disk.path()))?;
        Ok(disk)
    }

    pub(crate) fn path(&self) -> &Path {
        self.mounted.path()
    }

    /// What this disk was given to write since it is there, with everything on it that waits to be written.
    pub(crate) fn written(&self) -> u64 {
        said(Command::new("sync").arg("-f").arg(self.path())).unwrap();
        let name = self.device.file_name().unwrap().to_str().unwrap();
        let stat = std::fs::read_to_string(format!("/sys/block/{name}/stat")).unwrap();
        stat.split_whitespace().nth(6).unwrap().parse::<u64>().unwrap() * 512
    }
}

impl Drop for OwnDisk {
    fn drop(&mut self) {
        let _ = said(Command::new("umount").arg(self.mounted.path()));
        let _ = said(Command::new("/usr/sbin/losetup").arg("--detach").arg(&self.device));
    }
}

fn said(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
        false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    }
}
