//! PUBLISH: is it well-formed, is it allowed, is it for the broker?

use super::access::Access;
use super::ending::Ending;
use super::packet::{Publish, Reason, Version};
use super::shadowing::ShadowRequest;
use crate::local::decisions::Event;
use crate::topic::TopicName;

/// The largest payload, in bytes.
const MOST_BYTES: usize = 128 * 1024;
/// Topic aliases of a connection.
const MOST_ALIASES: u16 = 8;

/// What becomes of a PUBLISH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It goes to the subscribers.
    Accepted,
    /// It goes to the Device Shadow service, and to whoever subscribes to requests.
    Shadow(ShadowRequest),
    /// It is acknowledged, and nobody gets it.
    Ignored,
    /// Nothing comes of it and nothing is said: what AWS IoT does with QoS 2 of version 3 (broker.md, section 6).
    Unanswered,
    /// MQTT 5 says why in the PUBACK; the connection stays.
    Refused(Reason),
}

/// Topics by alias, of one connection.
#[derive(Debug, Default)]
pub(super) struct Aliases([Option<String>; MOST_ALIASES as usize]);

impl Aliases {
    /// Fills in the topic of an alias, or learns it (MQTT 5, section 3.3.2.3.4).
    pub(super) fn resolve(&mut self, publish: &mut Publish) -> Result<(), Ending> {
        let Some(alias) = publish.alias else { return Ok(()) };
        let place = alias.checked_sub(1).and_then(|at| self.0.get_mut(usize::from(at)));
        let invalid = || Ending::misuse(format!("topic alias {alias}"), Reason::TopicAliasInvalid);
        let place = place.ok_or_else(invalid)?;
        match publish.message.topic.is_empty() {
            true => publish.message.topic = place.clone().ok_or_else(invalid)?,
            false => *place = Some(publish.message.topic.clone()),
        }
        Ok(())
    }
}

/// Judges a PUBLISH. What ends the connection is an error.
pub(super) fn judge(access: &mut Access, publish: &Publish, version: Version) -> Result<Verdict, Ending> {
    let message = &publish.message;
    if publish.qos > 1 && version == Version::V3 {
        access.note(Event::Publish, Some(&message.topic), "AWS IoT has no QoS 2, and answers nothing to it".to_owned());
        return Ok(Verdict::Unanswered);
    }
    if publish.qos > 1 {
        return Err(Ending::misuse("a PUBLISH of QoS 2, which AWS IoT does not have", Reason::QosNotSupported));
    }
    if message.payload.len() > MOST_BYTES {
        let what = format!("a payload of {} bytes; AWS IoT takes {MOST_BYTES}", message.payload.len());
        return Err(Ending::misuse(what, Reason::ProtocolError));
    }
    if let Err(error) = message.topic.parse::<TopicName>() {
        return refused(
            publish,
            version,
            Reason::TopicNameInvalid,
            Ending::misuse(error.to_string(), Reason::TopicNameInvalid),
        );
    }
    if !access.publish(&message.topic, message.retain) {
        return refused(publish, version, Reason::NotAuthorized, Ending::Denied);
    }
    match message.topic.strip_prefix('$') {
        Some(reserved) => judge_reserved(access, publish, reserved),
        None => Ok(Verdict::Accepted),
    }
}

/// MQTT 5 with QoS 1 has a PUBACK to say it in; all else is closed (policies.md, section 7).
fn refused(publish: &Publish, version: Version, reason: Reason, ending: Ending) -> Result<Verdict, Ending> {
    match (version, publish.qos) {
        (Version::V5, 1) => Ok(Verdict::Refused(reason)),
        _ => Err(ending),
    }
}

/// Topics that begin with `$` belong to AWS; what the stand-in does not serve ends the connection, as AWS may do.
fn judge_reserved(access: &Access, publish: &Publish, reserved: &str) -> Result<Verdict, Ending> {
    let topic = &publish.message.topic;
    if publish.message.retain {
        let what = format!("a retained message on the reserved topic `{topic}`");
        return Err(Ending::misuse(what, Reason::TopicNameInvalid));
    }
    if reserved.starts_with("aws/rules/") {
        let note = "Basic Ingest: acknowledged as AWS does without such a rule, and read by nobody".to_owned();
        access.note(Event::Publish, Some(topic), note);
        return Ok(Verdict::Ignored);
    }
    if let Some(request) = ShadowRequest::of_topic(topic) {
        return Ok(Verdict::Shadow(request));
    }
    let note = match reserved.starts_with("aws/") {
        true if reserved.contains("/shadow/") => "of a shadow, clients publish to `get`, `update` and `delete` only",
        true => "`iotctl local` does not serve this reserved topic yet (jobs, fleet provisioning)",
        false => "topics that begin with `$` are AWS's own",
    };
    access.note(Event::Publish, Some(topic), note.to_owned());
    Err(Ending::misuse(format!("a publish to the reserved topic `{topic}`"), Reason::TopicNameInvalid))
}
