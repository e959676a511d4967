//! What is wrong with a bundle, check by check, each with its cure. Nothing is sent and nothing is changed.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde::Serialize;
use time::{Duration, OffsetDateTime};

use super::folder::Folder;
use super::manifest::{KeyOrigin, Manifest, State};
use super::{CERTIFICATE_FILE, FEEDER_FILE, KEY_FILE, MANIFEST_FILE, ROOT_FILE, atomic};
use crate::error::{Error, Result};
use crate::pki::certificate::Certificate;
use crate::pki::sha256_hex;

/// How close to its end a certificate must be to be mentioned.
const EXPIRES_SOON: Duration = Duration::days(30);

/// One check and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// Whether it is as it must be.
    pub ok: bool,
    /// What was found.
    pub found: String,
    /// What to type to mend it.
    pub cure: Option<String>,
}

/// Runs every check that can be run; `now` decides about validity.
pub fn verify(folder: &Folder, now: OffsetDateTime) -> Vec<Check> {
    let manifest = match folder.manifest() {
        Ok(manifest) => manifest,
        Err(error) => return vec![check("manifest", Err(error))],
    };
    let again = format!("iotctl provision --thing {}", manifest.thing);
    let mut checks = vec![
        check("manifest", state(folder, &manifest, &again)),
        check("files", hashes(folder, &manifest, &again)),
        check("modes", modes(folder, &manifest)),
        check("certificate", certificate(folder)),
        check("validity", validity(folder, now, &again)),
    ];
    if manifest.key != KeyOrigin::External {
        checks.push(check("key", key_matches(folder, &again)));
    }
    checks.push(check("root", roots(folder)));
    checks.push(check("endpoint", endpoint(&manifest)));
    checks
}

fn check(name: &'static str, outcome: Result<String>) -> Check {
    match outcome {
        Ok(found) => Check { name, ok: true, found, cure: None },
        Err(error) => Check { name, ok: false, found: error.to_string(), cure: error.hints().first().cloned() },
    }
}

fn state(folder: &Folder, manifest: &Manifest, again: &str) -> Result<String> {
    match manifest.state {
        State::Ready => Ok(format!("`{}` is ready", manifest.thing)),
        State::Pending => Err(Error::bad_input(format!("`{}` is not finished", folder.path().display())).hint(again)),
    }
}

fn hashes(folder: &Folder, manifest: &Manifest, again: &str) -> Result<String> {
    let mut edited = "";
    for (name, wanted) in &manifest.files {
        let cure = || format!("restore `{name}` from a copy, or make a new bundle elsewhere: {again} --out DIR");
        let bytes = fs::read(folder.file(name))
            .map_err(|e| Error::bad_input(format!("`{name}` is missing or unreadable")).because(e).hint(cure()))?;
        match (&sha256_hex(&bytes) == wanted, name.as_str()) {
            (true, _) => {}
            // It holds settings, and settings are there to be changed.
            (false, FEEDER_FILE) => edited = ", but for your settings in feeder.toml",
            (false, _) => {
                return Err(Error::bad_input(format!("`{name}` was changed since the bundle was made")).hint(cure()));
            }
        }
    }
    Ok(format!("{} files as they were made{edited}", manifest.files.len()))
}

fn modes(folder: &Folder, manifest: &Manifest) -> Result<String> {
    if manifest.key != KeyOrigin::External {
        private(&folder.file(KEY_FILE), "600")?;
    }
    private(folder.path(), "700")?;
    Ok("only the owner can read the key".to_owned())
}

fn private(path: &std::path::Path, wanted: &str) -> Result<()> {
    let shown = path.display();
    let meta = fs::metadata(path).map_err(|e| Error::bad_input(format!("cannot look at `{shown}`")).because(e))?;
    let mode = meta.permissions().mode() & 0o777;
    match mode & 0o077 {
        0 => Ok(()),
        _ => Err(Error::bad_input(format!("`{shown}` is open to others (mode {mode:04o})"))
            .hint(format!("chmod {wanted} {shown}"))),
    }
}

fn read_certificate(folder: &Folder) -> Result<Certificate> {
    let path = folder.file(CERTIFICATE_FILE);
    Certificate::from_pem(&path.display().to_string(), &atomic::read(&path)?)
}

fn certificate(folder: &Folder) -> Result<String> {
    read_certificate(folder).map(|certificate| format!("{} signed by {}", certificate.subject, certificate.issuer))
}

fn validity(folder: &Folder, now: OffsetDateTime, again: &str) -> Result<String> {
    let certificate = read_certificate(folder)?;
    let (from, to) = (certificate.not_before.date(), certificate.not_after.date());
    if now < certificate.not_before {
        return Err(Error::bad_input(format!(
            "the certificate is valid from {from} on, and this machine's clock says {}",
            now.date()
        ))
        .hint("set the clock: sudo timedatectl set-ntp true"));
    }
    if now > certificate.not_after {
        return Err(Error::bad_input(format!("the certificate expired on {to}"))
            .hint(format!("rm -r {} && {again}", folder.path().display())));
    }
    let left = certificate.not_after - now;
    let soon = if left < EXPIRES_SOON { format!(", only {} days left", left.whole_days()) } else { String::new() };
    Ok(format!("valid to {to}{soon}"))
}

fn key_matches(folder: &Folder, again: &str) -> Result<String> {
    let key = folder.key()?;
    match key.public_key()? == read_certificate(folder)?.public_key() {
        true => Ok("private key and certificate belong together".to_owned()),
        false => Err(Error::bad_input(format!("`{KEY_FILE}` is not the key of `{CERTIFICATE_FILE}`"))
            .hint(format!("restore the right pair, or make a new bundle in an empty folder: {again}"))),
    }
}

fn roots(folder: &Folder) -> Result<String> {
    let path = folder.file(ROOT_FILE);
    let root = Certificate::from_pem(&path.display().to_string(), &atomic::read(&path)?)?;
    Ok(format!("trusts {}", root.subject))
}

fn endpoint(manifest: &Manifest) -> Result<String> {
    let endpoint = manifest.data_endpoint()?;
    let amazon = endpoint.host.ends_with(".amazonaws.com") || endpoint.host.ends_with(".amazonaws.com.cn");
    if amazon && !endpoint.host.contains("-ats.iot.") {
        return Err(Error::bad_input(format!(
            "`{}` is not an ATS endpoint; its certificate chain is not trusted any more",
            endpoint.host
        ))
        .hint(format!(
            "put the address of `aws iot describe-endpoint --endpoint-type iot:Data-ATS` into {MANIFEST_FILE}"
        )));
    }
    match &manifest.region {
        Some(region) if amazon && !endpoint.host.contains(&format!(".{region}.")) => {
            Err(Error::bad_input(format!("endpoint `{}` is not in region `{region}`", endpoint.host))
                .hint(format!("iotctl provision --thing {} --region {region}", manifest.thing)))
        }
        _ => Ok(endpoint.to_string()),
    }
}
