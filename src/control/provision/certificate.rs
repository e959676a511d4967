//! The certificate: asked for INACTIVE, adopted if an earlier run asked already, activated last.

use aws_sdk_iot::types::CertificateStatus;
use time::OffsetDateTime;

use super::issued::{self, Asked, Issued};
use super::own::{self, Search};
use super::request::KeyPlan;
use super::work::Work;
use crate::bundle::CERTIFICATE_FILE;
use crate::bundle::manifest::{Manifest, State};
use crate::control::client::Client;
use crate::error::{Error, Kind, Result};
use crate::names::{Arn, PolicyName};
use crate::pki::certificate::Certificate;

/// How often a certificate is asked for when answers get lost.
const MOST_TRIES: usize = 3;

/// The certificate of the bundle as AWS has it.
pub(super) struct Own {
    pub(super) arn: Arn,
    pub(super) active: bool,
    policies: Vec<String>,
}

impl Own {
    /// Whether this policy is attached to it.
    pub(super) fn has(&self, policy: &PolicyName) -> bool {
        self.policies.iter().any(|name| name == policy.as_str())
    }
}

/// The certificate that the bundle names, if it names one.
///
/// # Errors
///
/// `Conflict` if AWS does not know it, or somebody has switched it off: that was a decision, and is not undone here.
pub(super) async fn read(client: &Client, manifest: Option<&Manifest>) -> Result<Option<Own>> {
    let Some(manifest) = manifest else { return Ok(None) };
    let (Some(id), Some(arn)) = (&manifest.certificate_id, &manifest.certificate_arn) else { return Ok(None) };
    let answer = client.iot.describe_certificate().certificate_id(id).send().await;
    let found = client.found("iot:DescribeCertificate", &format!("read certificate `{id}`"), answer)?;
    let status = found.and_then(|found| found.certificate_description).and_then(|found| found.status);
    let active = match status {
        Some(CertificateStatus::Active) => true,
        Some(CertificateStatus::Inactive) if manifest.state == State::Pending => false,
        Some(other) => return Err(switched_off(manifest, id, &other)),
        None => return Err(unknown(manifest, id)),
    };
    let mut pages = client.iot.list_attached_policies().target(arn.to_string()).into_paginator().send();
    let mut policies = Vec::new();
    while let Some(page) = pages.next().await {
        let page = client.answer("iot:ListAttachedPolicies", "list the policies of the certificate", page)?;
        policies.extend(page.policies().iter().filter_map(|policy| policy.policy_name().map(str::to_owned)));
    }
    Ok(Some(Own { arn: arn.clone(), active, policies }))
}

fn switched_off(manifest: &Manifest, id: &str, status: &CertificateStatus) -> Error {
    Error::new(Kind::Conflict, format!("the certificate of `{}` was switched off: it is {status}", manifest.thing))
        .because(format!("certificate {id}"))
        .hint(format!("if that was a mistake: aws iot update-certificate --new-status ACTIVE --certificate-id {id}"))
        .hint("if not, make a new bundle elsewhere: --out DIR")
}

fn unknown(manifest: &Manifest, id: &str) -> Error {
    let place = manifest.certificate_arn.as_ref().map(|arn| format!("account {}, region {}", arn.account, arn.region));
    Error::new(Kind::Conflict, format!("the certificate of `{}` does not exist (any more)", manifest.thing))
        .because(format!("certificate {id}"))
        .hint(format!("are these the right credentials? it was made in {}", place.unwrap_or_default()))
        .hint("if it was deleted, move the bundle away and run the same command again")
}

/// Gets the certificate of `public_key`, or of a key that AWS makes, into the bundle.
pub(super) async fn ensure(work: &mut Work<'_>, public_key: Option<Vec<u8>>) -> Result<()> {
    if let Some(id) = &work.manifest.certificate_id {
        work.progress.same(format!("certificate {}", short(id)));
        return Ok(());
    }
    let (issued, public_key) = match public_key {
        Some(public_key) => (get(work, &public_key).await?, public_key),
        None => get_with_key(work).await?,
    };
    if carried_key(&issued)? != public_key {
        if !work.request.accept_foreign_key {
            return Err(foreign(work.client, &issued).await);
        }
        work.progress.warn("the certificate carries another key than the device's: it cannot connect");
    }
    work.folder.write_file(&mut work.manifest, CERTIFICATE_FILE, &issued.pem)?;
    work.manifest.account = Some(issued.arn.account.clone());
    work.manifest.certificate_id = Some(issued.id);
    work.manifest.certificate_arn = Some(issued.arn);
    work.save()
}

/// Adopts what an earlier try may have made, else asks; again and again, while answers get lost.
async fn get(work: &mut Work<'_>, public_key: &[u8]) -> Result<Issued> {
    let csr = match &work.request.key {
        KeyPlan::Csr(request) => request.pem().to_owned(),
        KeyPlan::Local | KeyPlan::Aws => work.folder.key()?.csr(work.request.thing.as_str())?,
    };
    let mut tries = 0;
    loop {
        if let Some(issued) = adopt(work, public_key).await? {
            return Ok(issued);
        }
        note(work)?;
        tries += 1;
        match issued::by_csr(work.client, &csr).await? {
            Asked::Issued(issued) => {
                work.progress.done(format!("certificate {} (inactive until all is made)", short(&issued.id)));
                return Ok(issued);
            }
            Asked::Unknown(_) if tries < MOST_TRIES => {}
            Asked::Unknown(error) => {
                return Err(error.hint("the same command again finds out whether it was made, and goes on"));
            }
        }
    }
}

async fn adopt(work: &mut Work<'_>, public_key: &[u8]) -> Result<Option<Issued>> {
    let Some(asked) = work.manifest.requested_at else { return Ok(None) };
    match own::find(work.client, asked, public_key).await? {
        Search::Found(issued) => {
            work.progress.done(format!("certificate {} of an interrupted run, adopted", short(&issued.id)));
            Ok(Some(issued))
        }
        Search::Nothing => Ok(None),
        Search::GivenUp => {
            work.progress.warn(format!(
                "an interrupted run asked for a certificate at {asked}; too many were made since to find it, so a new \
                 one is made, and one may be left over, inactive"
            ));
            Ok(None)
        }
    }
}

async fn get_with_key(work: &mut Work<'_>) -> Result<(Issued, Vec<u8>)> {
    if let Some(asked) = work.manifest.requested_at {
        warn_of_leftovers(work, asked).await?;
    }
    note(work)?;
    let (issued, key) = issued::with_key(work.client).await?;
    work.folder.write_key(&mut work.manifest, &key)?;
    work.progress.done(format!("private key and certificate {} (inactive until all is made)", short(&issued.id)));
    Ok((issued, key.public_key()?))
}

/// A key that AWS sent and nobody wrote down is lost, and nothing tells its certificate from those of other runs.
async fn warn_of_leftovers(work: &mut Work<'_>, asked: OffsetDateTime) -> Result<()> {
    let (leftovers, _) = own::candidates(work.client, asked).await?;
    for id in leftovers.iter().take(MOST_TRIES) {
        work.progress.warn(format!(
            "certificate {id} is inactive, and of the time of an interrupted run; if nobody is at work with it: \
             aws iot delete-certificate --certificate-id {id}"
        ));
    }
    Ok(())
}

/// From now on, a later run must look for a certificate before it asks for another.
fn note(work: &mut Work<'_>) -> Result<()> {
    work.manifest.requested_at = Some(OffsetDateTime::now_utc());
    work.save()
}

fn carried_key(issued: &Issued) -> Result<Vec<u8>> {
    Certificate::from_pem("the certificate that AWS sent", &issued.pem).map(|c| c.public_key().to_vec())
}

async fn foreign(client: &Client, issued: &Issued) -> Error {
    let answer = client.iot.delete_certificate().certificate_id(&issued.id).send().await;
    let fate = match client.answer("iot:DeleteCertificate", "delete it again", answer).is_ok() {
        true => "it was deleted again".to_owned(),
        false => format!("it is left there, inactive: {}", issued.id),
    };
    let address = client.address().unwrap_or("AWS");
    Error::failed(format!(
        "`{address}` made a certificate of another key than ours; a device could not connect with it"
    ))
    .because(fate)
    .hint("moto does that; a stand-in that certifies the right key: iotctl local")
    .hint("for tests that never connect: --accept-foreign-key")
}

/// Makes the certificate ACTIVE, when everything else is done.
pub(super) async fn activate(work: &mut Work<'_>, own: Option<&Own>) -> Result<()> {
    let id = work.manifest.certificate_id.clone().unwrap_or_default();
    if own.is_some_and(|own| own.active) {
        work.progress.same(format!("certificate {} is active", short(&id)));
        return Ok(());
    }
    let call = work.client.iot.update_certificate().certificate_id(&id).new_status(CertificateStatus::Active);
    work.client.answer("iot:UpdateCertificate", "activate the certificate", call.send().await)?;
    work.progress.done(format!("certificate {} is active", short(&id)));
    Ok(())
}

/// As much of a certificate id as a person compares.
fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}
