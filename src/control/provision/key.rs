//! The private key: made here and durable before its certificate is asked for.

use super::request::KeyPlan;
use super::work::Work;
use crate::bundle::folder::Folder;
use crate::bundle::manifest::{KeyOrigin, Manifest};
use crate::bundle::{CERTIFICATE_FILE, KEY_FILE, atomic};
use crate::error::Result;
use crate::pki::certificate::Certificate;
use crate::pki::key::PrivateKey;
use crate::pki::sha256_hex;

/// Makes the key if it is to be made here and is not there, and returns its public half (SubjectPublicKeyInfo DER);
/// nothing if AWS is still to make it.
pub(super) fn ensure(work: &mut Work<'_>) -> Result<Option<Vec<u8>>> {
    if let KeyPlan::Csr(request) = &work.request.key {
        return Ok(Some(request.public_key().to_vec()));
    }
    let path = work.folder.file(KEY_FILE);
    let shown = path.display();
    if path.exists() {
        let key = work.folder.key()?;
        // A run that was killed right after it wrote the key had no time to note its hash.
        work.manifest.files.insert(KEY_FILE.to_owned(), sha256_hex(key.pem().as_bytes()));
        work.progress.same(format!("private key in {shown}"));
        return key.public_key().map(Some);
    }
    if work.request.key == KeyPlan::Aws {
        return Ok(None);
    }
    let key = PrivateKey::generate()?;
    work.folder.write_key(&mut work.manifest, &key)?;
    work.progress.done(format!("private key (P-256) in {shown}"));
    key.public_key().map(Some)
}

/// Whether key and certificate of a finished bundle do not belong together; a key kept elsewhere was compared by its
/// request.
pub(super) fn is_foreign(folder: &Folder, manifest: &Manifest) -> Result<bool> {
    if manifest.key == KeyOrigin::External {
        return Ok(false);
    }
    let path = folder.file(CERTIFICATE_FILE);
    let certificate = Certificate::from_pem(&path.display().to_string(), &atomic::read(&path)?)?;
    Ok(certificate.public_key() != folder.key()?.public_key()?)
}
