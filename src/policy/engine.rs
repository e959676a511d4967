//! [`decide`]: policies and facts in, decision out.
//!
//! A Deny that matches wins; else an Allow that matches lets through; else the request is denied. Source: AWS IoT
//! Developer Guide, "AWS IoT Core policies" and "Authorization".

use std::collections::BTreeMap;

use super::decision::{Decision, NearMiss, Outcome, StatementRef};
use super::document::{Document, Effect, Statement};
use super::matching::{Question, counts};
use super::request::{Connection, Request};
use super::{near, suggestion};

/// A document under the name it is attached by. `Effective` decides which count.
#[derive(Debug, Clone, Copy)]
pub struct Attached<'a> {
    /// Name of the policy.
    pub name: &'a str,
    /// Its default version.
    pub document: &'a Document,
    /// Whether only its Deny statements count (group policies of an exclusively attached thing whose name is not
    /// the client id).
    pub deny_only: bool,
}

/// A statement and where it stands.
type Placed<'a> = (Attached<'a>, usize, &'a Statement);

/// Decides whether `connection` may do `request` under `policies`.
pub fn decide(policies: &[Attached<'_>], connection: &Connection, request: &Request) -> Decision {
    let question = Question::new(connection, request);
    let matching = in_force(policies).filter(|(_, _, s)| counts(s.effect, question.fit(s)));
    let (denying, allowing): (Vec<_>, Vec<_>) = matching.partition(|(_, _, s)| s.effect == Effect::Deny);
    if !denying.is_empty() {
        explicit_deny(&question, &denying)
    } else if !allowing.is_empty() {
        outcome(Outcome::Allowed, &question, &allowing, &allowing)
    } else {
        implicit_deny(&question, policies)
    }
}

/// Every statement that may count.
fn in_force<'a>(policies: &'a [Attached<'a>]) -> impl Iterator<Item = Placed<'a>> {
    policies.iter().flat_map(|attached| {
        let all = attached.document.statements.iter().enumerate();
        let counting = all.filter(|(_, s)| s.effect == Effect::Deny || !attached.deny_only);
        counting.map(|(index, statement)| (*attached, index, statement))
    })
}

fn explicit_deny(question: &Question<'_>, denying: &[Placed<'_>]) -> Decision {
    let doubts = denying.iter().filter_map(|placed| near::doubt(question, placed.2).map(|why| (placed, why)));
    let near = doubts.map(|(placed, because)| NearMiss { statement: place(placed), because }).collect();
    Decision { near, ..outcome(Outcome::ExplicitDeny, question, denying, denying) }
}

fn implicit_deny(question: &Question<'_>, policies: &[Attached<'_>]) -> Decision {
    let all: Vec<Placed<'_>> = in_force(policies).collect();
    let about: Vec<Placed<'_>> = all.iter().copied().filter(|(_, _, s)| question.action(s)).collect();
    let allows = all.iter().filter(|(_, _, s)| s.effect == Effect::Allow);
    Decision {
        near: near::nearest(question, allows.map(|placed| (place(placed), placed.2))),
        suggestion: suggestion::statement(question.request),
        considered: all.len(),
        ..outcome(Outcome::ImplicitDeny, question, &[], &about)
    }
}

fn outcome(outcome: Outcome, question: &Question<'_>, decided: &[Placed<'_>], about: &[Placed<'_>]) -> Decision {
    let named = about.iter().flat_map(|(_, _, statement)| statement.variables());
    let variables: BTreeMap<_, _> = named.map(|v| (v.to_string(), v.describe(question.connection))).collect();
    Decision {
        outcome,
        request: question.request.clone(),
        statements: decided.iter().map(place).collect(),
        considered: about.len(),
        variables,
        near: Vec::new(),
        suggestion: None,
    }
}

fn place((attached, index, statement): &Placed<'_>) -> StatementRef {
    StatementRef { policy: attached.name.to_owned(), index: *index, sid: statement.sid.clone() }
}
