//! The JSON of a document, read member by member so that every error has its place.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserialize, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};

use super::{Effect, Resources, Statement};
use crate::policy::condition::{Condition, Operator};
use crate::policy::pattern::Pattern;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct Document {
    #[serde(rename = "Version")]
    _version: Version,
    #[serde(rename = "Statement")]
    pub(super) statements: Statements,
}

/// `2012-10-17`: the other version that IAM knows, `2008-10-17`, has no variables and is in no page of AWS IoT.
struct Version;

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "2012-10-17" => Ok(Self),
            other => Err(D::Error::custom(format!("`Version` is `{other}`; AWS IoT policies have `2012-10-17`"))),
        }
    }
}

/// A list of statements, or one statement without brackets.
pub(super) struct Statements(pub(super) Vec<Statement>);

impl<'de> Deserialize<'de> for Statements {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let listed =
            deserializer.deserialize_any(OneOrMany::<Statement>::new("a statement or a list of statements"))?;
        Ok(Self(listed))
    }
}

/// Visits `x` or `[x, x]`, where `x` reads itself from what it is given.
struct OneOrMany<T> {
    expected: &'static str,
    of: PhantomData<T>,
}

impl<T> OneOrMany<T> {
    fn new(expected: &'static str) -> Self {
        Self { expected, of: PhantomData }
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrMany<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = list.next_element()? {
            all.push(one);
        }
        Ok(all)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|one| vec![one])
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<T>, E> {
        let text: StrDeserializer<'_, E> = text.into_deserializer();
        T::deserialize(text).map(|one| vec![one])
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Vec<T>, E> {
        T::deserialize(value.into_deserializer()).map(|one| vec![one])
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Vec<T>, E> {
        T::deserialize(value.into_deserializer()).map(|one| vec![one])
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Vec<T>, E> {
        T::deserialize(value.into_deserializer()).map(|one| vec![one])
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Vec<T>, E> {
        T::deserialize(value.into_deserializer()).map(|one| vec![one])
    }
}

/// At least one action or resource: `"NotResource": []` would be everything.
struct Names(Vec<Pattern>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = deserializer.deserialize_any(OneOrMany::<String>::new("a string or a list of strings"))?;
        if texts.is_empty() {
            return Err(D::Error::custom("the list is empty; name at least one"));
        }
        let patterns: Result<_, String> = texts.iter().map(|text| Pattern::wildcard(text)).collect();
        patterns.map(Self).map_err(D::Error::custom)
    }
}

#[derive(serde::Deserialize)]
#[serde(field_identifier)]
enum Member {
    Sid,
    Effect,
    Action,
    Resource,
    NotResource,
    Condition,
    Other(String),
}

#[derive(Default)]
struct Members {
    sid: Option<String>,
    effect: Option<Effect>,
    actions: Option<Names>,
    resources: Option<Names>,
    not_resources: Option<Names>,
    conditions: Option<Conditions>,
}

impl<'de> Deserialize<'de> for Statement {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members::default())
    }
}

impl<'de> Visitor<'de> for Members {
    type Value = Statement;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a statement")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Statement, A::Error> {
        while let Some(member) = map.next_key()? {
            match member {
                Member::Sid => once(&mut self.sid, "Sid", &mut map)?,
                Member::Effect => once(&mut self.effect, "Effect", &mut map)?,
                Member::Action => once(&mut self.actions, "Action", &mut map)?,
                Member::Resource => once(&mut self.resources, "Resource", &mut map)?,
                Member::NotResource => once(&mut self.not_resources, "NotResource", &mut map)?,
                Member::Condition => once(&mut self.conditions, "Condition", &mut map)?,
                Member::Other(name) => return Err(A::Error::custom(refusal(&name))),
            }
        }
        self.into_statement().map_err(A::Error::custom)
    }
}

impl Members {
    fn into_statement(self) -> Result<Statement, &'static str> {
        let resources = match (self.resources, self.not_resources) {
            (Some(only), None) => Resources::Only(only.0),
            (None, Some(but)) => Resources::AllBut(but.0),
            (Some(_), Some(_)) => return Err("a statement has `Resource` or `NotResource`, not both"),
            (None, None) => return Err("the statement has no `Resource`"),
        };
        let actions = self.actions.ok_or("the statement has no `Action`")?.0;
        if actions.iter().any(|action| action.variables().next().is_some()) {
            return Err("an action holds no variables");
        }
        Ok(Statement {
            sid: self.sid,
            effect: self.effect.ok_or("the statement has no `Effect`")?,
            actions,
            resources,
            conditions: self.conditions.map_or_else(Vec::new, |conditions| conditions.0),
        })
    }
}

fn once<'de, A: MapAccess<'de>, T: Deserialize<'de>>(
    slot: &mut Option<T>,
    name: &'static str,
    map: &mut A,
) -> Result<(), A::Error> {
    if slot.is_some() {
        return Err(A::Error::custom(format!("`{name}` stands twice in one statement")));
    }
    *slot = Some(map.next_value()?);
    Ok(())
}

fn refusal(name: &str) -> String {
    match name {
        "NotAction" => "`NotAction` is not part of AWS IoT policies; list the actions in `Action`".into(),
        "Principal" | "NotPrincipal" => {
            format!("`{name}` is not part of AWS IoT policies; a policy is attached to its principal")
        }
        other => format!("`{}` is not a member of a statement", other.escape_debug()),
    }
}

/// `{operator: {key: values}}`, every pair of operator and key one condition.
struct Conditions(Vec<Condition>);

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

impl<'de> serde::de::DeserializeSeed<'de> for Keys<'_> {
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
