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

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(statements: &str, deny_only: bool, action: &str, resource: &str) -> Decision {
        let json = format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#);
        let document = Document::parse("p", &json).unwrap();
        let connection = Connection { client_id: Some("c*".parse().unwrap()), ..Connection::default() };
        let request = Request { action: action.to_owned(), resource: resource.to_owned() };
        decide(&[Attached { name: "p", document: &document, deny_only }], &connection, &request)
    }

    #[test]
    fn a_policy_that_may_only_deny_does_not_allow() {
        let all = r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#;
        assert_eq!(decided(all, false, "iot:Publish", "t").outcome, Outcome::Allowed);
        let decision = decided(all, true, "iot:Publish", "t");
        assert_eq!((decision.outcome, decision.considered), (Outcome::ImplicitDeny, 0));
        let deny = r#"{"Effect": "Deny", "Action": "*", "Resource": "*"}"#;
        assert_eq!(decided(deny, true, "iot:Publish", "t").outcome, Outcome::ExplicitDeny);
    }

    #[test]
    fn the_former_spelling_of_job_actions_must_be_written_out() {
        let allow = |action| format!(r#"{{"Effect": "Allow", "Action": "{action}", "Resource": "*"}}"#);
        let ask = |action| decided(&allow(action), false, "iotjobsdata:UpdateJobExecution", "t").is_allowed();
        assert!(ask("iotjobsdata:UpdateJobExecution"));
        assert!(ask("iot:UpdateJobExecution"));
        assert!(!ask("iot:*"));
        assert!(!ask("iot:DescribeJobExecution"));
    }

    #[test]
    fn what_aws_leaves_open_denies_and_does_not_allow() {
        let on = |effect| format!(r#"{{"Effect": "{effect}", "Action": "*", "Resource": "x/${{iot:ClientId}}"}}"#);
        let allow = decided(&on("Allow"), false, "iot:Publish", "x/c*");
        assert_eq!(allow.outcome, Outcome::ImplicitDeny);
        let deny = decided(&on("Deny"), false, "iot:Publish", "x/c*");
        assert_eq!(deny.outcome, Outcome::ExplicitDeny);
        let why = "the action matches, but a value in `x/${iot:ClientId}` holds `*` or `?`; what AWS does then is not \
                   documented, so the stricter answer is taken";
        assert_eq!((allow.near[0].because.as_str(), deny.near[0].because.as_str()), (why, why));
    }

    #[test]
    fn an_exception_that_cannot_be_filled_in_does_not_match() {
        let but = |effect| {
            format!(r#"{{"Effect": "{effect}", "Action": "*", "NotResource": ["a", "x/${{iot:DomainName}}"]}}"#)
        };
        for effect in ["Allow", "Deny"] {
            assert_eq!(decided(&but(effect), false, "iot:Publish", "y").outcome, Outcome::ImplicitDeny);
        }
    }
}
