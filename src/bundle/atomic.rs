//! Writing a file so that a crash at any point leaves the old one or the new one, never half of one.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::error::{Error, Kind, Result};

/// Mode of a private key file: its owner reads and writes, nobody else.
pub const PRIVATE: u32 = 0o600;
/// Mode of the files that hold no secret.
pub const PUBLIC: u32 = 0o644;

/// Writes `content` to `path` in place of what is there.
pub fn replace(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    let file = staged(path, content, mode)?;
    file.persist(path).map_err(|e| cannot_write(path, e.error))?;
    sync_folder_of(path)
}

/// Writes `content` to `path`, which must not exist: exit code 73 if it does.
///
/// The name appears only when the content is whole and on the disk, so a crash cannot leave half a key.
pub fn create(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    let file = staged(path, content, mode)?;
    file.persist_noclobber(path).map_err(|e| match e.error.kind() {
        ErrorKind::AlreadyExists => {
            Error::new(Kind::Overwrite, format!("`{}` exists; it is never overwritten", path.display()))
                .hint(format!("if nothing uses it any more: rm {}", path.display()))
        }
        _ => cannot_write(path, e.error),
    })?;
    sync_folder_of(path)
}

/// Writes `content` to `path` in place of what is there, for readers of this moment: they see all of it or what was there
/// before, and it need not survive a power cut, so nothing is forced to the medium. For one writer at a time: a kill
/// leaves a file of the same name each time, `.NAME.new`, and not one more.
pub fn show(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let new = path.with_file_name(format!(".{name}.new"));
    let write = || -> std::io::Result<()> {
        match fs::remove_file(&new) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // Made anew, so that nobody else's file or link is written to.
        let mut file = OpenOptions::new().write(true).create_new(true).open(&new)?;
        file.write_all(content)?;
        file.set_permissions(Permissions::from_mode(mode))?;
        fs::rename(&new, path)
    };
    write().map_err(|e| cannot_write(path, e))
}

/// Makes a folder that only its owner can enter, and its parents; an existing one is left as it is.
pub fn private_folder(path: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|e| cannot_write(path, e))?;
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).map_or(Ok(()), |parent| sync(parent, path))
}

/// The content under a temporary name in the same folder, so that the rename stays on one file system.
fn staged(path: &Path, content: &[u8], mode: u32) -> Result<NamedTempFile> {
    let write = || -> std::io::Result<NamedTempFile> {
        let mut file = tempfile::Builder::new()
            .prefix(".iotctl-")
            .permissions(Permissions::from_mode(mode))
            .tempfile_in(folder_of(path))?;
        file.write_all(content)?;
        // The umask may have taken bits away; the mode is part of the contract.
        file.as_file().set_permissions(Permissions::from_mode(mode))?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    write().map_err(|e| cannot_write(path, e))
}

fn sync_folder_of(path: &Path) -> Result<()> {
    sync(folder_of(path), path)
}

fn sync(folder: &Path, path: &Path) -> Result<()> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|e| cannot_write(path, e))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn cannot_write(path: &Path, cause: std::io::Error) -> Error {
    let full = cause.kind() == ErrorKind::StorageFull;
    let error = Error::failed(format!("cannot write `{}`", path.display())).because(cause);
    if full { error.hint("make room on the disk and run the same command again") } else { error }
}

/// Reads a text file; the error names the path.
pub fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|e| Error::bad_input(format!("cannot read `{}`", path.display())).because(e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_key_is_created_once_and_readable_by_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("device.key.pem");
        create(&path, b"one", PRIVATE).unwrap();
        assert_eq!(mode(&path), 0o600);
        let error = create(&path, b"two", PRIVATE).unwrap_err();
        assert_eq!(error.kind(), Kind::Overwrite);
        assert_eq!(fs::read(&path).unwrap(), b"one");
    }

    #[test]
    fn replacing_keeps_no_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bundle.json");
        replace(&path, b"{}", PUBLIC).unwrap();
        replace(&path, b"{1}", PUBLIC).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"{1}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_shown_is_whole_and_a_kill_leaves_nothing_that_is_in_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("health.json");
        fs::write(folder.path().join(".health.json.new"), "half").unwrap();
        show(&path, b"one", PUBLIC).unwrap();
        show(&path, b"two", PUBLIC).unwrap();
        assert_eq!((fs::read(&path).unwrap(), mode(&path)), (b"two".to_vec(), 0o644));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_bundle_folder_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        private_folder(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
    }
}
