//! The folder of the bundle: what stands there already, and whether it is this device's.

use super::request::{KeyPlan, Request};
use crate::bundle::folder::Folder;
use crate::bundle::manifest::{KeyOrigin, Manifest, State};
use crate::bundle::{CERTIFICATE_FILE, FEEDER_FILE, KEY_FILE, POLICY_FILE, ROOT_FILE, atomic};
use crate::error::{Error, Kind, Result};
use crate::names::{PolicyName, Region};
use crate::pki::certificate::Certificate;

/// The manifest of an earlier run, if there was one.
///
/// # Errors
///
/// `Overwrite` for files that no manifest speaks of, `Conflict` for a bundle of another thing, key, Region, policy
/// or topic, `BadInput` for a manifest that cannot be read.
pub(super) fn look(
    folder: &Folder,
    request: &Request,
    policy: &PolicyName,
    region: &Region,
) -> Result<Option<Manifest>> {
    if !folder.exists() {
        return nothing_in_the_way(folder).map(|()| None);
    }
    let manifest = folder.manifest()?;
    let difference = match difference(&manifest, request, policy, region) {
        None => other_csr(folder, &manifest, request)?,
        difference => difference,
    };
    match difference {
        None => Ok(Some(manifest)),
        Some(difference) => {
            let shown = folder.path().display();
            Err(Error::new(Kind::Conflict, format!("bundle `{shown}` is another one: {difference}"))
                .hint(format!("what it is: iotctl bundle show {shown}"))
                .hint("make this one elsewhere: --out DIR"))
        }
    }
}

fn nothing_in_the_way(folder: &Folder) -> Result<()> {
    let ours = [KEY_FILE, CERTIFICATE_FILE, ROOT_FILE, POLICY_FILE, FEEDER_FILE];
    let found = ours.iter().map(|name| folder.file(name)).find(|path| path.symlink_metadata().is_ok());
    found.map_or(Ok(()), |path| {
        let shown = path.display();
        Err(Error::new(Kind::Overwrite, format!("`{shown}` exists, and belongs to no bundle; it is not overwritten"))
            .hint(format!(
                "move it away, or make the bundle elsewhere: mv {} /elsewhere, or --out DIR",
                folder.path().display()
            )))
    })
}

/// What of the bundle contradicts the request. Before it has a certificate, only thing and key are settled.
fn difference(manifest: &Manifest, request: &Request, policy: &PolicyName, region: &Region) -> Option<String> {
    if manifest.thing != request.thing {
        return Some(format!("it belongs to thing `{}`", manifest.thing));
    }
    if manifest.key != request.key.origin() {
        return Some(format!("its private key was {}", key_words(manifest.key)));
    }
    manifest.certificate_id.as_ref()?;
    if manifest.region.as_ref().is_some_and(|known| known != region) {
        return Some(format!("it is of region `{}`, and this run is for `{region}`", text(manifest.region.as_ref())));
    }
    if manifest.policy.as_ref().is_some_and(|known| known != policy) {
        return Some(format!("its policy is `{}`, not `{policy}`", text(manifest.policy.as_ref())));
    }
    if manifest.topics != request.topics {
        return Some(format!("it publishes to {}, not to {}", list(&manifest.topics), list(&request.topics)));
    }
    let endpoint = request.data_endpoint.as_ref().filter(|_| manifest.state == State::Ready)?;
    let same = manifest.data_endpoint().is_ok_and(|known| &known == endpoint);
    (!same).then(|| format!("it connects to `{}`, not to `{endpoint}`", manifest.endpoint.as_deref().unwrap_or("-")))
}

/// A key that is kept elsewhere is known by its signing request alone.
fn other_csr(folder: &Folder, manifest: &Manifest, request: &Request) -> Result<Option<String>> {
    let KeyPlan::Csr(csr) = &request.key else { return Ok(None) };
    if manifest.certificate_id.is_none() || request.accept_foreign_key {
        return Ok(None);
    }
    let path = folder.file(CERTIFICATE_FILE);
    let certificate = Certificate::from_pem(&path.display().to_string(), &atomic::read(&path)?)?;
    let same = certificate.public_key() == csr.public_key();
    Ok((!same).then(|| "its certificate is of another key than the signing request".to_owned()))
}

fn key_words(origin: KeyOrigin) -> &'static str {
    match origin {
        KeyOrigin::Local => "made here (no --key-from, no --csr)",
        KeyOrigin::Aws => "made by AWS (--key-from aws)",
        KeyOrigin::External => "kept elsewhere (--csr)",
    }
}

fn text(value: Option<&impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), ToString::to_string)
}

fn list(topics: &[crate::topic::TopicName]) -> String {
    match topics {
        [] => "nothing".to_owned(),
        topics => topics.iter().map(|topic| format!("`{topic}`")).collect::<Vec<_>>().join(", "),
    }
}

/// Another process owns the folder.
pub(super) fn busy(folder: &Folder) -> Error {
    Error::new(Kind::Conflict, format!("another iotctl is at work in `{}`", folder.path().display()))
        .hint("when it is done, run the same command again")
}
