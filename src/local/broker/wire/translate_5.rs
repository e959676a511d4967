//! MQTT 5: the codec's packets to ours and back.

use std::num::{NonZeroU16, NonZeroU32};

use rmqtt_codec::types::{Publish as WirePublish, QoS};
use rmqtt_codec::v5::{
    Connect as WireConnect, ConnectAck, ConnectAckReason, Disconnect, DisconnectReasonCode, LastWill, Packet,
    PublishAck, PublishAckReason, PublishProperties, SubscribeAck, SubscribeAckReason, UnsubscribeAck,
    UnsubscribeAckReason,
};

use super::fault::WireError;
use super::frame::MOST_BYTES;
use crate::local::broker::packet::{
    ConnAck, Connect, Incoming, Message, Outgoing, Properties, Publish, Reason, Version, Will,
};

/// Unacknowledged QoS 1 messages, both ways, and topic aliases (broker.md, sections 4 and 7).
const RECEIVE_MAX: NonZeroU16 = NonZeroU16::new(100).unwrap();
const TOPIC_ALIASES: u16 = 8;
/// AWS keeps no message longer, nor shorter than a second.
const LONGEST_EXPIRY_S: u32 = 604_800;

pub(super) fn incoming(packet: Packet) -> Result<Incoming, WireError> {
    Ok(match packet {
        Packet::Connect(connect) => Incoming::Connect(Box::new(self::connect(*connect))),
        Packet::Publish(publish) => Incoming::Publish(Box::new(self::publish(*publish))),
        Packet::PublishAck(ack) => Incoming::PubAck(ack.packet_id),
        Packet::Subscribe(subscribe) => {
            let filters = subscribe.topic_filters.into_iter().map(|(filter, o)| (filter.to_string(), o.qos.value()));
            Incoming::Subscribe(subscribe.packet_id, filters.collect(), subscribe.id.is_some())
        }
        Packet::Unsubscribe(unsubscribe) => {
            let filters = unsubscribe.topic_filters.iter().map(ToString::to_string).collect();
            Incoming::Unsubscribe(unsubscribe.packet_id, filters)
        }
        Packet::PingRequest => Incoming::PingReq,
        Packet::Disconnect(disconnect) => Incoming::Disconnect(
            disconnect.reason_code == DisconnectReasonCode::DisconnectWithWillMessage,
            disconnect.session_expiry_interval_secs,
        ),
        _ => return Err(WireError::Misuse("a packet that only a server sends".to_owned(), Reason::ProtocolError)),
    })
}

fn connect(connect: WireConnect) -> Connect {
    Connect {
        version: Version::V5,
        client_id: connect.client_id.to_string(),
        clean: connect.clean_start,
        keep_alive_s: connect.keep_alive,
        session_expiry_s: Some(connect.session_expiry_interval_secs),
        receive_max: connect.receive_max.unwrap_or(RECEIVE_MAX).min(RECEIVE_MAX).get(),
        max_packet: connect.max_packet_size.map(NonZeroU32::get),
        will: connect.last_will.map(will),
    }
}

fn will(will: LastWill) -> Will {
    let properties = Properties {
        user: texts(will.user_properties),
        content_type: will.content_type.map(|text| text.to_string()),
        response_topic: will.response_topic.map(|text| text.to_string()),
        correlation_data: will.correlation_data,
        is_utf8: will.is_utf8_payload.unwrap_or(false),
        expiry_s: expiry(will.message_expiry_interval),
    };
    let message = Message { topic: will.topic.to_string(), payload: will.message, retain: will.retain, properties };
    Will { message, qos: will.qos.value() }
}

fn publish(publish: WirePublish) -> Publish {
    let wire = publish.properties.unwrap_or_default();
    let properties = Properties {
        user: texts(wire.user_properties),
        content_type: wire.content_type.map(|text| text.to_string()),
        response_topic: wire.response_topic.map(|text| text.to_string()),
        correlation_data: wire.correlation_data,
        is_utf8: wire.is_utf8_payload,
        expiry_s: expiry(wire.message_expiry_interval),
    };
    Publish {
        message: Message {
            topic: publish.topic.to_string(),
            payload: publish.payload,
            retain: publish.retain,
            properties,
        },
        qos: publish.qos.value(),
        id: publish.packet_id,
        alias: wire.topic_alias.map(NonZeroU16::get),
    }
}

fn texts(pairs: rmqtt_codec::v5::UserProperties) -> Vec<(String, String)> {
    pairs.into_iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

fn expiry(seconds: Option<NonZeroU32>) -> Option<u32> {
    seconds.map(|seconds| seconds.get().min(LONGEST_EXPIRY_S))
}

pub(super) fn outgoing(packet: Outgoing) -> Packet {
    match packet {
        Outgoing::ConnAck(ack) => Packet::ConnectAck(Box::new(connack(*ack))),
        Outgoing::Publish(message, id) => Packet::Publish(Box::new(delivery(*message, id))),
        Outgoing::PubAck(packet_id, reason) => Packet::PublishAck(PublishAck {
            packet_id,
            reason_code: PublishAckReason::try_from(reason as u8).unwrap_or(PublishAckReason::UnspecifiedError),
            properties: Vec::new(),
            reason_string: None,
        }),
        Outgoing::SubAck(packet_id, answers) => Packet::SubscribeAck(SubscribeAck {
            packet_id,
            properties: Vec::new(),
            reason_string: None,
            status: answers.into_iter().map(status).collect(),
        }),
        Outgoing::UnsubAck(packet_id, count) => Packet::UnsubscribeAck(UnsubscribeAck {
            packet_id,
            properties: Vec::new(),
            reason_string: None,
            status: vec![UnsubscribeAckReason::Success; count],
        }),
        Outgoing::PingResp => Packet::PingResponse,
        Outgoing::Disconnect(reason) => Packet::Disconnect(Disconnect::new(
            DisconnectReasonCode::try_from(reason as u8).unwrap_or(DisconnectReasonCode::UnspecifiedError),
        )),
    }
}

/// What AWS IoT says it can (broker.md, section 7).
fn connack(ack: ConnAck) -> ConnectAck {
    ConnectAck {
        session_present: ack.session_present,
        reason_code: ConnectAckReason::try_from(ack.reason as u8).unwrap_or(ConnectAckReason::UnspecifiedError),
        session_expiry_interval_secs: ack.session_expiry_s,
        receive_max: RECEIVE_MAX,
        max_qos: QoS::AtLeastOnce,
        max_packet_size: Some(MOST_BYTES),
        assigned_client_id: ack.assigned_client_id.map(Into::into),
        topic_alias_max: TOPIC_ALIASES,
        retain_available: true,
        wildcard_subscription_available: true,
        subscription_identifiers_available: false,
        shared_subscription_available: false,
        server_keepalive_sec: ack.keep_alive_s,
        ..ConnectAck::default()
    }
}

fn delivery(message: Message, id: Option<NonZeroU16>) -> WirePublish {
    let Properties { user, content_type, response_topic, correlation_data, is_utf8, expiry_s } = message.properties;
    WirePublish {
        dup: false,
        retain: message.retain,
        qos: if id.is_some() { QoS::AtLeastOnce } else { QoS::AtMostOnce },
        topic: message.topic.into(),
        packet_id: id,
        payload: message.payload,
        properties: Some(PublishProperties {
            topic_alias: None,
            correlation_data,
            message_expiry_interval: expiry_s.and_then(NonZeroU32::new),
            content_type: content_type.map(Into::into),
            user_properties: user.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            is_utf8_payload: is_utf8,
            response_topic: response_topic.map(Into::into),
            subscription_ids: Vec::new(),
        }),
    }
}

fn status(answer: Result<u8, Reason>) -> SubscribeAckReason {
    let code = answer.unwrap_or_else(|reason| reason as u8);
    SubscribeAckReason::try_from(code).unwrap_or(SubscribeAckReason::UnspecifiedError)
}
