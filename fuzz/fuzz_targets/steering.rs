//! What must hold for everything that comes from afar: desired documents, messages of a shadow, actions.

use std::time::Duration;

use iotctl::device::remote::conversation::{Conversation, Heard};
use iotctl::device::remote::report::{difference, in_force};
use iotctl::device::remote::{action, document};
use iotctl::device::source::reading::TEMPERATURE;
use iotctl::device::stream::change::{LONGEST_INTERVAL, SHORTEST_INTERVAL};
use iotctl::device::stream::deadband::Deadband;
use iotctl::device::stream::{Rule, Streams};
use iotctl::names::ShadowAddress;
use serde_json::{Map, Value};

fn streams() -> Streams {
    let rule = |name: &str| Rule {
        name: name.to_owned(),
        source: 0,
        quantity: TEMPERATURE,
        topic: format!("t/{name}").parse().unwrap(),
        interval: Duration::from_secs(5),
        phase: Duration::ZERO,
        deadband: Deadband::default(),
        window: None,
        enabled: true,
    };
    Streams::new(vec![rule("a"), rule("b")])
}

/// An input is the last part of a topic on a line, then the message. Says whether it changed something.
pub(crate) fn remote(input: &str) -> bool {
    let (what, message) = input.split_once('\n').unwrap_or(("get/accepted", input));
    let address = ShadowAddress { thing: "t".parse().unwrap(), name: Some("iotctl".parse().unwrap()) };
    let mut talk = Conversation::new(address.clone());
    let topic = format!("{}/{what}", address.prefix());
    let Ok(Some(Heard::Desired(_, desired))) = talk.hear(&topic, message.as_bytes()) else { return false };
    let mut streams = streams();
    let before: Vec<Rule> = streams.rules().cloned().collect();
    let level = document::parse(&desired)
        .and_then(|wanted| streams.apply_over(before.clone(), &wanted.change).map(|()| wanted.log_level));
    match &level {
        Ok(_) => streams.rules().for_each(within_bounds),
        Err(error) => {
            assert!(streams.rules().eq(&before), "refused, and yet something changed: {error}");
            assert!(error.message().len() < 2048, "it has to fit into a shadow");
        }
    }
    let changed = level.is_ok() && !streams.rules().eq(&before);
    let accepted = if level.is_ok() { desired } else { Map::new() };
    let settings = in_force(&streams, level.ok().flatten(), &accepted);
    if talk.report(settings.clone(), None).is_some() {
        assert_eq!(talk.report(settings.clone(), None), None, "a report is sent once");
    }
    a_difference_leads_there(serde_json::from_str(message).unwrap_or_default(), settings);
    changed
}

fn within_bounds(rule: &Rule) {
    assert!((SHORTEST_INTERVAL..=LONGEST_INTERVAL).contains(&rule.interval));
    let widths = [rule.deadband.absolute, rule.deadband.percent];
    assert!(widths.into_iter().flatten().all(|width| width.is_finite() && width > 0.0));
}

/// Merged as the shadow service merges it, a difference leaves nothing to be said.
fn a_difference_leads_there(mut there: Map<String, Value>, mut wanted: Map<String, Value>) {
    // What the service would not keep is in no document.
    without_null(&mut there);
    without_null(&mut wanted);
    let sent = difference(&there, &wanted);
    merge(&mut there, &sent);
    assert!(difference(&there, &wanted).is_empty(), "{there:?} {wanted:?}");
}

fn without_null(fields: &mut Map<String, Value>) {
    fields.retain(|_, value| !value.is_null());
    fields.values_mut().filter_map(Value::as_object_mut).for_each(without_null);
}

fn merge(there: &mut Map<String, Value>, sent: &Map<String, Value>) {
    for (name, value) in sent {
        match (there.get_mut(name), value) {
            (_, Value::Null) => drop(there.shift_remove(name)),
            (Some(Value::Object(there)), Value::Object(sent)) => merge(there, sent),
            (_, value) => drop(there.insert(name.clone(), value.clone())),
        }
    }
}

/// An action leaves one stream, or none; what is no action leaves everything. Says whether it was one.
pub(crate) fn action(input: &[u8]) -> bool {
    let mut streams = streams();
    let Ok(change) = action::change(input, &streams) else { return false };
    streams.apply(&change).unwrap();
    assert!(streams.rules().filter(|rule| rule.enabled).count() <= 1);
    true
}
