//! Which record policy forbids. AWS IoT says no by closing the connection, whatever else is under way on it.
//!
//! After such an end the session sends one record at a time: the one that is under way alone when the connection is
//! closed again was denied. After three denials it is set aside, because a queue that tries it for ever delivers nothing
//! else. Each further record to its topic would hold up the neighbours again, so for a while they are set aside untried,
//! if there are neighbours: a feeder that may publish nowhere has all the time to wait for a mended policy.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::topic::TopicName;

/// Denials of one record after which it is set aside.
pub const TRIES: u32 = 3;
/// How long a denied topic is not tried. Policies are mended, and then this much goes to the dead letters at most.
pub const REST: Duration = Duration::from_secs(5 * 60);

/// What is known of denials.
#[derive(Debug)]
pub struct Denials {
    /// Where this feeder publishes.
    topics: HashSet<TopicName>,
    /// Denied topics, and until when each is not tried.
    denied: HashMap<TopicName, Duration>,
    /// A record that was denied, and how often.
    suspect: Option<(u64, u32)>,
}

impl Denials {
    /// For a feeder that publishes to `topics`; those in `denied` were denied before it started.
    pub fn new(topics: impl IntoIterator<Item = TopicName>, denied: impl IntoIterator<Item = TopicName>) -> Self {
        let denied = denied.into_iter().map(|topic| (topic, Duration::ZERO)).collect();
        Self { topics: topics.into_iter().collect(), denied, suspect: None }
    }

    /// Whether a record for `topic` is worth a try at `now`.
    pub fn lets_pass(&self, topic: &TopicName, now: Duration) -> bool {
        !(self.denied.get(topic).is_some_and(|until| now < *until) && self.has_neighbours())
    }

    /// A record for `topic` was acknowledged: policy allows it, maybe since a moment ago.
    pub fn acknowledged(&mut self, topic: &TopicName) {
        self.denied.remove(topic);
        if !self.topics.contains(topic) {
            self.topics.insert(topic.clone());
        }
    }

    /// The connection was closed at `now` with one record under way, for `topic`. Returns how often it was denied, if it
    /// is to be set aside.
    pub fn denied(&mut self, now: Duration, number: u64, topic: &TopicName) -> Option<u32> {
        let before = self.suspect.filter(|(suspect, _)| *suspect == number).map_or(0, |(_, times)| times);
        let times = before + 1;
        self.suspect = Some((number, times));
        // Of a topic that is known, one denial says that nothing has changed.
        let is_known = self.denied.contains_key(topic) && self.has_neighbours();
        if times < TRIES && !is_known {
            return None;
        }
        self.denied.insert(topic.clone(), now + REST);
        Some(times)
    }

    /// Whether some topic is not denied.
    pub fn has_neighbours(&self) -> bool {
        self.topics.iter().any(|topic| !self.denied.contains_key(topic))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(name: &str) -> TopicName {
        name.parse().unwrap()
    }

    const NOW: Duration = Duration::from_secs(100);

    #[test]
    fn a_record_is_set_aside_after_three_denials_of_its_own() {
        let mut denials = Denials::new([topic("a"), topic("b")], []);
        let verdicts = [5, 5, 6, 6, 6].map(|number| denials.denied(NOW, number, &topic("a")));
        assert_eq!(verdicts, [None, None, None, None, Some(3)], "5 was acknowledged after two: it was not the one");
    }

    fn with_b_denied() -> Denials {
        let mut denials = Denials::new([topic("a"), topic("b")], []);
        let verdicts: Vec<_> = (0..3).map(|_| denials.denied(NOW, 1, &topic("b"))).collect();
        assert_eq!(verdicts, [None, None, Some(3)]);
        denials
    }

    #[test]
    fn a_denied_topic_rests_and_then_one_denial_is_enough() {
        let mut denials = with_b_denied();
        assert!(!denials.lets_pass(&topic("b"), NOW) && denials.lets_pass(&topic("a"), NOW));
        assert!(denials.lets_pass(&topic("b"), NOW + REST));
        assert_eq!(denials.denied(NOW + REST, 9, &topic("b")), Some(1));
        assert!(!denials.lets_pass(&topic("b"), NOW + REST + REST / 2));
    }

    #[test]
    fn what_an_earlier_run_found_out_is_tried_once() {
        let mut denials = Denials::new([topic("a"), topic("b")], [topic("b")]);
        assert!(denials.lets_pass(&topic("b"), Duration::ZERO));
        assert_eq!(denials.denied(NOW, 0, &topic("b")), Some(1));
    }

    #[test]
    fn a_mended_policy_ends_it() {
        let mut denials = with_b_denied();
        denials.acknowledged(&topic("b"));
        assert!(denials.lets_pass(&topic("b"), NOW));
        assert_eq!(denials.denied(NOW, 9, &topic("b")), None);
    }

    #[test]
    fn without_neighbours_every_record_has_its_three_tries() {
        let mut denials = with_b_denied();
        for _ in 0..2 {
            assert_eq!(denials.denied(NOW, 2, &topic("a")), None);
        }
        assert_eq!(denials.denied(NOW, 2, &topic("a")), Some(3));
        assert!(denials.lets_pass(&topic("a"), NOW) && denials.lets_pass(&topic("b"), NOW));
        assert_eq!(denials.denied(NOW, 3, &topic("b")), None);
        denials.acknowledged(&topic("of an older feeder.toml"));
        assert!(!denials.lets_pass(&topic("b"), NOW), "now somebody waits behind it");
    }
}
