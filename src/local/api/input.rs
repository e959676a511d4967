//! The input of an operation: gathered from path, query, headers and body, and checked.

use axum::http::request::Parts;
use serde_json::{Map, Value};

use super::limits;
use super::model::{Kind, Member, Place};
use super::route::{Labels, decoded};
use crate::local::registry::fault::Fault;

/// The members of a request by their names; required ones are there, and every one is as AWS wants it.
#[derive(Debug)]
pub(super) struct Input {
    members: Map<String, Value>,
    payload: Vec<u8>,
}

/// Gathers the members of a request.
pub(super) fn gather(members: &[Member], labels: &Labels, parts: &Parts, body: &[u8]) -> Result<Input, Fault> {
    // A body that is a payload is no list of members.
    let payload = if members.iter().any(|member| member.place == Place::Payload) { body } else { &[] };
    let body = if payload.is_empty() { body_members(body)? } else { Map::new() };
    let mut input = Map::new();
    for member in members {
        let found = match member.place {
            Place::Uri => labels.get(&member.wire_name).map(|text| Value::from(text.as_str())),
            Place::Query => query(parts, &member.wire_name)?.map(|text| typed(&text, member.shape.kind)),
            Place::Header => {
                let header = parts.headers.get(&member.wire_name).and_then(|value| value.to_str().ok());
                header.map(|text| typed(text, member.shape.kind))
            }
            Place::Payload => None,
            Place::Body => body.get(&member.wire_name).filter(|value| !value.is_null()).cloned(),
        };
        match found {
            Some(value) => {
                limits::check(&member.name, &value, &member.shape)?;
                input.insert(member.name.clone(), value);
            }
            None if member.required && (member.place != Place::Payload || payload.is_empty()) => {
                return Err(limits::missing_member(&member.name));
            }
            None => {}
        }
    }
    Ok(Input { members: input, payload: payload.to_vec() })
}

fn body_members(body: &[u8]) -> Result<Map<String, Value>, Fault> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(Fault::invalid("The request body must be a JSON object")),
        Err(error) => Err(Fault::invalid(format!("The request body is not JSON: {error}"))),
    }
}

/// A query parameter, decoded; `+` is a space there.
fn query(parts: &Parts, name: &str) -> Result<Option<String>, Fault> {
    let pairs = parts.uri.query().unwrap_or_default().split('&');
    let mut named = pairs.filter_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name));
    let Some((_, raw)) = named.next() else { return Ok(None) };
    let text = decoded(&raw.replace('+', " "));
    text.map(Some).ok_or_else(|| Fault::invalid(format!("The query parameter {name} is not percent-encoded UTF-8")))
}

/// A text of the URL or a header as the kind of value that the model has; what does not fit stays text and is refused.
fn typed(text: &str, kind: Kind) -> Value {
    match (kind, text) {
        (Kind::Boolean, "true") => Value::Bool(true),
        (Kind::Boolean, "false") => Value::Bool(false),
        (Kind::Integer | Kind::Long, text) => text.parse::<u64>().map_or_else(|_| Value::from(text), Value::from),
        (_, text) => Value::from(text),
    }
}

impl Input {
    /// The body, of an operation that takes it whole.
    pub(super) fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// A required text.
    pub(super) fn text(&self, name: &str) -> &str {
        self.maybe(name).unwrap_or_default()
    }

    /// An optional text.
    pub(super) fn maybe(&self, name: &str) -> Option<&str> {
        self.members.get(name)?.as_str()
    }

    /// A boolean; absent is false.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.members.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// An optional number.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.members.get(name)?.as_u64()
    }

    /// Whatever stands there; absent is null.
    pub(super) fn value(&self, name: &str) -> &Value {
        self.members.get(name).unwrap_or(&Value::Null)
    }

    /// The texts of a list; absent is empty.
    pub(super) fn texts(&self, name: &str) -> Vec<&str> {
        self.value(name).as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }
}
