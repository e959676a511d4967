//! What is desired and not reported.

use serde_json::{Map, Value};

use super::section::Section;

/// The fields of `desired` that `reported` lacks or has otherwise, with the metadata of `desired`; nothing if all is as
/// desired. Fields that are only reported are no difference (shadow.md, section 3).
pub fn delta(desired: &Section, reported: &Section) -> Option<Section> {
    let (state, metadata) = difference(&desired.state, &desired.metadata, &reported.state);
    (!state.is_empty()).then_some(Section { state, metadata })
}

type Fields = Map<String, Value>;

fn difference(desired: &Fields, metadata: &Fields, reported: &Fields) -> (Fields, Fields) {
    let nothing = Fields::new();
    let (mut state, mut stamps) = (Fields::new(), Fields::new());
    for (name, wanted) in desired {
        let present = reported.get(name);
        let stamp = metadata.get(name);
        match wanted {
            Value::Object(wanted) => {
                let present = present.and_then(Value::as_object).unwrap_or(&nothing);
                let inner = stamp.and_then(Value::as_object).unwrap_or(&nothing);
                let (state_of, stamps_of) = difference(wanted, inner, present);
                if !state_of.is_empty() {
                    state.insert(name.clone(), state_of.into());
                    stamps.insert(name.clone(), stamps_of.into());
                }
            }
            wanted if present == Some(wanted) => {}
            wanted => {
                state.insert(name.clone(), wanted.clone());
                stamps.extend(stamp.map(|stamp| (name.clone(), stamp.clone())));
            }
        }
    }
    (state, stamps)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::request::Wish;
    use super::*;

    fn section(value: Value) -> Section {
        let mut section = Section::default();
        section.update(&Wish::Merged(value.as_object().unwrap().clone()), 7);
        section
    }

    fn between(desired: Value, reported: Value) -> Option<Value> {
        delta(&section(desired), &section(reported)).map(|delta| delta.state.into())
    }

    #[test]
    fn only_what_is_desired_and_differs() {
        assert_eq!(between(json!({"a": 2}), json!({"a": 1, "b": 3})), Some(json!({"a": 2})));
        assert_eq!(between(json!({"a": 2}), json!({"a": 2, "b": 3})), None);
        assert_eq!(between(json!({"a": 2}), json!({})), Some(json!({"a": 2})));
        assert_eq!(between(json!({}), json!({"a": 2})), None);
    }

    #[test]
    fn of_objects_the_leaves_and_of_arrays_the_whole() {
        let reported = json!({"c": {"r": 1, "g": 0}, "x": [1]});
        assert_eq!(between(json!({"c": {"r": 1, "g": 2}}), reported.clone()), Some(json!({"c": {"g": 2}})));
        assert_eq!(between(json!({"x": [1, 2]}), reported.clone()), Some(json!({"x": [1, 2]})));
        assert_eq!(between(json!({"x": {"y": 1}}), reported), Some(json!({"x": {"y": 1}})));
    }

    #[test]
    fn the_metadata_is_that_of_desired() {
        let delta = delta(&section(json!({"c": {"g": 2}})), &section(json!({"c": {"g": 1}}))).unwrap();
        assert_eq!(Value::from(delta.metadata), json!({"c": {"g": {"timestamp": 7}}}));
    }
}
