//! The latest readings in the classic shadow, as the shadow tutorial has them: `{"reported": {"temperature": 21.6}}`.
//!
//! A shadow holds the last value and no history, so nothing is queued: what was read while there was no connection is
//! passed over, and values that come faster than AWS takes updates are put together. A reading without a value leaves
//! the last one that there was.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::device::stream::{Publication, Streams};
use crate::names::ShadowAddress;
use crate::topic::TopicName;

/// From one update to the next at the least. AWS takes 20 a second for one shadow; a person sees one.
const PAUSE: Duration = Duration::from_secs(1);

/// Readings on their way into a shadow.
#[derive(Debug)]
pub struct Readings {
    address: ShadowAddress,
    /// Every stream has a topic of its own.
    names: BTreeMap<TopicName, String>,
    latest: Map<String, Value>,
    next: Duration,
}

impl Readings {
    /// Of these streams, for this shadow.
    pub fn new(address: ShadowAddress, streams: &Streams) -> Self {
        let names = streams.rules().map(|rule| (rule.topic.clone(), rule.name.clone())).collect();
        Self { address, names, latest: Map::new(), next: Duration::ZERO }
    }

    /// Takes what was measured.
    pub fn take(&mut self, publications: &[Publication]) {
        for Publication { topic, measurement } in publications {
            if let (Some(name), Some(value)) = (self.names.get(topic), measurement.value) {
                self.latest.insert(name.clone(), json!(value));
            }
        }
    }

    /// When there is something to send.
    pub fn due(&self) -> Option<Duration> {
        (!self.latest.is_empty()).then_some(self.next)
    }

    /// Topic and payload of what is due.
    pub fn report(&mut self, now: Duration) -> Option<(String, Vec<u8>)> {
        self.due().filter(|due| *due <= now)?;
        self.next = now + PAUSE;
        let payload = json!({"state": {"reported": std::mem::take(&mut self.latest)}});
        Some((format!("{}/update", self.address.prefix()), payload.to_string().into()))
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::report::tests::streams;
    use super::*;
    use crate::device::message::Measurement;
    use crate::device::source::reading::TEMPERATURE;

    fn publication(stream: &str, value: Option<f64>) -> Publication {
        let taken_at = datetime!(2026-11-25 12:00 UTC);
        let measurement = Measurement { taken_at, quantity: TEMPERATURE, origin: "x".into(), value, spread: None };
        Publication { topic: format!("t/{stream}").parse().unwrap(), measurement }
    }

    #[test]
    fn the_latest_values_go_together_once_a_second_at_the_most() {
        let address = ShadowAddress { thing: "pump-7".parse().unwrap(), name: None };
        let mut readings = Readings::new(address, &streams(&["a", "b"]));
        assert_eq!((readings.due(), readings.report(PAUSE)), (None, None));
        readings.take(&[publication("a", Some(1.5)), publication("b", Some(2.0))]);
        readings.take(&[publication("a", Some(3.5)), publication("b", None)]);
        let (topic, payload) = readings.report(PAUSE / 2).unwrap();
        assert_eq!(topic, "$aws/things/pump-7/shadow/update");
        assert_eq!(String::from_utf8(payload).unwrap(), r#"{"state":{"reported":{"a":3.5,"b":2.0}}}"#);
        readings.take(&[publication("a", Some(4.0)), publication("unknown", Some(1.0))]);
        assert_eq!(readings.report(PAUSE), None);
        assert_eq!(readings.due(), Some(PAUSE * 3 / 2));
        assert!(readings.report(PAUSE * 3 / 2).is_some());
    }
}
