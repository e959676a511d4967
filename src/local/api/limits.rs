//! Holds a value against its shape; the complaint is worded as AWS words it.

use serde_json::Value;

use super::model::{Kind, Shape};
use crate::local::registry::fault::Fault;

/// Checks `value`, which stands at `path`.
pub(super) fn check(path: &str, value: &Value, shape: &Shape) -> Result<(), Fault> {
    match (shape.kind, value) {
        (Kind::String, Value::String(text)) => check_text(path, text, shape),
        (Kind::Blob, _) => Ok(()),
        (Kind::Boolean, Value::Bool(_)) => Ok(()),
        (Kind::Integer | Kind::Long, Value::Number(number)) => match number.as_u64() {
            Some(number) => check_size(path, number, shape, "value"),
            None => Err(wrong_kind(path, shape.kind)),
        },
        (Kind::Structure, Value::Object(members)) => {
            if let Some(missing) = shape.required.iter().find(|name| !members.contains_key(*name)) {
                return Err(missing_member(&format!("{path}.{missing}")));
            }
            let known = members.iter().filter_map(|(name, value)| Some((name, value, shape.members.get(name)?)));
            known
                .filter(|(_, value, _)| !value.is_null())
                .try_for_each(|(name, v, s)| check(&format!("{path}.{name}"), v, s))
        }
        (Kind::List, Value::Array(items)) => {
            check_size(path, items.len() as u64, shape, "length")?;
            let numbered = items.iter().enumerate();
            shape.member.iter().try_for_each(|member| {
                numbered.clone().try_for_each(|(at, item)| check(&format!("{path}.{}.member", at + 1), item, member))
            })
        }
        (Kind::Map, Value::Object(entries)) => entries.iter().try_for_each(|(key, value)| {
            shape.key.iter().try_for_each(|shape| check_text(path, key, shape))?;
            shape.value.iter().try_for_each(|shape| check(&format!("{path}.{key}"), value, shape))
        }),
        _ => Err(wrong_kind(path, shape.kind)),
    }
}

/// A member that must be there is not.
pub(super) fn missing_member(path: &str) -> Fault {
    complaint("null", path, "Member must not be null")
}

fn check_text(path: &str, text: &str, shape: &Shape) -> Result<(), Fault> {
    if !shape.choices.is_empty() && !shape.choices.iter().any(|choice| choice == text) {
        let wanted = format!("Member must satisfy enum value set: [{}]", shape.choices.join(", "));
        return Err(complaint(text, path, &wanted));
    }
    check_size(path, text.chars().count() as u64, shape, "length").map_err(|fault| named(fault, text))?;
    match &shape.pattern {
        Some(pattern) if !pattern.matches(text) => {
            Err(complaint(text, path, &format!("Member must satisfy regular expression pattern: {}", pattern.text)))
        }
        _ => Ok(()),
    }
}

fn check_size(path: &str, size: u64, shape: &Shape, of: &str) -> Result<(), Fault> {
    match (shape.min, shape.max) {
        (Some(min), _) if size < min => {
            Err(complaint(&size.to_string(), path, &format!("Member must have {of} greater than or equal to {min}")))
        }
        (_, Some(max)) if size > max => {
            Err(complaint(&size.to_string(), path, &format!("Member must have {of} less than or equal to {max}")))
        }
        _ => Ok(()),
    }
}

/// A length says little; the text itself, if it is short, says what was wrong.
fn named(fault: Fault, text: &str) -> Fault {
    match text.len() {
        0..=64 => fault,
        length => Fault::invalid(format!("{} ({length} bytes)", fault.message)),
    }
}

fn wrong_kind(path: &str, wanted: Kind) -> Fault {
    let kind = format!("{wanted:?}").to_lowercase();
    Fault::invalid(format!("The member at '{path}' must be of type {kind}"))
}

fn complaint(value: &str, path: &str, constraint: &str) -> Fault {
    Fault::invalid(format!(
        "1 validation error detected: Value '{value}' at '{path}' failed to satisfy constraint: {constraint}"
    ))
}
