//! MQTT 3.1.1: the codec's packets to ours and back.

use rmqtt_codec::types::{Publish as WirePublish, QoS};
use rmqtt_codec::v3::{Connect as WireConnect, ConnectAck, ConnectAckReason, Packet, SubscribeReturnCode};

use super::fault::WireError;
use crate::local::broker::packet::{Connect, Incoming, Message, Outgoing, Properties, Publish, Reason, Version, Will};

/// Unacknowledged messages to a client that cannot say how many it takes.
const RECEIVE_MAX: u16 = 100;

pub(super) fn incoming(packet: Packet) -> Result<Incoming, WireError> {
    Ok(match packet {
        Packet::Connect(connect) => Incoming::Connect(Box::new(self::connect(*connect))),
        Packet::Publish(publish) => Incoming::Publish(Box::new(self::publish(*publish))),
        Packet::PublishAck { packet_id } => Incoming::PubAck(packet_id),
        Packet::Subscribe { packet_id, topic_filters } => {
            let filters = topic_filters.into_iter().map(|(filter, qos)| (filter.to_string(), qos.value()));
            Incoming::Subscribe(packet_id, filters.collect(), false)
        }
        Packet::Unsubscribe { packet_id, topic_filters } => {
            Incoming::Unsubscribe(packet_id, topic_filters.iter().map(ToString::to_string).collect())
        }
        Packet::PingRequest => Incoming::PingReq,
        Packet::Disconnect => Incoming::Disconnect(false, None),
        _ => return Err(WireError::Misuse("a packet that only a server sends".to_owned(), Reason::ProtocolError)),
    })
}

fn connect(connect: WireConnect) -> Connect {
    let will = connect.last_will.map(|will| Will {
        message: message(will.topic.to_string(), will.message, will.retain),
        qos: will.qos.value(),
    });
    Connect {
        version: Version::V3,
        client_id: connect.client_id.to_string(),
        clean: connect.clean_session,
        keep_alive_s: connect.keep_alive,
        session_expiry_s: None,
        receive_max: RECEIVE_MAX,
        max_packet: None,
        will,
    }
}

fn publish(publish: WirePublish) -> Publish {
    Publish {
        message: message(publish.topic.to_string(), publish.payload, publish.retain),
        qos: publish.qos.value(),
        id: publish.packet_id,
        alias: None,
    }
}

fn message(topic: String, payload: tokio_util::bytes::Bytes, retain: bool) -> Message {
    Message { topic, payload, retain, properties: Properties::default() }
}

/// `None` for what version 3 has no packet for.
pub(super) fn outgoing(packet: Outgoing) -> Option<Packet> {
    Some(match packet {
        Outgoing::ConnAck(ack) => Packet::ConnectAck(ConnectAck {
            return_code: match ack.reason {
                Reason::Success => ConnectAckReason::ConnectionAccepted,
                Reason::ClientIdentifierNotValid => ConnectAckReason::IdentifierRejected,
                _ => ConnectAckReason::NotAuthorized,
            },
            session_present: ack.session_present,
        }),
        Outgoing::Publish(message, id) => Packet::Publish(Box::new(WirePublish {
            dup: false,
            retain: message.retain,
            qos: if id.is_some() { QoS::AtLeastOnce } else { QoS::AtMostOnce },
            topic: message.topic.into(),
            packet_id: id,
            payload: message.payload,
            properties: None,
        })),
        Outgoing::PubAck(packet_id, _) => Packet::PublishAck { packet_id },
        Outgoing::SubAck(packet_id, answers) => {
            Packet::SubscribeAck { packet_id, status: answers.into_iter().map(status).collect() }
        }
        Outgoing::UnsubAck(packet_id, _) => Packet::UnsubscribeAck { packet_id },
        Outgoing::PingResp => Packet::PingResponse,
        Outgoing::Disconnect(_) => return None,
    })
}

fn status(answer: Result<u8, Reason>) -> SubscribeReturnCode {
    match answer {
        Ok(0) => SubscribeReturnCode::Success(QoS::AtMostOnce),
        Ok(_) => SubscribeReturnCode::Success(QoS::AtLeastOnce),
        Err(_) => SubscribeReturnCode::Failure,
    }
}
