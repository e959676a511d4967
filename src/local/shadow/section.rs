//! `desired` or `reported`: the fields, and when each was last set.

use serde_json::{Map, Value, json};

use super::request::Wish;

/// A section of a shadow.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Section {
    /// The fields.
    pub state: Map<String, Value>,
    /// In the same shape, `{"timestamp": seconds since 1970}` for each value.
    pub metadata: Map<String, Value>,
}

impl Section {
    /// Does what an update wishes.
    pub fn update(&mut self, wish: &Wish, now: i64) {
        match wish {
            Wish::Absent => {}
            Wish::Cleared => *self = Self::default(),
            Wish::Merged(fields) => merge(&mut self.state, &mut self.metadata, fields, now),
        }
    }
}

/// Objects merge, `null` deletes, anything else takes the place of what was there.
fn merge(state: &mut Map<String, Value>, metadata: &mut Map<String, Value>, fields: &Map<String, Value>, now: i64) {
    for (name, value) in fields {
        match value {
            Value::Null => {
                state.shift_remove(name);
                metadata.shift_remove(name);
            }
            Value::Object(inner) => {
                // Of a value that was no object, the time stamp is no metadata of fields.
                let is_fresh = !state.get(name).is_some_and(Value::is_object);
                if let (Some(state), Some(metadata)) = (object(state, name, is_fresh), object(metadata, name, is_fresh))
                {
                    merge(state, metadata, inner, now);
                }
            }
            value => {
                state.insert(name.clone(), value.clone());
                metadata.insert(name.clone(), stamped(value, now));
            }
        }
    }
}

fn object<'a>(fields: &'a mut Map<String, Value>, name: &str, is_fresh: bool) -> Option<&'a mut Map<String, Value>> {
    if is_fresh {
        fields.insert(name.to_owned(), json!({}));
    }
    fields.get_mut(name)?.as_object_mut()
}

/// The metadata of a value that was set now.
pub fn stamped(value: &Value, now: i64) -> Value {
    match value {
        Value::Object(fields) => {
            let set = fields.iter().filter(|(_, value)| !value.is_null());
            set.map(|(name, value)| (name.clone(), stamped(value, now))).collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.iter().map(|item| stamped(item, now)).collect(),
        _ => json!({"timestamp": now}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(updates: &[Value]) -> Section {
        let mut section = Section::default();
        for (now, update) in (1..).zip(updates) {
            section.update(&Wish::Merged(update.as_object().unwrap().clone()), now);
        }
        section
    }

    #[test]
    fn objects_merge_and_only_what_was_sent_gets_a_new_time() {
        let merged = section(&[json!({"c": {"r": 1, "g": 2}, "z": 1}), json!({"c": {"g": 3}})]);
        assert_eq!(Value::from(merged.state), json!({"c": {"r": 1, "g": 3}, "z": 1}));
        let stamps = json!({"c": {"r": {"timestamp": 1}, "g": {"timestamp": 2}}, "z": {"timestamp": 1}});
        assert_eq!(Value::from(merged.metadata), stamps);
    }

    #[test]
    fn null_deletes_and_an_array_is_a_value() {
        let merged = section(&[
            json!({"a": 1, "b": {"c": 1, "d": 1}, "x": [1, 2]}),
            json!({"a": null, "b": {"c": null}, "x": [3]}),
        ]);
        assert_eq!(Value::from(merged.state), json!({"b": {"d": 1}, "x": [3]}));
        assert_eq!(Value::from(merged.metadata), json!({"b": {"d": {"timestamp": 1}}, "x": [{"timestamp": 2}]}));
    }

    #[test]
    fn a_value_becomes_an_object_and_an_object_a_value() {
        let merged = section(&[json!({"a": 1, "b": {"c": 1}}), json!({"a": {"timestamp": 5}, "b": 2})]);
        assert_eq!(Value::from(merged.state), json!({"a": {"timestamp": 5}, "b": 2}));
        let stamps = json!({"a": {"timestamp": {"timestamp": 2}}, "b": {"timestamp": 2}});
        assert_eq!(Value::from(merged.metadata), stamps);
    }
}
