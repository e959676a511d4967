//! The task that moves packets: it owns the event loop, and ends when the connection does.

use rumqttc::{ConnectionError, Event, EventLoop, Outgoing, Packet};
use tokio::sync::{mpsc, watch};

use super::failure::{self, Ending};
use super::message::Message;
use crate::error::Error;
use crate::names::DataEndpoint;

/// Drives the connection up to the CONNACK.
///
/// Polling is not cancel-safe while it connects: whoever gives up must throw the event loop away.
pub(super) async fn until_connack(events: &mut EventLoop) -> Result<(), ConnectionError> {
    loop {
        if let Event::Incoming(Packet::ConnAck(_)) = events.poll().await? {
            return Ok(());
        }
    }
}

/// Drives the connection to its end and returns the reason; `ending` learns what sort of end it was.
pub(super) async fn run(
    mut events: EventLoop,
    inbox: mpsc::Sender<Message>,
    endpoint: DataEndpoint,
    ending: watch::Sender<Option<Ending>>,
) -> Error {
    let reason = until_end(&mut events, &inbox).await;
    // Before the event loop goes, because its going fails every publish that waits and then asks why.
    ending.send_replace(Some(Ending::of(reason.as_ref())));
    match reason {
        Some(error) => failure::lost(&error, &endpoint),
        None => failure::closed_by_us(),
    }
}

/// Moves packets until the connection ends; no error if we ended it.
async fn until_end(events: &mut EventLoop, inbox: &mpsc::Sender<Message>) -> Option<ConnectionError> {
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::Publish(publish))) => {
                let message = Message {
                    topic: String::from_utf8_lossy(&publish.topic).into_owned(),
                    payload: publish.payload.to_vec(),
                    retain: publish.retain,
                };
                // Waiting here is the back-pressure: a slow reader keeps the next packet on the wire.
                inbox.send(message).await.ok()?;
            }
            // Polling on would connect again.
            Ok(Event::Outgoing(Outgoing::Disconnect)) => return None,
            Ok(_) => {}
            Err(error) => return Some(error),
        }
    }
}
