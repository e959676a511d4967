//! Finding, making and opening the folder of a bundle.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use fd_lock::RwLock;

use super::atomic::{self, PRIVATE, PUBLIC};
use super::manifest::{Manifest, State};
use super::{CERTIFICATE_FILE, KEY_FILE, MANIFEST_FILE, ROOT_FILE};
use crate::error::{Error, Kind, Result};
use crate::names::ThingName;
use crate::pki::certificate::Certificate;
use crate::pki::key::PrivateKey;
use crate::pki::sha256_hex;

/// The folder of one bundle, which need not exist yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    path: PathBuf,
}

/// A bundle that is ready to connect with.
#[derive(Debug)]
pub struct Bundle {
    /// `bundle.json`.
    pub manifest: Manifest,
    /// The private key.
    pub key: PrivateKey,
    /// The device certificate, PEM.
    pub certificate_pem: String,
    /// The trusted roots, PEM.
    pub roots_pem: String,
}

impl Folder {
    /// The folder itself.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where the bundle of `thing` lives below `parent`.
    pub fn of(parent: &Path, thing: &ThingName) -> Self {
        Self { path: parent.join(thing.as_str()) }
    }

    /// The bundle at `path`, or the only one in it; with several, `thing` says which.
    pub fn find(path: &Path, thing: Option<&ThingName>) -> Result<Self> {
        if path.join(MANIFEST_FILE).is_file() {
            return Ok(Self::new(path));
        }
        let found = Self::below(path)?;
        match (thing, &found[..]) {
            (Some(thing), _) => {
                found.iter().find(|folder| folder.path.ends_with(thing.as_str())).cloned().ok_or_else(|| {
                    Error::new(Kind::Configuration, format!("`{}` holds no bundle of `{thing}`", path.display()))
                        .hint(format!("iotctl provision --thing {thing}"))
                })
            }
            (None, [one]) => Ok(one.clone()),
            (None, []) => Err(Error::new(Kind::Configuration, format!("`{}` holds no bundle", path.display()))
                .hint("make one: iotctl provision --thing NAME")),
            (None, several) => Err(several_bundles(path, several)),
        }
    }

    /// Every bundle right below `path`, by name.
    fn below(path: &Path) -> Result<Vec<Self>> {
        let entries = fs::read_dir(path).map_err(|e| {
            Error::new(Kind::Configuration, format!("cannot read the folder `{}`", path.display()))
                .because(e)
                .hint("make a bundle: iotctl provision --thing NAME")
        })?;
        let mut found: Vec<Self> =
            entries.filter_map(|entry| Some(Self::new(entry.ok()?.path()))).filter(|folder| folder.exists()).collect();
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where one of its files is.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Whether a manifest stands there.
    pub fn exists(&self) -> bool {
        self.file(MANIFEST_FILE).is_file()
    }

    /// Makes the folder, mode 0700.
    pub fn create(&self) -> Result<()> {
        atomic::private_folder(&self.path)
    }

    /// Takes the folder for this process until the guard is dropped.
    pub fn lock(&self) -> Result<RwLock<File>> {
        let path = self.file(".lock");
        let open = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        open.map(RwLock::new).map_err(|e| Error::failed(format!("cannot write `{}`", path.display())).because(e))
    }

    /// Reads `bundle.json`.
    pub fn manifest(&self) -> Result<Manifest> {
        let path = self.file(MANIFEST_FILE);
        Manifest::parse(&path.display().to_string(), &atomic::read(&path)?)
    }

    /// Writes `bundle.json`.
    pub fn write_manifest(&self, manifest: &Manifest) -> Result<()> {
        atomic::replace(&self.file(MANIFEST_FILE), manifest.to_json()?.as_bytes(), PUBLIC)
    }

    /// Writes the private key, which must not exist yet, and notes its hash.
    pub fn write_key(&self, manifest: &mut Manifest, key: &PrivateKey) -> Result<()> {
        atomic::create(&self.file(KEY_FILE), key.pem().as_bytes(), PRIVATE)?;
        manifest.files.insert(KEY_FILE.to_owned(), sha256_hex(key.pem().as_bytes()));
        Ok(())
    }

    /// Writes a file that holds no secret, and notes its hash in the manifest (which is not written).
    pub fn write_file(&self, manifest: &mut Manifest, name: &str, text: &str) -> Result<()> {
        atomic::replace(&self.file(name), text.as_bytes(), PUBLIC)?;
        manifest.files.insert(name.to_owned(), sha256_hex(text.as_bytes()));
        Ok(())
    }

    /// Reads the private key, if only its owner can read it.
    pub fn key(&self) -> Result<PrivateKey> {
        read_private_key(&self.file(KEY_FILE))
    }

    /// Opens a bundle to connect with: it must be ready, whole, and its key private.
    pub fn open(&self) -> Result<Bundle> {
        let manifest = self.manifest()?;
        let thing = &manifest.thing;
        if manifest.state == State::Pending {
            return Err(Error::new(Kind::Configuration, format!("bundle `{}` is not finished", self.path.display()))
                .hint(format!("iotctl provision --thing {thing}")));
        }
        let key = self.key()?;
        let path = self.file(CERTIFICATE_FILE);
        let certificate_pem = atomic::read(&path)?;
        let certificate = Certificate::from_pem(&path.display().to_string(), &certificate_pem)?;
        if certificate.public_key() != key.public_key()? {
            return Err(Error::bad_input(format!(
                "key and certificate in `{}` do not belong together",
                self.path.display()
            ))
            .hint(format!("iotctl bundle verify {}", self.path.display())));
        }
        Ok(Bundle { key, certificate_pem, roots_pem: atomic::read(&self.file(ROOT_FILE))?, manifest })
    }
}

/// Reads a private key file, and refuses one that others than its owner can read.
pub fn read_private_key(path: &Path) -> Result<PrivateKey> {
    let shown = path.display().to_string();
    let text = zeroize::Zeroizing::new(atomic::read(path)?);
    let meta = fs::metadata(path).ok();
    let mode = meta.as_ref().map_or(0, |meta| meta.permissions().mode() & 0o777);
    if mode & 0o077 != 0 && !meta.is_some_and(|meta| is_credential(&meta)) {
        return Err(Error::new(
            Kind::Configuration,
            format!("private key `{shown}` can be read by others (mode {mode:04o})"),
        )
        .hint(format!("chmod 600 {shown}")));
    }
    PrivateKey::from_pem(&shown, &text)
}

/// Whether it is the way in which systemd hands a credential to a service (systemd.exec(5), `LoadCredential=`): root's
/// file of mode 0440, where the group's bit is the mask of an access list that names the service's user alone.
fn is_credential(meta: &fs::Metadata) -> bool {
    meta.uid() == 0 && meta.gid() == 0 && meta.permissions().mode() & 0o777 == 0o440
}

fn several_bundles(path: &Path, several: &[Folder]) -> Error {
    let names: Vec<_> = several.iter().filter_map(|f| f.path.file_name()).map(|n| n.to_string_lossy()).collect();
    let first = names.first().map_or("NAME", |name| name);
    let few = names.iter().take(8).map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
    let more = if names.len() > 8 { format!(" and {} more", names.len() - 8) } else { String::new() };
    Error::new(Kind::Configuration, format!("`{}` holds {} bundles: {few}{more}", path.display(), names.len()))
        .hint(format!("say which with --thing {first}"))
}
