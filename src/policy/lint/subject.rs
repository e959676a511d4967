//! A document as the rules look at it.

use super::place::Part;
use crate::policy::actions::{ACTIONS, Action};
use crate::policy::condition::Condition;
use crate::policy::document::{Document, Effect, Resources, Statement};
use crate::policy::engine::{Attached, decide};
use crate::policy::matching::Question;
use crate::policy::pattern::{Pattern, Token};
use crate::policy::request::{Connection, Request};
use crate::policy::sample;
use crate::policy::witness::{Form, meet};

/// A document, and what rules ask of it.
pub(super) struct Subject<'a> {
    pub(super) document: &'a Document,
    pub(super) text: &'a str,
    /// A device, attached to its thing, for which every variable of the document has a value.
    pub(super) device: Connection,
    /// `arn:<partition>:iot:<region>:<account>`, as the document has it.
    scope: String,
    /// The document at its widest: every condition of an Allow holds, none of a Deny does.
    widest: Document,
}

impl<'a> Subject<'a> {
    pub(super) fn new(document: &'a Document, text: &'a str) -> Self {
        let device = sample::device([document]);
        Self {
            scope: sample::scopes([document]).swap_remove(0),
            widest: without_conditions(document, |_| false),
            device,
            document,
            text,
        }
    }

    /// The statements of one effect, with their places.
    pub(super) fn statements(&self, effect: Effect) -> impl Iterator<Item = (usize, &'a Statement)> {
        self.document.statements.iter().enumerate().filter(move |(_, statement)| statement.effect == effect)
    }

    /// The Allow statements that name `action`.
    pub(super) fn allowing(&self, action: &'a str) -> impl Iterator<Item = (usize, &'a Statement)> {
        self.statements(Effect::Allow).filter(move |(_, statement)| names(statement, action))
    }

    /// The ARN of a resource such as `topic/a`.
    pub(super) fn arn(&self, resource: &str) -> String {
        format!("{}:{resource}", self.scope)
    }

    /// Whether the device could be allowed this, should all conditions be as it needs them.
    pub(super) fn allows(&self, action: &str, resource: &str) -> bool {
        allows(&self.widest, &self.device, action, &self.arn(resource))
    }

    /// A resource of this form, such as `topic/?*`, that the pattern covers; without the front of its ARN. If it can be,
    /// every `*` of the pattern stands for something in it.
    pub(super) fn covered(&self, pattern: &Pattern, form: &str, texts: Form) -> Option<String> {
        let filled = |token| match token {
            Token::Any => vec![Token::One, Token::Any],
            other => vec![other],
        };
        let tokens: Vec<Token> = self.tokens(pattern)?.into_iter().flat_map(filled).collect();
        self.met(&tokens, form, texts).or_else(|| self.shortest(pattern, form, texts))
    }

    /// The shortest resource of this form that the pattern covers.
    pub(super) fn shortest(&self, pattern: &Pattern, form: &str, texts: Form) -> Option<String> {
        self.met(&self.tokens(pattern)?, form, texts)
    }

    fn met(&self, tokens: &[Token], form: &str, texts: Form) -> Option<String> {
        let form = Pattern::wildcard(&self.arn(form)).ok()?;
        let met = meet(tokens, form.fill(&self.device).ok()?.tokens(), texts)?;
        met.strip_prefix(&self.arn("")).map(str::to_owned)
    }

    /// The steps of a pattern on the device, if all its variables have values there.
    pub(super) fn tokens(&self, pattern: &Pattern) -> Option<Vec<Token>> {
        pattern.fill(&self.device).ok().map(|filled| filled.tokens().to_vec())
    }
}

/// Whether the document lets `connection` do it.
pub(super) fn allows(document: &Document, connection: &Connection, action: &str, resource: &str) -> bool {
    let request = Request { action: action.to_owned(), resource: resource.to_owned() };
    decide(&[Attached { name: "", document, deny_only: false }], connection, &request).is_allowed()
}

/// Whether one of its actions is or covers `action`.
pub(super) fn names(statement: &Statement, action: &str) -> bool {
    let request = Request { action: action.to_owned(), resource: String::new() };
    Question::new(&Connection::default(), &request).action(statement)
}

/// The actions of AWS IoT that a pattern such as `iot:*` covers.
pub(super) fn covered_actions(pattern: &Pattern) -> impl Iterator<Item = &'static Action> {
    let only = Statement {
        sid: None,
        effect: Effect::Allow,
        actions: vec![pattern.clone()],
        resources: Resources::Only(Vec::new()),
        conditions: Vec::new(),
    };
    ACTIONS.iter().filter(move |action| names(&only, action.name))
}

/// The resources of a statement, with their parts.
pub(super) fn resources(index: usize, statement: &Statement) -> impl Iterator<Item = (Part, &Pattern)> {
    let member = match statement.resources {
        Resources::Only(_) => "Resource",
        Resources::AllBut(_) => "NotResource",
    };
    let patterns = statement.resources.patterns().iter().enumerate();
    patterns.map(move |(at, pattern)| (Part::Value(index, member, at), pattern))
}

/// The actions of a statement, with their parts.
pub(super) fn actions(index: usize, statement: &Statement) -> impl Iterator<Item = (Part, &Pattern)> {
    let patterns = statement.actions.iter().enumerate();
    patterns.map(move |(at, pattern)| (Part::Value(index, "Action", at), pattern))
}

/// The document without the conditions that `keep` refuses: an Allow does not need them, a Deny does not come to count.
pub(super) fn without_conditions(document: &Document, keep: impl Fn(&Condition) -> bool) -> Document {
    let mut statements = Vec::new();
    for statement in &document.statements {
        let kept: Vec<Condition> = statement.conditions.iter().filter(|c| keep(c)).cloned().collect();
        if statement.effect == Effect::Allow || kept.len() == statement.conditions.len() {
            statements.push(Statement { conditions: kept, ..statement.clone() });
        }
    }
    Document { statements }
}
