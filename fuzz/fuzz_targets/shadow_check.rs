//! What must hold for every sequence of updates of a shadow.

use iotctl::local::shadow::request::{self, Update};
use iotctl::local::shadow::store::{MOST_BYTES, Store};
use iotctl::names::ShadowAddress;
use serde_json::Value;

/// Each line is the payload of an update; an empty one deletes. Says how many were accepted.
pub(crate) fn requests(input: &[u8]) -> usize {
    let address = ShadowAddress { thing: "t".parse().unwrap(), name: None };
    let (mut store, mut version, mut accepted) = (Store::default(), 0, 0);
    for line in input.split(|byte| *byte == b'\n') {
        let before = store.get(&address, 1).ok();
        if line.is_empty() {
            version += u64::from(store.delete(&address, 1).is_ok());
            continue;
        }
        let updated = request::read(line)
            .and_then(|(members, _)| Update::of(members))
            .and_then(|update| store.update(&address, &update, 1));
        match updated {
            Err(refusal) => {
                assert!([400, 409, 413, 415].contains(&refusal.code));
                assert_eq!(store.get(&address, 1).ok(), before, "refused, and yet something changed");
            }
            Ok(updated) => {
                (version, accepted) = (version + 1, accepted + 1);
                let document = store.get(&address, 1).unwrap();
                assert_eq!(document["version"], version);
                let delta = updated.delta.map_or(Value::Null, |delta| delta["state"].clone());
                assert_eq!(document["state"]["delta"], delta);
                is_whole(&document, &delta);
            }
        }
    }
    accepted
}

fn is_whole(document: &Value, delta: &Value) {
    let state = &document["state"];
    for section in ["desired", "reported"] {
        same_shape(&state[section], &document["metadata"][section]);
    }
    let kept: serde_json::Map<_, _> = state
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| *name != "delta")
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect();
    assert!(Value::from(kept).to_string().len() <= MOST_BYTES);
    differs(delta, &state["desired"], &state["reported"]);
}

/// Every value has a time of its own.
fn same_shape(state: &Value, metadata: &Value) {
    match state {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| same_shape(value, &metadata[name])),
        Value::Array(items) => items.iter().enumerate().for_each(|(at, item)| same_shape(item, &metadata[at])),
        Value::Null => assert_eq!(metadata, &Value::Null, "no value without a time, and no time without a value"),
        _ => assert!(metadata["timestamp"].is_i64(), "{state} {metadata}"),
    }
}

/// A difference holds what is desired and not reported, and nothing else.
fn differs(delta: &Value, desired: &Value, reported: &Value) {
    match (delta, desired) {
        (Value::Object(fields), Value::Object(_)) => {
            fields.iter().for_each(|(name, value)| differs(value, &desired[name], &reported[name]));
        }
        (Value::Null, _) => {}
        (delta, desired) => assert!(delta == desired && delta != reported, "{delta} {desired} {reported}"),
    }
}
