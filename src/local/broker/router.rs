//! Who wants what: sessions, subscriptions, retained messages. A cheap handle; its lock is never held across an await.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::packet::Message;
use super::session::{Delivery, Session};
use crate::topic::TopicFilter;

/// Subscriptions of one connection (broker.md, section 4).
const MOST_SUBSCRIPTIONS: usize = 50;

/// Why a connection is ended from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kick {
    /// Another connection has the client id.
    TakenOver,
    /// It does not read, and others wait for it.
    DoesNotRead,
}

/// A connection's hold on its session.
pub(super) struct Ticket {
    pub(super) number: u64,
    kicked: watch::Receiver<Option<Kick>>,
}

impl Ticket {
    /// Resolves when the connection must end.
    pub(super) async fn kicked(&mut self) -> Kick {
        let kick = self.kicked.wait_for(Option::is_some).await;
        kick.ok().and_then(|kick| *kick).unwrap_or(Kick::TakenOver)
    }
}

/// The sessions and what they subscribe to.
#[derive(Clone, Default)]
pub(super) struct Router {
    routes: Arc<Mutex<Routes>>,
}

#[derive(Default)]
struct Routes {
    entries: HashMap<String, Entry>,
    retained: BTreeMap<String, Arc<Message>>,
    tickets: u64,
}

struct Entry {
    session: Arc<Session>,
    subscriptions: Vec<(TopicFilter, u8)>,
    /// The connection that has it, and how to end that.
    holder: Option<(u64, watch::Sender<Option<Kick>>)>,
    /// When a session without a connection ends.
    ends: Option<Instant>,
}

impl Router {
    fn routes(&self) -> MutexGuard<'_, Routes> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a connection the session of its client id; says whether there was one. Ends whoever had it.
    pub(super) fn enter(&self, client_id: &str, clean: bool) -> (Arc<Session>, Ticket, bool) {
        let mut routes = self.routes();
        routes.forget_ended(Instant::now());
        routes.tickets += 1;
        let number = routes.tickets;
        let found = routes.entries.remove(client_id);
        if let Some((_, kick)) = found.as_ref().and_then(|entry| entry.holder.as_ref()) {
            kick.send_replace(Some(Kick::TakenOver));
        }
        let kept = found.filter(|_| !clean).map(|entry| (entry.session, entry.subscriptions));
        let present = kept.is_some();
        let (session, subscriptions) = kept.unwrap_or_else(|| (Arc::new(Session::new(client_id)), Vec::new()));
        let (kick, kicked) = watch::channel(None);
        let entry = Entry { session: session.clone(), subscriptions, holder: Some((number, kick)), ends: None };
        routes.entries.insert(client_id.to_owned(), entry);
        session.go_online(number);
        (session, Ticket { number, kicked }, present)
    }

    /// The connection has ended; its session is kept for `expiry`. One that was taken over has nothing to leave: false.
    pub(super) fn leave(&self, client_id: &str, ticket: &Ticket, expiry: Duration) -> bool {
        let mut routes = self.routes();
        let Some(entry) = routes.entries.get_mut(client_id).filter(|entry| entry.is_held_by(ticket)) else {
            return false;
        };
        entry.holder = None;
        entry.session.go_offline();
        match expiry.is_zero() {
            true => drop(routes.entries.remove(client_id)),
            false => entry.ends = Instant::now().checked_add(expiry),
        }
        true
    }

    /// Adds or replaces a subscription; false if there are too many.
    pub(super) fn subscribe(&self, client_id: &str, filter: &TopicFilter, qos: u8) -> bool {
        let mut routes = self.routes();
        let retained = routes.retained.get(filter.as_str()).cloned();
        let Some(entry) = routes.entries.get_mut(client_id) else { return false };
        entry.subscriptions.retain(|(present, _)| present != filter);
        if entry.subscriptions.len() >= MOST_SUBSCRIPTIONS {
            return false;
        }
        entry.subscriptions.push((filter.clone(), qos));
        // A retained message comes only where the filter is exactly its topic (broker.md, section 6).
        if let Some(message) = retained {
            entry.session.push(Delivery::new(message, qos, true));
        }
        true
    }

    /// Takes a subscription away.
    pub(super) fn unsubscribe(&self, client_id: &str, filter: &str) {
        if let Some(entry) = self.routes().entries.get_mut(client_id) {
            entry.subscriptions.retain(|(present, _)| present.as_str() != filter);
        }
    }

    /// Puts a message into every session that wants it, once each.
    ///
    /// # Errors
    /// A session that is full; then nobody got anything, and the same call is to be made again when it has room.
    pub(super) fn publish(&self, message: &Arc<Message>, qos: u8) -> Result<(), Arc<Session>> {
        let mut routes = self.routes();
        let wanted: Vec<(&Arc<Session>, u8)> =
            routes.entries.values().filter_map(|entry| entry.wants(message)).collect();
        if let Some((full, _)) = wanted.iter().find(|(session, _)| session.is_full()) {
            return Err((*full).clone());
        }
        for (session, most) in wanted {
            session.push(Delivery::new(message.clone(), qos.min(most), false));
        }
        if message.retain {
            routes.retain(message);
        }
        Ok(())
    }

    /// The same, waiting for room; who has none for so long loses its connection, and nobody gets the message.
    pub(super) async fn publish_in_time(&self, message: &Arc<Message>, qos: u8, patience: Duration) {
        while let Err(full) = self.publish(message, qos) {
            if full.until_room(patience).await.is_err() {
                self.kick(&full);
                break;
            }
        }
    }

    /// Ends the connection of a session that holds everybody up.
    pub(super) fn kick(&self, session: &Session) {
        if let Some(entry) = self.routes().entries.get(&session.client_id)
            && let Some((_, kick)) = &entry.holder
        {
            kick.send_replace(Some(Kick::DoesNotRead));
        }
    }
}

impl Routes {
    fn forget_ended(&mut self, now: Instant) {
        self.entries.retain(|_, entry| entry.ends.is_none_or(|ends| ends > now));
    }

    /// An empty payload takes the retained message away (MQTT 3.1.1, section 3.3.1.3).
    fn retain(&mut self, message: &Arc<Message>) {
        match message.payload.is_empty() {
            true => drop(self.retained.remove(&message.topic)),
            false => drop(self.retained.insert(message.topic.clone(), message.clone())),
        }
    }
}

impl Entry {
    fn is_held_by(&self, ticket: &Ticket) -> bool {
        self.holder.as_ref().is_some_and(|(number, _)| *number == ticket.number)
    }

    /// The session with the highest QoS of the subscriptions that match.
    fn wants(&self, message: &Message) -> Option<(&Arc<Session>, u8)> {
        let matching = self.subscriptions.iter().filter(|(filter, _)| filter.matches(&message.topic));
        matching.map(|(_, qos)| *qos).max().map(|qos| (&self.session, qos))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::broker::packet::Properties;

    fn message(topic: &str, payload: &str, retain: bool) -> Arc<Message> {
        let payload = payload.as_bytes().to_vec().into();
        Arc::new(Message { topic: topic.to_owned(), payload, retain, properties: Properties::default() })
    }

    fn filter(text: &str) -> TopicFilter {
        text.parse().unwrap()
    }

    #[test]
    fn overlapping_subscriptions_bring_one_copy_at_the_highest_qos() {
        let router = Router::default();
        let (session, ticket, _) = router.enter("a", true);
        assert!(router.subscribe("a", &filter("x/#"), 0));
        assert!(router.subscribe("a", &filter("x/+"), 1));
        router.publish(&message("x/y", "1", false), 1).unwrap();
        assert_eq!(session.take(ticket.number, 9).unwrap().qos, 1);
        assert!(session.take(ticket.number, 9).is_none());
    }

    #[test]
    fn a_second_connection_ends_the_first_and_the_first_leaves_nothing_behind() {
        let router = Router::default();
        let (_, first, _) = router.enter("a", false);
        let (session, ticket, present) = router.enter("a", false);
        assert!(present);
        assert_eq!(*first.kicked.borrow(), Some(Kick::TakenOver));
        router.subscribe("a", &filter("x"), 1);
        router.leave("a", &first, Duration::ZERO);
        router.publish(&message("x", "1", false), 1).unwrap();
        assert!(session.take(ticket.number, 9).is_some());
    }

    #[test]
    fn a_retained_message_comes_only_to_its_exact_topic() {
        let router = Router::default();
        router.publish(&message("cfg/a", "on", true), 1).unwrap();
        let (session, ticket, _) = router.enter("a", true);
        router.subscribe("a", &filter("cfg/+"), 1);
        assert!(session.take(ticket.number, 9).is_none());
        router.subscribe("a", &filter("cfg/a"), 1);
        assert!(session.take(ticket.number, 9).unwrap().retained);
        router.publish(&message("cfg/a", "", true), 1).unwrap();
        let (other, ticket, _) = router.enter("b", true);
        router.subscribe("b", &filter("cfg/a"), 1);
        assert!(other.take(ticket.number, 9).is_none(), "an empty payload took it away");
    }

    #[test]
    fn a_session_outlives_its_connection_as_long_as_it_may() {
        let router = Router::default();
        let (_, ticket, _) = router.enter("a", false);
        router.subscribe("a", &filter("x"), 1);
        router.leave("a", &ticket, Duration::from_secs(3600));
        router.publish(&message("x", "1", false), 1).unwrap();
        let (session, ticket, present) = router.enter("a", false);
        assert!(present && session.take(ticket.number, 9).is_some());
        router.leave("a", &ticket, Duration::ZERO);
        assert!(!router.enter("a", false).2);
    }

    #[test]
    fn the_fifty_first_subscription_is_refused() {
        let router = Router::default();
        let (_session, _ticket, _) = router.enter("a", true);
        assert!((0..50).all(|n| router.subscribe("a", &filter(&format!("t/{n}")), 1)));
        assert!(!router.subscribe("a", &filter("t/50"), 1));
        assert!(router.subscribe("a", &filter("t/49"), 0), "one that is there may be made again");
    }
}
