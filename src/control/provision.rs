//! One device: thing, key, certificate, policy, into a bundle. A saga that can be killed anywhere.
//!
//! First everything is read and judged (`preflight`); nothing is written before that. Then, each step durable
//! before the next: manifest (`pending`) -> private key -> certificate (INACTIVE) -> thing -> policy -> attachments
//! -> certificate ACTIVE -> manifest (`ready`).
//!
//! So a certificate that is ACTIVE always lies in a bundle on disk, with its key. Killed in between, the next run
//! finds the steps that were done, at AWS and on disk, and goes on; the one call that is not idempotent, asking for a
//! certificate, is announced in the manifest beforehand, and its result is found again by the public key (`own`).

use crate::bundle::folder::Folder;
use crate::bundle::manifest::{Manifest, State};
use crate::bundle::verify;
use crate::control::client::Client;
use crate::control::progress::{Progress, Step};
use crate::error::{Error, Result};

mod account;
mod attachment;
mod certificate;
mod difference;
mod groups;
mod issued;
mod key;
mod own;
mod place;
mod policy;
mod preflight;
pub mod report;
pub mod request;
mod server;
mod thing;
mod work;

use preflight::Plan;
use report::Outcome;
use request::Request;
use work::Work;

/// Makes the device, or what is missing of it; `tell` gets a line for each step.
///
/// # Errors
///
/// Before anything is written: `Usage` and `BadInput` for what cannot be, `Conflict` for what exists with other
/// content, `Denied` for a policy that would not let the device do its work, `Overwrite` for files in the way.
/// Afterwards, whatever a call failed with: the same request again goes on from there.
pub async fn run(client: &Client, request: &Request, tell: &mut dyn FnMut(Step)) -> Result<Outcome> {
    request.check()?;
    let policy_name = request.policy_name()?;
    let folder = Folder::of(&request.out, &request.thing);
    let before = place::look(&folder, request, &policy_name, client.region())?;
    let plan = preflight::read(client, request, policy_name, before.as_ref()).await?;
    let mut progress = Progress::new(tell);
    if let Some(manifest) = before.as_ref().filter(|manifest| manifest.state == State::Ready) {
        check_files(&folder, request)?;
        if plan.is_carried_out() {
            progress.same(format!("everything about `{}` is as it was asked for", request.thing));
            return outcome(folder, manifest.clone(), false);
        }
    }
    folder.create()?;
    let mut lock = folder.lock()?;
    let _held = lock.try_write().map_err(|_| place::busy(&folder))?;
    if place::look(&folder, request, &plan.policy.name, client.region())? != before {
        return Err(place::busy(&folder));
    }
    let manifest = before.unwrap_or_else(|| Manifest::pending(request.thing.clone(), request.key.origin()));
    let work = Work { client, request, folder: &folder, manifest, progress };
    let (manifest, changed) = carry_out(work, &plan).await?;
    outcome(folder, manifest, changed)
}

async fn carry_out(mut work: Work<'_>, plan: &Plan) -> Result<(Manifest, bool)> {
    if let Some(server) = &plan.server {
        work.begin(server, &plan.policy.name)?;
    }
    let public_key = key::ensure(&mut work)?;
    certificate::ensure(&mut work, public_key).await?;
    thing::ensure(&mut work, &plan.thing).await?;
    groups::ensure(&mut work, &plan.groups).await?;
    policy::ensure(&mut work, &plan.policy).await?;
    attachment::to_thing(&mut work, plan).await?;
    attachment::of_policy(&mut work, plan).await?;
    certificate::activate(&mut work, plan.own.as_ref()).await?;
    work.finish()?;
    Ok((work.manifest, work.progress.changed))
}

/// A bundle that says it is ready must be whole, or "no change" would be a lie.
fn check_files(folder: &Folder, request: &Request) -> Result<()> {
    let checks = verify::verify(folder, time::OffsetDateTime::now_utc());
    let forgiven = |name: &str| name == "key" && request.accept_foreign_key;
    let failed = checks.into_iter().find(|check| !check.ok && !forgiven(check.name));
    failed.map_or(Ok(()), |check| {
        let error = Error::bad_input(format!("bundle `{}`: {}", folder.path().display(), check.found));
        Err(check.cure.into_iter().fold(error, Error::hint))
    })
}

fn outcome(folder: Folder, manifest: Manifest, changed: bool) -> Result<Outcome> {
    let foreign_key = key::is_foreign(&folder, &manifest)?;
    Ok(Outcome { folder, manifest, changed, foreign_key })
}
