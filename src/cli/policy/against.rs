//! `iotctl policy test --live --against aws`: the policies that a device has, and what AWS itself decides.

use std::path::Path;

use serde::Serialize;

use crate::bundle::folder::Folder;
use crate::bundle::manifest::Manifest;
use crate::cli::global::Global;
use crate::cli::provision::client_options;
use crate::control::live::{self, Live};
use crate::control::{authorization, client};
use crate::error::{Error, Kind, Result};
use crate::names::Arn;
use crate::policy::decision::{Decision, Outcome};
use crate::policy::facts::Facts;
use crate::policy::suite::{Suite, Tested, Verdict};

/// A request that AWS decides otherwise.
#[derive(Debug, Serialize)]
pub(super) struct Difference {
    /// The case it belongs to.
    pub(super) case: String,
    action: String,
    resource: String,
    ours: Outcome,
    aws: Outcome,
    /// Variables that AWS could not fill in, because there is no connection.
    missing: Vec<String>,
}

/// What came of asking.
#[derive(Debug, Default, Serialize)]
pub(super) struct Asked {
    /// Requests that AWS was asked about.
    pub(super) requests: usize,
    /// Cases that it cannot be asked about: another device, or an action that TestAuthorization does not know.
    pub(super) cases_left_out: usize,
    pub(super) differences: Vec<Difference>,
}

/// The device whose policies AWS is asked about.
pub(super) fn device(bundle: &Path, suite: &Suite) -> Result<(Manifest, Arn)> {
    let folder = Folder::find(bundle, None)?;
    let manifest = folder.manifest()?;
    if let Some(thing) = suite.device.thing.as_ref().filter(|thing| **thing != manifest.thing) {
        return Err(Error::usage(format!("the suite is about `{thing}`, and the bundle is of `{}`", manifest.thing))
            .hint(format!("--bundle certs/{thing}")));
    }
    let arn = manifest.certificate_arn.clone().ok_or_else(|| {
        Error::new(Kind::Configuration, format!("bundle `{}` has no certificate yet", folder.path().display()))
            .hint(format!("iotctl provision --thing {}", manifest.thing))
    })?;
    Ok((manifest, arn))
}

/// The policies that count for the device now; the suite learns of the groups that they come by.
pub(super) async fn live((manifest, arn): &(Manifest, Arn), suite: &mut Suite, global: &Global) -> Result<Vec<Tested>> {
    let client = client::connect(&client_options(global)).await?;
    let policies = live::policies(&client, arn, &manifest.thing).await?;
    suite.device.groups.extend(policies.iter().filter_map(|policy| policy.group.clone()));
    Ok(policies.into_iter().map(|Live { name, document, group }| Tested { name, document, group }).collect())
}

/// Asks AWS about every case of the device itself.
pub(super) async fn ask(
    (manifest, arn): &(Manifest, Arn),
    suite: &Suite,
    verdicts: &[Verdict],
    global: &Global,
) -> Result<Asked> {
    let client = client::connect(&client_options(global)).await?;
    let own = |case: &&crate::policy::suite::Case| case.facts == Facts::default();
    let mut asked = Asked::default();
    for (case, verdict) in suite.cases.iter().zip(verdicts) {
        if !own(&case) {
            asked.cases_left_out += 1;
            continue;
        }
        let requests: Vec<_> = verdict.decisions.iter().map(|decision| decision.request.clone()).collect();
        let answers = authorization::ask(&client, arn, &manifest.client_id, &requests).await?;
        asked.cases_left_out += usize::from(answers.iter().all(Option::is_none));
        for (decision, answer) in verdict.decisions.iter().zip(answers) {
            let Some(answer) = answer else { continue };
            asked.requests += 1;
            if answer.outcome != decision.outcome {
                asked.differences.push(difference(&case.name, decision, answer));
            }
        }
    }
    Ok(asked)
}

fn difference(case: &str, decision: &Decision, answer: authorization::Answer) -> Difference {
    Difference {
        case: case.to_owned(),
        action: decision.request.action.clone(),
        resource: decision.request.resource.clone(),
        ours: decision.outcome,
        aws: answer.outcome,
        missing: answer.missing,
    }
}

impl Difference {
    /// For people.
    pub(super) fn line(&self) -> String {
        let missing = match self.missing.is_empty() {
            true => String::new(),
            false => format!(" (without a connection it does not know {})", self.missing.join(", ")),
        };
        format!(
            "DIFF {}\n     {} on {}: {} here, {} on AWS{missing}",
            self.case,
            self.action,
            self.resource,
            self.ours.name(),
            self.aws.name()
        )
    }
}
