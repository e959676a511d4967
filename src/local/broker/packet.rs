//! Control packets as the broker thinks of them, whatever the version on the wire.

use std::num::NonZeroU16;

use tokio_util::bytes::Bytes;

/// The protocol version of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// MQTT 3.1 and 3.1.1.
    V3,
    /// MQTT 5.
    V5,
}

/// What an acknowledgement or a DISCONNECT says (MQTT 5, section 2.4); version 3 knows only good and bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Reason {
    Success = 0,
    UnspecifiedError = 128,
    MalformedPacket = 129,
    ProtocolError = 130,
    ClientIdentifierNotValid = 133,
    NotAuthorized = 135,
    ServerShuttingDown = 139,
    KeepAliveTimeout = 141,
    SessionTakenOver = 142,
    TopicFilterInvalid = 143,
    TopicNameInvalid = 144,
    TopicAliasInvalid = 148,
    QuotaExceeded = 151,
    AdministrativeAction = 152,
    QosNotSupported = 155,
    SharedSubscriptionsNotSupported = 158,
    SubscriptionIdentifiersNotSupported = 161,
}

/// A message on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// Where it was published to.
    pub(super) topic: String,
    /// Its content.
    pub(super) payload: Bytes,
    /// RETAIN of the PUBLISH.
    pub(super) retain: bool,
    /// What MQTT 5 passes on.
    pub(super) properties: Properties,
}

/// Properties that go from the publisher to the subscriber (MQTT 5, section 3.3.2.3).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Properties {
    /// Names and values in their order.
    pub(super) user: Vec<(String, String)>,
    /// MIME type or the like.
    pub(super) content_type: Option<String>,
    /// Where an answer goes.
    pub(super) response_topic: Option<String>,
    /// What an answer carries.
    pub(super) correlation_data: Option<Bytes>,
    /// The payload is UTF-8.
    pub(super) is_utf8: bool,
    /// Seconds after which nobody wants it any more.
    pub(super) expiry_s: Option<u32>,
}

/// A CONNECT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Connect {
    /// The version.
    pub(super) version: Version,
    /// As sent; may be empty.
    pub(super) client_id: String,
    /// Clean session, or clean start.
    pub(super) clean: bool,
    /// Seconds.
    pub(super) keep_alive_s: u16,
    /// Seconds; version 3 has none, and means "as long as the server likes" without clean session.
    pub(super) session_expiry_s: Option<u32>,
    /// Unacknowledged QoS 1 messages that the client takes.
    pub(super) receive_max: u16,
    /// Bytes of a packet that the client takes.
    pub(super) max_packet: Option<u32>,
    /// What to publish when it is lost.
    pub(super) will: Option<Will>,
}

/// A will.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Will {
    /// The message.
    pub(super) message: Message,
    /// Its QoS as sent, 2 included.
    pub(super) qos: u8,
}

/// A PUBLISH from a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Publish {
    /// The message; its topic is empty where only the alias is there.
    pub(super) message: Message,
    /// As sent, 2 included.
    pub(super) qos: u8,
    /// Packet identifier; there for QoS 1 and 2.
    pub(super) id: Option<NonZeroU16>,
    /// Topic alias.
    pub(super) alias: Option<u16>,
}

/// What a client may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Incoming {
    /// CONNECT.
    Connect(Box<Connect>),
    /// PUBLISH.
    Publish(Box<Publish>),
    /// PUBACK.
    PubAck(NonZeroU16),
    /// SUBSCRIBE: filters with their QoS, and whether a subscription identifier was given.
    Subscribe(NonZeroU16, Vec<(String, u8)>, bool),
    /// UNSUBSCRIBE.
    Unsubscribe(NonZeroU16, Vec<String>),
    /// PINGREQ.
    PingReq,
    /// DISCONNECT: whether the will is to be sent all the same, and a new session expiry.
    Disconnect(bool, Option<u32>),
}

/// A CONNACK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ConnAck {
    /// Success, or why not.
    pub(super) reason: Reason,
    /// The session was there.
    pub(super) session_present: bool,
    /// An id that the broker chose.
    pub(super) assigned_client_id: Option<String>,
    /// Where it is not what the client asked for.
    pub(super) keep_alive_s: Option<u16>,
    /// Where it is not what the client asked for.
    pub(super) session_expiry_s: Option<u32>,
}

/// What the broker may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outgoing {
    /// CONNACK.
    ConnAck(Box<ConnAck>),
    /// PUBLISH: the message as this subscriber gets it, QoS 1 with an identifier.
    Publish(Box<Message>, Option<NonZeroU16>),
    /// PUBACK.
    PubAck(NonZeroU16, Reason),
    /// SUBACK: per filter the QoS granted, or why not.
    SubAck(NonZeroU16, Vec<Result<u8, Reason>>),
    /// UNSUBACK for so many filters.
    UnsubAck(NonZeroU16, usize),
    /// PINGRESP.
    PingResp,
    /// DISCONNECT; version 3 has none from a server.
    Disconnect(Reason),
}
