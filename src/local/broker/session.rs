//! What waits for one client: a queue of deliveries, and those that are sent and not acknowledged.
//!
//! The router puts in, the client's connection takes out. A full queue is no reason to drop: whoever publishes waits.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroU16;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::packet::Message;

/// Waiting deliveries above which publishers wait, and below which they go on.
const HIGH_WATER: usize = 1_000;
const LOW_WATER: usize = 500;
/// Messages that are kept for a client that is away; what comes later is dropped.
const KEPT_OFFLINE: usize = 10_000;

/// A message for one subscriber.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    pub(super) message: Arc<Message>,
    /// The lower of publication and subscription: 0 or 1.
    pub(super) qos: u8,
    /// Sent because it was retained.
    pub(super) retained: bool,
    arrived: Instant,
}

impl Delivery {
    pub(super) fn new(message: Arc<Message>, qos: u8, retained: bool) -> Self {
        Self { message, qos, retained, arrived: Instant::now() }
    }

    /// Seconds of life that are left: `None` for ever, `Some(0)` for too late.
    pub(super) fn expiry_left_s(&self) -> Option<u32> {
        let life = self.message.properties.expiry_s?;
        let waited = u32::try_from(self.arrived.elapsed().as_secs()).unwrap_or(u32::MAX);
        Some(life.saturating_sub(waited))
    }
}

/// A client's session. Shared between the router and the connection.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) client_id: String,
    inner: Mutex<Inner>,
    arrived: Notify,
    room: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    /// The connection that has it: one that was taken over gets nothing more.
    holder: Option<u64>,
    queue: VecDeque<Delivery>,
    in_flight: BTreeMap<u16, Delivery>,
    last_id: u16,
    /// The order of sending, for sending again.
    sent: VecDeque<u16>,
}

impl Session {
    pub(super) fn new(client_id: &str) -> Self {
        Self { client_id: client_id.to_owned(), inner: Mutex::default(), arrived: Notify::new(), room: Notify::new() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection took over: what was sent and not acknowledged is to be sent again, in its order.
    pub(super) fn go_online(&self, holder: u64) {
        let mut guard = self.inner();
        let inner = &mut *guard;
        inner.holder = Some(holder);
        while let Some(id) = inner.sent.pop_back() {
            inner.queue.extend(inner.in_flight.remove(&id));
            inner.queue.rotate_right(1.min(inner.queue.len()));
        }
        drop(guard);
        self.arrived.notify_one();
    }

    /// The connection is gone: only QoS 1 waits for the next one.
    pub(super) fn go_offline(&self) {
        let mut inner = self.inner();
        inner.holder = None;
        inner.queue.retain(|delivery| delivery.qos > 0);
        drop(inner);
        self.room.notify_waiters();
    }

    /// Whether publishers must wait.
    pub(super) fn is_full(&self) -> bool {
        let inner = self.inner();
        inner.holder.is_some() && inner.queue.len() >= HIGH_WATER
    }

    /// Resolves when there is room; gives up after `patience`.
    pub(super) async fn until_room(&self, patience: Duration) -> Result<(), tokio::time::error::Elapsed> {
        tokio::time::timeout(patience, async {
            loop {
                let room = self.room.notified();
                tokio::pin!(room);
                // Listens before it looks, so that no wake-up falls between the two.
                room.as_mut().enable();
                if !self.is_full() {
                    return;
                }
                room.await;
            }
        })
        .await
    }

    /// Puts a delivery in.
    pub(super) fn push(&self, delivery: Delivery) {
        let mut inner = self.inner();
        let keep = inner.holder.is_some() || (delivery.qos > 0 && inner.queue.len() < KEPT_OFFLINE);
        if keep {
            inner.queue.push_back(delivery);
        }
        drop(inner);
        self.arrived.notify_one();
    }

    /// Resolves when something was put in.
    pub(super) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Takes the next delivery out, if the client takes one more: at most `window` QoS 1 messages are unacknowledged.
    pub(super) fn take(&self, holder: u64, window: usize) -> Option<Delivery> {
        let mut inner = self.inner();
        let blocked = inner.queue.front()?.qos > 0 && inner.in_flight.len() >= window;
        if blocked || inner.holder != Some(holder) {
            return None;
        }
        let delivery = inner.queue.pop_front();
        if inner.queue.len() == LOW_WATER {
            self.room.notify_waiters();
        }
        delivery
    }

    /// Notes a QoS 1 delivery as sent, and gives it an identifier that is free. If the session was taken over since
    /// [`Session::take`], it is put back for the new connection.
    pub(super) fn send(&self, holder: u64, delivery: Delivery) -> Option<NonZeroU16> {
        let mut inner = self.inner();
        if inner.holder != Some(holder) {
            inner.queue.push_front(delivery);
            return None;
        }
        let id = loop {
            inner.last_id = inner.last_id.wrapping_add(1);
            match NonZeroU16::new(inner.last_id) {
                Some(id) if !inner.in_flight.contains_key(&id.get()) => break id,
                _ => {}
            }
        };
        inner.in_flight.insert(id.get(), delivery);
        inner.sent.push_back(id.get());
        Some(id)
    }

    /// The client has it.
    pub(super) fn acknowledge(&self, id: NonZeroU16) {
        let mut inner = self.inner();
        if inner.in_flight.remove(&id.get()).is_some() {
            inner.sent.retain(|sent| *sent != id.get());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::broker::packet::Properties;

    fn delivery(name: &str, qos: u8) -> Delivery {
        let message = Message {
            topic: name.to_owned(),
            payload: vec![].into(),
            retain: false,
            properties: Properties::default(),
        };
        Delivery::new(Arc::new(message), qos, false)
    }

    fn online() -> Session {
        let session = Session::new("c");
        session.go_online(1);
        session
    }

    fn topics(session: &Session) -> Vec<String> {
        std::iter::from_fn(|| session.take(1, 100)).map(|delivery| delivery.message.topic.clone()).collect()
    }

    #[test]
    fn the_window_holds_back_qos_1_until_an_acknowledgement() {
        let session = online();
        (0..3).for_each(|n| session.push(delivery(&n.to_string(), 1)));
        let first = session.send(1, session.take(1, 2).unwrap()).unwrap();
        let _second = session.send(1, session.take(1, 2).unwrap());
        assert!(session.take(1, 2).is_none());
        session.acknowledge(first);
        assert_eq!(session.take(1, 2).unwrap().message.topic, "2");
    }

    #[test]
    fn what_was_not_acknowledged_comes_again_first_and_in_its_order() {
        let session = online();
        for name in ["a", "b", "c", "d"] {
            session.push(delivery(name, 1));
        }
        let ids: Vec<_> = (0..3).map(|_| session.send(1, session.take(1, 9).unwrap())).collect();
        session.acknowledge(ids[1].unwrap());
        session.go_offline();
        session.push(delivery("e", 1));
        session.push(delivery("lost", 0));
        session.go_online(1);
        assert_eq!(topics(&session), ["a", "c", "d", "e"]);
    }

    #[test]
    fn a_connection_that_was_taken_over_takes_nothing_more() {
        let session = online();
        session.push(delivery("a", 1));
        let taken = session.take(1, 9).unwrap();
        session.go_online(2);
        assert!(session.take(1, 9).is_none());
        assert_eq!(session.send(1, taken), None);
        assert_eq!(session.take(2, 9).unwrap().message.topic, "a");
    }

    #[tokio::test]
    async fn a_full_queue_lets_publishers_wait_until_it_is_half_empty() {
        let session = Arc::new(online());
        (0..HIGH_WATER).for_each(|_| session.push(delivery("x", 0)));
        assert!(session.is_full());
        assert!(session.until_room(Duration::from_millis(1)).await.is_err());
        let waiter = {
            let session = session.clone();
            tokio::spawn(async move { session.until_room(Duration::from_secs(60)).await })
        };
        tokio::task::yield_now().await;
        (0..LOW_WATER).for_each(|_| drop(session.take(1, 1)));
        assert!(waiter.await.unwrap().is_ok());
    }
}
