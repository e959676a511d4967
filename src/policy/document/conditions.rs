//! The JSON of a `Condition` block.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use super::one_or_many::OneOrMany;
use crate::policy::condition::{Condition, Operator};

/// `{operator: {key: values}}`, every pair of operator and key one condition.
pub(super) struct Conditions(pub(super) Vec<Condition>);

impl<'de> Deserialize<'de> for Conditions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Operators).map(Self)
    }
}

struct Operators;

impl<'de> Visitor<'de> for Operators {
    type Value = Vec<Condition>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of condition operators")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<Condition>, A::Error> {
        let mut all: Vec<Condition> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            let operator: Operator = name.parse().map_err(A::Error::custom)?;
            if all.iter().any(|condition| condition.operator == operator) {
                return Err(A::Error::custom(format!("`{name}` stands twice in one `Condition`")));
            }
            all.extend(map.next_value_seed(Keys(&operator))?);
        }
        Ok(all)
    }
}

struct Keys<'a>(&'a Operator);

impl<'de> DeserializeSeed<'de> for Keys<'_> {
    type Value = Vec<Condition>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Condition>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Keys<'_> {
    type Value = Vec<Condition>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object of condition keys under `{}`", self.0)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<Condition>, A::Error> {
        let (mut all, mut seen) = (Vec::new(), BTreeSet::new());
        while let Some(key) = map.next_key::<String>()? {
            let Values(values) = map.next_value()?;
            all.push(Condition::parse(self.0, &key, &values).map_err(A::Error::custom)?);
            if let Some(key) = seen.replace(key) {
                return Err(A::Error::custom(format!("`{key}` stands twice under `{}`", self.0)));
            }
        }
        Ok(all)
    }
}

/// The values of a condition key; booleans and numbers count as their text.
struct Values(Vec<String>);

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let scalars = deserializer
            .deserialize_any(OneOrMany::<Scalar>::new("a string, a boolean, a number or a list of them"))?;
        Ok(Self(scalars.into_iter().map(|scalar| scalar.0).collect()))
    }
}

struct Scalar(String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor).map(Self)
    }
}

struct ScalarVisitor;

impl Visitor<'_> for ScalarVisitor {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a boolean or a number")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<String, E> {
        Ok(value.to_string())
    }
}
