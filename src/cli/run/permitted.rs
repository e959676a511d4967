//! What the policy of the bundle forbids, said before anything runs.
//!
//! Nobody is asked: this is the policy as it was attached. What it is by now, only the broker knows.

use std::path::Path;

use crate::bundle::POLICY_FILE;
use crate::bundle::manifest::Manifest;
use crate::cli::identity::Connecting;
use crate::error::Result;
use crate::policy::checks::{self, Scope};
use crate::policy::decision::Decision;
use crate::policy::document::Document;
use crate::policy::engine::{Attached, decide};
use crate::policy::facts::Facts;
use crate::topic::TopicName;
use crate::ui::Ui;

/// Warns of each thing that a feeder for `topics` may not do.
///
/// # Errors
/// The policy of the bundle cannot be parsed.
pub(super) fn warn(connecting: &Connecting, topics: &[TopicName], ui: Ui) -> Result<()> {
    let Some((folder, manifest)) = &connecting.bundle else {
        ui.detail("without a bundle there is no policy to look at");
        return Ok(());
    };
    let Ok(text) = std::fs::read_to_string(folder.file(POLICY_FILE)) else {
        ui.say(&format!("there is no {POLICY_FILE} in the bundle, so what the policy allows is not known"));
        return Ok(());
    };
    let document = Document::parse(POLICY_FILE, &text)?;
    for decision in denied(&document, connecting, manifest, topics) {
        ui.warn(&sentence(&decision, folder.path()));
        ui.detail(&decision.explain());
    }
    Ok(())
}

/// Connecting, and publishing to each topic, where the policy does not allow it.
fn denied(document: &Document, connecting: &Connecting, manifest: &Manifest, topics: &[TopicName]) -> Vec<Decision> {
    let Some(scope) = manifest.certificate_arn.as_ref().map(Scope::of) else { return Vec::new() };
    let client_id = &connecting.identity.client_id;
    let facts = Facts {
        client_id: Some(client_id.clone()),
        thing: Some(manifest.thing.clone()),
        certificate_id: manifest.certificate_id.clone(),
        domain_name: manifest.endpoint.clone(),
        ..Facts::default()
    };
    let connection = facts.connection(&scope);
    let attached = [Attached { name: POLICY_FILE, document, deny_only: false }];
    let publish = topics.iter().flat_map(|topic| checks::publish(&scope, topic.as_str(), false));
    let asked = checks::connect(&scope, client_id.as_str(), None).into_iter().chain(publish);
    asked.map(|request| decide(&attached, &connection, &request)).filter(|decision| !decision.is_allowed()).collect()
}

fn sentence(decision: &Decision, bundle: &Path) -> String {
    let (action, resource) = (decision.request.action.trim_start_matches("iot:"), &decision.request.resource);
    let name = resource.splitn(6, ':').last().unwrap_or(resource);
    format!(
        "{POLICY_FILE} of the bundle does not allow iot:{action} on {name}\n  hint: iotctl policy explain {action} '{name}' --bundle {}",
        bundle.display()
    )
}
