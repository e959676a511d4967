//! Shadows over MQTT: requests on reserved topics, and the messages that answer them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::packet::{Message, Properties};
use super::router::Router;
use crate::local::shadow::service::{Notice, Shadows, Verb};
use crate::names::ShadowAddress;

/// Requests whose messages wait for subscribers that do not read. What comes when they are this many is not published,
/// as AWS drops what is over its outbound limit (broker.md, section 4).
const WAITING: usize = 1024;
/// How long a subscriber may refuse to read while others wait for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request to the Device Shadow service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ShadowRequest {
    address: ShadowAddress,
    verb: Verb,
}

impl ShadowRequest {
    /// The request that a publish to this topic is, if it is one.
    pub(super) fn of_topic(topic: &str) -> Option<Self> {
        let (address, suffix) = ShadowAddress::of_topic(topic)?;
        Some(Self { address, verb: Verb::of(suffix)? })
    }

    /// Carries it out; says what a person needs to know of a rejection.
    pub(super) fn serve(&self, shadows: &Shadows, payload: &[u8]) -> Option<String> {
        let refusal = shadows.over_mqtt(&self.address, self.verb, payload)?;
        // Every device asks for its shadow before it makes one.
        let is_news = refusal.code != 404 || self.verb != Verb::Get;
        is_news.then(|| format!("the shadow service rejected it: {} {}", refusal.code, refusal.message))
    }
}

/// The messages that wait to be published.
pub struct Notices(mpsc::Receiver<Vec<Notice>>);

/// Shadows whose messages the broker publishes.
pub fn shadows(clock: fn() -> i64) -> (Shadows, Notices) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let outlet = move |notices| {
        let _ = sender.try_send(notices);
    };
    (Shadows::new(clock, outlet), Notices(receiver))
}

/// Publishes them, in their order, until the broker stops.
pub(super) async fn publish(mut notices: Notices, router: Router, mut stopping: watch::Receiver<bool>) {
    loop {
        let batch = tokio::select! {
            _ = stopping.wait_for(|stopping| *stopping) => return,
            batch = notices.0.recv() => batch,
        };
        let Some(batch) = batch else { return };
        for Notice { topic, payload } in batch {
            let message = Message { topic, payload: payload.into(), retain: false, properties: Properties::default() };
            router.publish_in_time(&Arc::new(message), 1, PATIENCE).await;
        }
    }
}
