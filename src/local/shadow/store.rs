//! All shadows, and what becomes of them by a request.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::delta::delta;
use super::refusal::Refusal;
use super::request::{Update, Wish};
use super::section::{Section, stamped};
use crate::names::ShadowAddress;

/// The largest `state` of a shadow, in bytes; metadata is not counted (shadow.md, section 4).
pub const MOST_BYTES: usize = 8 * 1024;

/// The shadows of an account.
#[derive(Debug, Default)]
pub struct Store {
    slots: BTreeMap<ShadowAddress, Slot>,
}

/// What is known under an address.
#[derive(Debug, Clone, Default)]
struct Slot {
    /// The version of the last change. It outlives the document: a shadow that is made again goes on from there.
    version: u64,
    shadow: Option<Shadow>,
}

#[derive(Debug, Clone, Default)]
struct Shadow {
    desired: Section,
    reported: Section,
}

/// What an accepted update is answered with, and what AWS publishes besides.
#[derive(Debug, Clone, PartialEq)]
pub struct Updated {
    /// `.../update/accepted`: what was sent, with its metadata.
    pub accepted: Value,
    /// `.../update/documents`: the document before and after.
    pub documents: Value,
    /// `.../update/delta`: what is still desired and not reported.
    pub delta: Option<Value>,
}

impl Store {
    /// The whole document.
    pub fn get(&self, address: &ShadowAddress, now: i64) -> Result<Value, Refusal> {
        let (version, shadow) = self.present(address)?;
        let mut document = shadow.document(true);
        document["version"] = json!(version);
        document["timestamp"] = json!(now);
        Ok(document)
    }

    /// Carries out an update; a refused one has changed nothing.
    pub fn update(&mut self, address: &ShadowAddress, update: &Update, now: i64) -> Result<Updated, Refusal> {
        let before = self.slots.get(address).cloned().unwrap_or_default();
        if update.version.is_some_and(|version| version != before.version) {
            return Err(Refusal::new(409, "Version conflict"));
        }
        let mut shadow = before.shadow.clone().unwrap_or_default();
        shadow.desired.update(&update.desired, now);
        shadow.reported.update(&update.reported, now);
        if shadow.bytes() > MOST_BYTES {
            return Err(Refusal::new(413, "The payload exceeds the maximum size allowed"));
        }
        let version = before.version + 1;
        let updated = Updated {
            accepted: json!({"state": update.state, "metadata": stamps(update, now), "version": version, "timestamp": now}),
            documents: json!({
                "previous": with_version(before.shadow.unwrap_or_default().document(false), before.version),
                "current": with_version(shadow.document(false), version),
                "timestamp": now,
            }),
            delta: delta(&shadow.desired, &shadow.reported).map(|Section { state, metadata }| {
                json!({"version": version, "timestamp": now, "state": state, "metadata": metadata})
            }),
        };
        self.slots.insert(address.clone(), Slot { version, shadow: Some(shadow) });
        Ok(updated)
    }

    /// Takes a shadow away; the answer has the version of this change.
    pub fn delete(&mut self, address: &ShadowAddress, now: i64) -> Result<Value, Refusal> {
        let version = self.present(address)?.0 + 1;
        self.slots.insert(address.clone(), Slot { version, shadow: None });
        Ok(json!({"version": version, "timestamp": now}))
    }

    /// The names of the named shadows of a thing, in order.
    pub fn names(&self, thing: &str) -> Vec<String> {
        let present =
            self.slots.iter().filter(|(address, slot)| address.thing.as_str() == thing && slot.shadow.is_some());
        present.filter_map(|(address, _)| Some(address.name.as_ref()?.to_string())).collect()
    }

    fn present(&self, address: &ShadowAddress) -> Result<(u64, &Shadow), Refusal> {
        let slot = self.slots.get(address);
        slot.and_then(|slot| Some((slot.version, slot.shadow.as_ref()?))).ok_or_else(|| {
            let name = address.name.as_ref().map_or(address.thing.as_str(), |name| name.as_str());
            Refusal::new(404, format!("No shadow exists with name: '{name}'"))
        })
    }
}

impl Shadow {
    /// `state` and `metadata`; sections without a field are not there.
    fn document(&self, with_delta: bool) -> Value {
        let (mut state, mut metadata) = (Map::new(), Map::new());
        for (name, section) in [("desired", &self.desired), ("reported", &self.reported)] {
            if !section.state.is_empty() {
                state.insert(name.to_owned(), section.state.clone().into());
                metadata.insert(name.to_owned(), section.metadata.clone().into());
            }
        }
        if let Some(delta) = delta(&self.desired, &self.reported).filter(|_| with_delta) {
            state.insert("delta".to_owned(), delta.state.into());
        }
        json!({"state": state, "metadata": metadata})
    }

    fn bytes(&self) -> usize {
        self.document(false)["state"].to_string().len()
    }
}

fn with_version(mut document: Value, version: u64) -> Value {
    document["version"] = json!(version);
    document
}

/// Metadata of the fields that were sent.
fn stamps(update: &Update, now: i64) -> Value {
    let sections = [("desired", &update.desired), ("reported", &update.reported)];
    let sent = sections.into_iter().filter_map(|(name, wish)| match wish {
        Wish::Merged(fields) => Some((name.to_owned(), stamped(&fields.clone().into(), now))),
        Wish::Absent | Wish::Cleared => None,
    });
    sent.collect::<Map<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use super::super::request;
    use super::*;

    fn address(name: Option<&str>) -> ShadowAddress {
        ShadowAddress { thing: "pump-7".parse().unwrap(), name: name.map(|name| name.parse().unwrap()) }
    }

    fn updated(store: &mut Store, request: &Value) -> Result<Updated, Refusal> {
        let (members, _) = request::read(request.to_string().as_bytes())?;
        store.update(&address(None), &Update::of(members)?, 5)
    }

    fn state(store: &Store) -> Value {
        store.get(&address(None), 9).unwrap()["state"].clone()
    }

    /// A store after these updates of `state`.
    fn after(states: &[Value]) -> Store {
        let mut store = Store::default();
        for state in states {
            updated(&mut store, &json!({"state": state})).unwrap();
        }
        store
    }

    fn next(states: &[Value], state: Value) -> Updated {
        updated(&mut after(states), &json!({"state": state})).unwrap()
    }

    #[test]
    fn vectors_1_to_3_desired_is_a_difference_until_it_is_reported() {
        let first = next(&[], json!({"reported": {"a": 1}}));
        assert_eq!(
            first.accepted,
            json!({"state": {"reported": {"a": 1}}, "metadata": {"reported": {"a": {"timestamp": 5}}}, "version": 1, "timestamp": 5})
        );
        assert_eq!((first.delta, &first.documents["previous"]["version"]), (None, &json!(0)));
        let reported = [json!({"reported": {"a": 1}})];
        let second = next(&reported, json!({"desired": {"a": 2}}));
        assert_eq!(
            second.delta.unwrap(),
            json!({"version": 2, "timestamp": 5, "state": {"a": 2}, "metadata": {"a": {"timestamp": 5}}})
        );
        assert_eq!(second.documents["previous"]["state"], json!({"reported": {"a": 1}}));
        assert_eq!(second.documents["current"]["state"], json!({"desired": {"a": 2}, "reported": {"a": 1}}));
        let third = next(&[reported[0].clone(), json!({"desired": {"a": 2}})], json!({"reported": {"a": 2}}));
        assert_eq!((third.delta, &third.accepted["version"]), (None, &json!(3)));
    }

    #[test]
    fn vectors_4_and_13_every_update_lists_all_that_is_left() {
        let store =
            [json!({"desired": {"c": {"r": 1, "g": 2}, "x": [1, 2]}, "reported": {"c": {"r": 1, "g": 0}, "x": [1]}})];
        let delta = next(&store, json!({"reported": {"z": 1}})).delta.unwrap();
        assert_eq!(delta["state"], json!({"c": {"g": 2}, "x": [1, 2]}));
        assert_eq!(state(&after(&store))["delta"], delta["state"]);
    }

    #[test]
    fn vector_5_another_version_is_a_conflict_and_changes_nothing() {
        let mut store = after(&[json!({"desired": {"a": 1}}), json!({"desired": {"a": 2}})]);
        for version in [0, 1, 3] {
            let refusal =
                updated(&mut store, &json!({"state": {"desired": {"a": 9}}, "version": version})).unwrap_err();
            assert_eq!((refusal.code, refusal.message.as_str()), (409, "Version conflict"));
        }
        assert_eq!(store.get(&address(None), 9).unwrap()["version"], 2);
        assert!(updated(&mut store, &json!({"state": {"desired": {"a": 3}}, "version": 2})).is_ok());
    }

    #[test]
    fn vectors_6_and_7_null_takes_a_field_or_a_section_away() {
        let store = [json!({"desired": {"a": 1, "c": 1}, "reported": {"b": 2}})];
        let one = json!({"desired": {"a": null}});
        assert_eq!(state(&after(&[store[0].clone(), one.clone()]))["desired"], json!({"c": 1}));
        assert_eq!(next(&store, one).accepted["state"], json!({"desired": {"a": null}}));
        assert_eq!(state(&after(&[store[0].clone(), json!({"desired": null})])), json!({"reported": {"b": 2}}));
        assert_eq!(state(&after(&[store[0].clone(), Value::Null])), json!({}));
        let cleared = next(&[json!({"desired": {"a": 1}, "reported": {"a": 1}})], json!({"reported": null}));
        assert_eq!(cleared.delta.unwrap()["state"], json!({"a": 1}));
    }

    #[test]
    fn vector_11_a_shadow_that_is_made_again_goes_on_from_its_version() {
        let mut store = after(&vec![json!({"reported": {"a": 1}}); 5]);
        assert_eq!(store.delete(&address(None), 8).unwrap(), json!({"version": 6, "timestamp": 8}));
        assert_eq!(store.delete(&address(None), 8).unwrap_err().code, 404);
        assert_eq!(updated(&mut store, &json!({"state": {}})).unwrap().accepted["version"], 7);
    }

    #[test]
    fn vector_12_a_shadow_that_is_not_there_is_named() {
        let refusal = |name| Store::default().get(&address(name), 0).unwrap_err();
        assert_eq!(refusal(None), Refusal::new(404, "No shadow exists with name: 'pump-7'"));
        assert_eq!(refusal(Some("cfg")), Refusal::new(404, "No shadow exists with name: 'cfg'"));
    }

    #[test]
    fn eight_kilobytes_of_state_and_no_byte_more() {
        let of =
            |bytes: usize| json!({"state": {"desired": {"a": "x".repeat(bytes - r#"{"desired":{"a":""}}"#.len())}}});
        assert!(updated(&mut Store::default(), &of(MOST_BYTES)).is_ok());
        assert_eq!(updated(&mut Store::default(), &of(MOST_BYTES + 1)).unwrap_err().code, 413);
    }

    #[test]
    fn named_shadows_are_listed_and_the_classic_one_is_not() {
        let mut store = after(&[json!({})]);
        let update = Update::of(request::read(br#"{"state":{}}"#).unwrap().0).unwrap();
        for name in ["b", "a"] {
            store.update(&address(Some(name)), &update, 0).unwrap();
        }
        assert_eq!(store.names("pump-7"), ["a", "b"]);
        store.delete(&address(Some("a")), 0).unwrap();
        assert_eq!((store.names("pump-7"), store.names("other")), (vec!["b".to_owned()], vec![]));
    }
}
