//! SUBSCRIBE: each filter is checked and decided on its own.

use super::access::Access;
use super::ending::Ending;
use super::packet::{Reason, Version};
use super::router::Router;
use crate::local::decisions::Event;
use crate::topic::TopicFilter;

/// Filters of one SUBSCRIBE (broker.md, section 4).
const MOST_FILTERS: usize = 8;

/// The answers of a SUBACK. Version 3 gets none for a denial: AWS closes the connection (policies.md, section 7).
pub(super) fn subscribe(
    router: &Router,
    access: &mut Access,
    filters: &[(String, u8)],
    identifier: bool,
    version: Version,
) -> Result<Vec<Result<u8, Reason>>, Ending> {
    if identifier {
        let what = "a subscription identifier, which AWS IoT does not have";
        return Err(Ending::misuse(what, Reason::SubscriptionIdentifiersNotSupported));
    }
    if filters.len() > MOST_FILTERS {
        let what = format!("{} filters in one SUBSCRIBE; AWS IoT takes {MOST_FILTERS}", filters.len());
        access.note(Event::Subscribe, None, what.clone());
        return match version {
            Version::V3 => Err(Ending::misuse(what, Reason::QuotaExceeded)),
            Version::V5 => Ok(vec![Err(Reason::QuotaExceeded); filters.len()]),
        };
    }
    let mut answers = Vec::with_capacity(filters.len());
    for (filter, qos) in filters {
        let answer = one(router, access, filter, *qos);
        match (answer, version) {
            (Err(Reason::NotAuthorized), Version::V3) => return Err(Ending::Denied),
            (Err(reason @ (Reason::TopicFilterInvalid | Reason::QosNotSupported)), Version::V3) => {
                return Err(Ending::misuse(format!("a subscription to `{filter}` with QoS {qos}"), reason));
            }
            (answer, _) => answers.push(answer),
        }
    }
    Ok(answers)
}

fn one(router: &Router, access: &mut Access, text: &str, qos: u8) -> Result<u8, Reason> {
    let note = |access: &Access, note: &str| access.note(Event::Subscribe, Some(text), note.to_owned());
    let filter = text.parse::<TopicFilter>().map_err(|error| {
        note(access, &error.to_string());
        Reason::TopicFilterInvalid
    })?;
    if text.starts_with("$share/") {
        note(access, "`iotctl local` does not have shared subscriptions yet");
        return Err(Reason::SharedSubscriptionsNotSupported);
    }
    if text.starts_with("$aws/rules/") {
        note(access, "Basic Ingest topics can be published to, not subscribed to");
        return Err(Reason::TopicFilterInvalid);
    }
    if qos > 1 {
        // AWS sends no SUBACK at all to version 3; a closed connection is what its clients make of that.
        note(access, "AWS IoT has no QoS 2");
        return Err(Reason::QosNotSupported);
    }
    if !access.subscribe(text) {
        return Err(Reason::NotAuthorized);
    }
    match router.subscribe(access.client_id(), &filter, qos) {
        true => Ok(qos),
        false => {
            note(access, "AWS IoT takes 50 subscriptions on a connection");
            Err(Reason::QuotaExceeded)
        }
    }
}
