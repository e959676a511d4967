//! CONNECT: who may come in, and what the CONNACK says.
//!
//! Order of checks: policies.md, section 6.1. A refusal of MQTT 3.1.1 is a closed connection without a CONNACK, as on AWS.

use std::time::Duration;

use super::access::{Access, Peer};
use super::clock;
use super::packet::{ConnAck, Connect, Reason, Version};
use super::tls;
use crate::local::decisions::{Decisions, Event, Record};
use crate::local::registry::Registry;
use crate::names::ClientId;
use crate::topic::TopicName;

/// Keep-alive that AWS IoT takes, in seconds; 0 becomes the longest.
const KEEP_ALIVE_S: std::ops::RangeInclusive<u16> = 30..=1200;
/// The longest that a session outlives its connection, in seconds.
const LONGEST_EXPIRY_S: u32 = 3600;
/// The least Maximum Packet Size of a client, in bytes.
const LEAST_PACKET: u32 = 512;

/// A client that may come in.
pub(super) struct Admitted {
    pub(super) access: Access,
    pub(super) keep_alive: Duration,
    pub(super) session_expiry: Duration,
    /// The CONNACK, but for whether a session was there.
    pub(super) connack: ConnAck,
}

/// Decides a CONNECT. An error is what an MQTT 5 client is told; it has been recorded.
pub(super) fn decide(
    registry: &Registry,
    decisions: &Decisions,
    peer: &Peer,
    connect: &Connect,
) -> Result<Admitted, Reason> {
    let refuse = |note: String, reason: Reason| {
        decisions.record(Record {
            client_id: Some(connect.client_id.clone()),
            certificate_id: Some(peer.certificate_id.clone()),
            note: Some(note),
            ..Record::of(Event::Connect, clock::now_ms())
        });
        Err(reason)
    };
    if let Some(objection) = tls::objection(registry, &peer.certificate_id, clock::now_s()) {
        return refuse(objection, Reason::NotAuthorized);
    }
    if let Err((note, reason)) = check_form(connect) {
        return refuse(note, reason);
    }
    let (client_id, assigned) = match client_id(connect, peer) {
        Ok(found) => found,
        Err(note) => return refuse(note, Reason::ClientIdentifierNotValid),
    };
    let Some(mut access) = Access::new(registry, decisions, peer, client_id, connect) else {
        return refuse("this certificate is not registered here".to_owned(), Reason::NotAuthorized);
    };
    if !access.connect(connect) {
        return Err(Reason::NotAuthorized);
    }
    let keep_alive_s = match connect.keep_alive_s {
        0 => *KEEP_ALIVE_S.end(),
        asked => asked.clamp(*KEEP_ALIVE_S.start(), *KEEP_ALIVE_S.end()),
    };
    let expiry_s = expiry_s(connect);
    let connack = ConnAck {
        reason: Reason::Success,
        session_present: false,
        assigned_client_id: assigned.then(|| access.client_id().to_owned()),
        keep_alive_s: (keep_alive_s != connect.keep_alive_s).then_some(keep_alive_s),
        session_expiry_s: connect.session_expiry_s.filter(|asked| *asked != expiry_s).map(|_| expiry_s),
    };
    Ok(Admitted {
        access,
        keep_alive: Duration::from_secs(keep_alive_s.into()),
        session_expiry: Duration::from_secs(expiry_s.into()),
        connack,
    })
}

/// Will and sizes.
fn check_form(connect: &Connect) -> Result<(), (String, Reason)> {
    if connect.max_packet.is_some_and(|most| most < LEAST_PACKET) {
        let note = format!("Maximum Packet Size must be {LEAST_PACKET} bytes at least");
        return Err((note, Reason::UnspecifiedError));
    }
    let Some(will) = &connect.will else { return Ok(()) };
    if will.qos > 1 {
        return Err(("AWS IoT has no QoS 2, and so no will of QoS 2".to_owned(), Reason::QosNotSupported));
    }
    match will.message.topic.parse::<TopicName>() {
        Err(error) => Err((format!("the will: {error}"), Reason::TopicNameInvalid)),
        Ok(_) if will.message.topic.starts_with('$') && will.message.retain => {
            Err(("the will: reserved topics keep no retained messages".to_owned(), Reason::TopicNameInvalid))
        }
        Ok(_) => Ok(()),
    }
}

/// The client id, and whether the broker chose it. Nobody can come back to a chosen one without being told of it.
fn client_id(connect: &Connect, peer: &Peer) -> Result<(ClientId, bool), String> {
    let (text, assigned) = match connect.client_id.as_str() {
        "" if connect.version == Version::V5 || connect.clean => {
            let certificate = peer.certificate_id.get(..12).unwrap_or_default();
            (format!("auto-{certificate}-{:08x}", getrandom::u32().unwrap_or_default()), true)
        }
        "" => return Err("an empty client id needs clean session (MQTT 3.1.1, section 3.1.3.1)".to_owned()),
        text => (text.to_owned(), false),
    };
    text.parse().map(|id| (id, assigned)).map_err(|e: crate::error::Error| e.to_string())
}

/// How long the session outlives its connection, in seconds.
fn expiry_s(connect: &Connect) -> u32 {
    match (connect.session_expiry_s, connect.clean) {
        (Some(asked), _) => asked.min(LONGEST_EXPIRY_S),
        (None, true) => 0,
        (None, false) => LONGEST_EXPIRY_S,
    }
}
