//! The JSON of a document, read member by member so that every error has its place.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

use super::conditions::Conditions;
use super::one_or_many::OneOrMany;
use super::statement::{Effect, Resources, Statement};
use crate::policy::pattern::Pattern;

/// The statements of a whole document.
pub(super) struct Document(pub(super) Vec<Statement>);

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(DocumentVisitor)
    }
}

struct DocumentVisitor;

impl<'de> Visitor<'de> for DocumentVisitor {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a policy document")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
        let (mut version, mut statements) = (None::<Version>, None::<Statements>);
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "Version" => once(&mut version, "Version", &mut map)?,
                "Statement" => once(&mut statements, "Statement", &mut map)?,
                _ => return Err(A::Error::custom(format!("`{name}` is not a member of a policy document"))),
            }
        }
        version.ok_or_else(|| A::Error::custom("the document has no `Version`; it is `2012-10-17`"))?;
        let statements = statements.ok_or_else(|| A::Error::custom("the document has no `Statement`"))?;
        Ok(Document(statements.0))
    }
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
struct Statements(Vec<Statement>);

impl<'de> Deserialize<'de> for Statements {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let listed =
            deserializer.deserialize_any(OneOrMany::<Statement>::new("a statement or a list of statements"))?;
        Ok(Self(listed))
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

impl<'de> Deserialize<'de> for Effect {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "Allow" => Ok(Self::Allow),
            "Deny" => Ok(Self::Deny),
            other => Err(D::Error::custom(format!("`Effect` is `{other}`; it is `Allow` or `Deny`"))),
        }
    }
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
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "Sid" => once(&mut self.sid, "Sid", &mut map)?,
                "Effect" => once(&mut self.effect, "Effect", &mut map)?,
                "Action" => once(&mut self.actions, "Action", &mut map)?,
                "Resource" => once(&mut self.resources, "Resource", &mut map)?,
                "NotResource" => once(&mut self.not_resources, "NotResource", &mut map)?,
                "Condition" => once(&mut self.conditions, "Condition", &mut map)?,
                other => return Err(A::Error::custom(refusal(other))),
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
        return Err(A::Error::custom(format!("`{name}` stands twice")));
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
        other => format!("`{other}` is not a member of a statement"),
    }
}
