//! One statement, and its JSON form.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::policy::condition::Condition;
use crate::policy::pattern::Pattern;
use crate::policy::variable::Variable;

/// One statement of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The name the author gave it.
    pub sid: Option<String>,
    /// What it does where it matches.
    pub effect: Effect,
    /// Such as `iot:Publish` or `iot:*`; one of them must match. They hold no variables.
    pub actions: Vec<Pattern>,
    /// What the actions are done to.
    pub resources: Resources,
    /// All of them must hold.
    pub conditions: Vec<Condition>,
}

/// What a statement does where it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Effect {
    /// It lets the request through, unless another statement denies it.
    Allow,
    /// It stops the request, whatever else allows it.
    Deny,
}

/// `Resource` or `NotResource`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resources {
    /// One of them must match.
    Only(Vec<Pattern>),
    /// None of them may match.
    AllBut(Vec<Pattern>),
}

impl Resources {
    /// The patterns, whichever way they count.
    pub fn patterns(&self) -> &[Pattern] {
        match self {
            Self::Only(patterns) | Self::AllBut(patterns) => patterns,
        }
    }
}

impl Statement {
    /// Every variable it names, as a condition key too; one may come twice.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        let resources = self.resources.patterns().iter().flat_map(Pattern::variables);
        let keys = self.conditions.iter().map(|condition| &condition.key);
        let values = self.conditions.iter().flat_map(|c| &c.values).flat_map(Pattern::variables);
        resources.chain(keys).chain(values)
    }

    /// The statement as it stands in a document; a list of one is written without brackets.
    pub fn to_json(&self) -> Value {
        let mut members = Map::new();
        if let Some(sid) = &self.sid {
            members.insert("Sid".into(), json!(sid));
        }
        members.insert("Effect".into(), json!(self.effect));
        members.insert("Action".into(), one_or_many(&self.actions));
        let member = match self.resources {
            Resources::Only(_) => "Resource",
            Resources::AllBut(_) => "NotResource",
        };
        members.insert(member.into(), one_or_many(self.resources.patterns()));
        if !self.conditions.is_empty() {
            members.insert("Condition".into(), self.conditions_to_json());
        }
        Value::Object(members)
    }

    fn conditions_to_json(&self) -> Value {
        let mut operators = Map::new();
        for condition in &self.conditions {
            let keys = operators.entry(condition.operator.to_string()).or_insert_with(|| json!({}));
            if let Value::Object(keys) = keys {
                keys.insert(condition.key.to_string(), one_or_many(&condition.values));
            }
        }
        Value::Object(operators)
    }
}

fn one_or_many(patterns: &[Pattern]) -> Value {
    match patterns {
        [one] => json!(one.text()),
        many => many.iter().map(Pattern::text).collect(),
    }
}
