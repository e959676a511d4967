//! MQTT 3.1.1 over mTLS: connect, publish, subscribe, close. The one module over the client crate.
//!
//! A connection is a pipe that may be thrown away: clean session, a new client and a new event loop each time, and
//! nothing carries over. What must not be lost lives with the caller until [`Client::publish`] says it was
//! acknowledged (reference/dependencies-device.md, 2.4).

use std::time::Duration;

use rumqttc::{
    AsyncClient, Broker, MqttOptions, PublishOptions, QoS, SubscribeReasonCode, TlsConfiguration, Transport,
};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::error::{Error, Kind, Result};
use crate::topic::{TopicFilter, TopicName};

use failure::Ending;

mod failure;
mod identity;
mod message;
pub mod probe;
mod pump;
mod tunnel;

pub use identity::Identity;
pub use message::Message;

/// The largest payload that AWS IoT takes, in bytes.
pub const MAX_PAYLOAD: usize = 128 * 1024;
/// Room for the topic and the headers around a payload.
const PACKET_OVERHEAD: usize = 1024;
/// Messages that wait for a slow reader before the connection is not read from any more.
const INBOX: usize = 256;

/// How patient a connection is. The defaults are the tutorial's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Longest silence before a PINGREQ; AWS takes 30 to 1200 s.
    pub keep_alive: Duration,
    /// From the first packet to CONNACK.
    pub connect_timeout: Duration,
    /// From a PUBLISH or SUBSCRIBE to its acknowledgement.
    pub operation_timeout: Duration,
    /// Most unacknowledged publishes; AWS takes 100.
    pub in_flight: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            keep_alive: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            operation_timeout: Duration::from_secs(5),
            in_flight: 100,
        }
    }
}

/// Delivery guarantee; AWS IoT has no QoS 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Qos {
    /// At most once: done when it was sent.
    AtMostOnce,
    /// At least once: done when the PUBACK came.
    AtLeastOnce,
}

/// The sending side of a connection. Cheap to clone; the connection ends when the last clone and the inbox are gone.
#[derive(Debug, Clone)]
pub struct Client {
    inner: AsyncClient,
    settings: Settings,
    ending: watch::Receiver<Option<Ending>>,
}

/// The receiving side of a connection.
#[derive(Debug)]
pub struct Inbox {
    messages: mpsc::Receiver<Message>,
    pump: JoinHandle<Error>,
}

/// Connects and waits for the CONNACK.
///
/// Errors: unreachable (6) for DNS, TCP, timeouts and a server that is not trusted; denied (5) for a refusal, which
/// AWS IoT makes by closing the connection without a word.
pub async fn connect(identity: &Identity, settings: Settings) -> Result<(Client, Inbox)> {
    let Identity { endpoint, client_id, .. } = identity;
    let mut options = MqttOptions::new(client_id.as_str(), Broker::tcp(endpoint.host.as_str(), endpoint.port));
    options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(identity.tls_for_port())));
    options.set_keep_alive(u16::try_from(settings.keep_alive.as_secs()).unwrap_or(u16::MAX));
    options.set_clean_session(true);
    options.set_inflight(settings.in_flight);
    if let Some(proxy) = identity.proxy.clone() {
        options.set_socket_connector(move |target, network| {
            let proxy = proxy.clone();
            async move { tunnel::open(&proxy, &target, network).await }
        });
    }
    options.set_max_packet_size(MAX_PAYLOAD + PACKET_OVERHEAD, MAX_PAYLOAD + PACKET_OVERHEAD);
    let (inner, mut events) = AsyncClient::builder(options).capacity(settings.in_flight.into()).build();
    let connecting = tokio::time::timeout(settings.connect_timeout, pump::until_connack(&mut events));
    match connecting.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err(failure::connecting(&error, identity)),
        Err(_) => return Err(failure::silent(endpoint, settings.connect_timeout)),
    }
    let (sender, messages) = mpsc::channel(INBOX);
    let (end, ending) = watch::channel(None);
    let pump = tokio::spawn(pump::run(events, sender, endpoint.clone(), end));
    Ok((Client { inner, settings, ending }, Inbox { messages, pump }))
}

impl Client {
    /// Publishes, and resolves when it is acknowledged (QoS 1) or sent (QoS 0).
    ///
    /// The publish is submitted when this is first polled; drop the future and it may still go out.
    pub async fn publish(&self, topic: &TopicName, payload: Vec<u8>, qos: Qos, retain: bool) -> Result<()> {
        let options = PublishOptions::new(level(qos)).retain(retain);
        let wait = async {
            let notice = self.inner.publish_tracked(topic.as_str(), payload, options).await.ok()?;
            notice.wait_completion_async().await.ok()
        };
        match self.in_time(wait, || format!("no PUBACK for `{topic}`")).await? {
            Some(()) => Ok(()),
            None => Err(failure::unacknowledged(topic, self.ending().await)),
        }
    }

    /// Subscribes, and resolves when the broker agreed.
    pub async fn subscribe(&self, filter: &TopicFilter, qos: Qos) -> Result<()> {
        let wait = async {
            let notice = self.inner.subscribe_tracked(filter.as_str(), level(qos)).await.ok()?;
            notice.wait_async().await.ok()
        };
        match self.in_time(wait, || format!("no SUBACK for `{filter}`")).await? {
            Some(suback) if suback.return_codes.iter().all(|c| matches!(c, SubscribeReasonCode::Success(_))) => Ok(()),
            Some(_) => Err(failure::not_subscribed(filter, Ending::ClosedByPeer)),
            None => Err(failure::not_subscribed(filter, self.ending().await)),
        }
    }

    /// Sends DISCONNECT after what is in flight; gives up waiting after the operation timeout.
    pub async fn close(self, mut inbox: Inbox) {
        // The broker may be gone already, and then there is nobody to say goodbye to.
        let _ = self.inner.disconnect_with_timeout(self.settings.operation_timeout).await;
        let _ = tokio::time::timeout(self.settings.operation_timeout, inbox.ended()).await;
    }

    /// Whether the broker closed the connection, once [`Inbox::ended`] has said that it ended.
    pub fn was_closed_by_broker(&self) -> bool {
        *self.ending.borrow() == Some(Ending::ClosedByPeer)
    }

    async fn in_time<T>(&self, work: impl Future<Output = T>, what: impl FnOnce() -> String) -> Result<T> {
        let limit = self.settings.operation_timeout;
        let late = |_| Error::new(Kind::Unreachable, format!("{} within {} s", what(), limit.as_secs()));
        tokio::time::timeout(limit, work).await.map_err(late)
    }

    /// What sort of end the connection had; waits for it.
    async fn ending(&self) -> Ending {
        let mut ending = self.ending.clone();
        ending.wait_for(Option::is_some).await.ok().and_then(|ending| *ending).unwrap_or(Ending::Lost)
    }
}

impl Inbox {
    /// The next message; an error when the connection has ended.
    pub async fn next(&mut self) -> Result<Message> {
        match self.messages.recv().await {
            Some(message) => Ok(message),
            None => Err(self.ended().await),
        }
    }

    /// Resolves with the reason when the connection has ended.
    pub async fn ended(&mut self) -> Error {
        (&mut self.pump).await.unwrap_or_else(|e| Error::failed("the connection's task ended").because(e))
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

fn level(qos: Qos) -> QoS {
    match qos {
        Qos::AtMostOnce => QoS::AtMostOnce,
        Qos::AtLeastOnce => QoS::AtLeastOnce,
    }
}
