//! What the policy lets the device do: by the bundle's copy of it, and by asking the broker.

use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::bundle::folder::Folder;
use crate::bundle::manifest::Manifest;
use crate::bundle::{POLICY_FILE, atomic};
use crate::error::{Error, Kind, Result};
use crate::mqtt::{Client, Qos};
use crate::names::ClientId;
use crate::policy::actions;
use crate::policy::checks::Scope;
use crate::policy::decision::Decision;
use crate::policy::document::Document;
use crate::policy::engine::{Attached, decide};
use crate::policy::facts::Facts;
use crate::topic::TopicName;

/// Looks whether policy.json, the policy as it was attached, allows to connect and to publish to each topic.
pub fn on_paper(folder: &Folder, manifest: &Manifest, topics: &[TopicName]) -> Result<((), String)> {
    let path = folder.file(POLICY_FILE);
    let document = Document::parse(POLICY_FILE, &atomic::read(&path)?)?;
    let Some(scope) = manifest.certificate_arn.as_ref().map(Scope::of) else {
        return Err(Error::bad_input("bundle.json names no certificate, so no policy can be looked at"));
    };
    let asked = |action: &str, resource: &str| decision(&document, manifest, &scope, action, resource);
    let connect = asked("iot:Connect", manifest.client_id.as_str());
    let publish = topics.iter().map(|topic| asked("iot:Publish", topic.as_str()));
    let denied = std::iter::once(connect).chain(publish).flatten().find(|decision| !decision.is_allowed());
    match denied {
        Some(decision) => Err(explained(&decision, manifest)),
        None => Ok(((), format!("{POLICY_FILE} allows to connect, and to publish to every topic of the settings"))),
    }
}

/// The first line of the explanation is the fault, the others say how to mend it.
fn explained(decision: &Decision, manifest: &Manifest) -> Error {
    let explained = decision.explain();
    let mut lines = explained.lines();
    let error = Error::new(Kind::Denied, format!("{POLICY_FILE}: {}", lines.next().unwrap_or_default()));
    let error = twin(&decision.request.resource, manifest).into_iter().fold(error, Error::hint);
    lines.fold(error, Error::hint)
}

fn decision(document: &Document, manifest: &Manifest, scope: &Scope, action: &str, resource: &str) -> Option<Decision> {
    let facts = Facts {
        client_id: Some(manifest.client_id.clone()),
        thing: Some(manifest.thing.clone()),
        certificate_id: manifest.certificate_id.clone(),
        domain_name: manifest.endpoint.clone(),
        ..Facts::default()
    };
    let attached = Attached { name: POLICY_FILE, document, deny_only: false };
    let request = scope.asked(actions::find(action)?, resource);
    Some(decide(&[attached], &facts.connection(scope), &request))
}

/// A topic of the bundle that is the denied one but for letter case.
fn twin(resource: &str, manifest: &Manifest) -> Option<String> {
    let denied = resource.split_once(":topic/")?.1;
    let twin = manifest.topics.iter().find(|topic| topic.as_str().eq_ignore_ascii_case(denied))?;
    Some(format!("the bundle's topic `{twin}` differs only in letter case, and that counts"))
}

/// Publishes one probe to each topic: a message with a status of its own and no sequence.
pub async fn asked(client: &Client, topics: &[TopicName], now: OffsetDateTime) -> Result<((), String)> {
    let probe = json!({
        "timestamp_utc": now.format(&Rfc3339).unwrap_or_default(),
        "value": null, "unit": "", "origin": "iotctl doctor", "status": "probe",
    });
    for topic in topics {
        client.publish(topic, probe.to_string().into_bytes(), Qos::AtLeastOnce, false).await?;
    }
    Ok(((), "the broker acknowledged a probe to every topic of the settings".to_owned()))
}

/// What a denial of the broker means when policy.json allows the same.
pub fn not_as_on_paper(error: Error, client_id: &ClientId, is_allowed: bool) -> Error {
    match is_allowed && error.kind() == Kind::Denied {
        true => error
            .hint(format!(
                "{POLICY_FILE} of the bundle allows `{client_id}` to: another policy is attached, or none, or not to the thing"
            ))
            .hint("on your laptop: aws iot list-attached-policies --target CERTIFICATE-ARN (of `iotctl bundle show`)"),
        false => error,
    }
}
