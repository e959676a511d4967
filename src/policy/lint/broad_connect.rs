//! Whoever holds a certificate with this policy connects under any name.

use super::place::Part;
use super::rule::{Found, Rule, Severity};
use super::subject::{Subject, allows, names, resources, without_conditions};
use crate::policy::condition::Condition;
use crate::policy::document::{Document, Effect, Resources, Statement};
use crate::policy::pattern::{Pattern, Token};
use crate::policy::request::Connection;
use crate::policy::text::{quoted, short};
use crate::policy::variable::Variable;
use crate::policy::witness::Form;

pub(super) const BROAD_CONNECT: Rule = Rule {
    id: "broad-connect",
    severity: Severity::Critical,
    title: "any client id may connect",
    why: "Whoever steals one certificate connects under the name of every other device: the broker then hangs up on the \
          real one, and whatever is bound to the client id is the thief's. `client/${iot:ClientId}` says nothing, as the \
          client id is what the client says it is.",
    fix: "Allow `client/${iot:Connection.Thing.ThingName}` with the condition that \
          `iot:Connection.Thing.IsAttached` is `true`.",
    audit: Some("IOT_POLICY_OVERLY_PERMISSIVE_CHECK, ALLOWS_BROAD_ACCESS_TO_IOT_DATA_PLANE_ACTIONS"),
    bad: r#"{"Effect": "Allow", "Action": "iot:Connect", "Resource": "ARN:client/${iot:ClientId}"}"#,
    good: r#"{"Effect": "Allow", "Action": "iot:Connect", "Resource": "ARN:client/${iot:ClientId}",
 "Condition": {"Bool": {"iot:Connection.Thing.IsAttached": "true"}}}"#,
    check: |subject| check(subject, true),
};

pub(super) const CLIENT_ID_UNBOUND: Rule = Rule {
    id: "client-id-unbound",
    severity: Severity::Medium,
    title: "several client ids may connect, and nothing binds one to the certificate",
    why: "A device with this policy may take the client id of another one, which the broker then disconnects. Two \
          devices that do so by mistake throw each other out for ever.",
    fix: "Name one client id, or allow `client/${iot:Connection.Thing.ThingName}` with the condition that \
          `iot:Connection.Thing.IsAttached` is `true`.",
    audit: None,
    bad: r#"{"Effect": "Allow", "Action": "iot:Connect", "Resource": "ARN:client/sensor-*"}"#,
    good: r#"{"Effect": "Allow", "Action": "iot:Connect", "Resource": "ARN:client/sensor-*",
 "Condition": {"Bool": {"iot:Connection.Thing.IsAttached": "true"}}}"#,
    check: |subject| check(subject, false),
};

/// A client id that no policy has in mind.
const STRANGER: &str = "any-client-4711";

fn check(subject: &Subject<'_>, broad: bool) -> Vec<Found> {
    let document = without_conditions(subject.document, binds);
    let connects = document.statements.iter().filter(|s| s.effect == Effect::Allow && names(s, "iot:Connect"));
    // The same statement with its conditions as written, for its place.
    let placed = subject.allowing("iot:Connect");
    let pairs = placed.zip(connects);
    pairs.flat_map(|((index, _), statement)| of_statement(subject, &document, index, statement, broad)).collect()
}

/// Whether a condition looks at who connects.
fn binds(condition: &Condition) -> bool {
    use Variable::{Certificate, CertificateId, ClientId, IsAttached, ThingAttribute, ThingName, ThingTypeName};
    matches!(
        condition.key,
        ClientId | IsAttached | ThingName | ThingTypeName | ThingAttribute(_) | Certificate(_) | CertificateId
    )
}

fn of_statement(
    subject: &Subject<'_>,
    document: &Document,
    index: usize,
    statement: &Statement,
    broad: bool,
) -> Vec<Found> {
    if let Resources::AllBut(_) = statement.resources {
        let reach = reaches(subject, document, statement, STRANGER);
        return reach
            .filter(|_| broad)
            .map(|example| found(Part::Statement(index), "everything but its `NotResource`", example))
            .into_iter()
            .collect();
    }
    let mut all = Vec::new();
    for (part, pattern) in resources(index, statement) {
        let only = Statement { resources: Resources::Only(vec![pattern.clone()]), ..statement.clone() };
        let any = reaches(subject, document, &only, STRANGER);
        let some = || one_of_several(subject, pattern).and_then(|id| reaches(subject, document, &only, &id));
        let example = if broad {
            any
        } else if any.is_none() {
            some()
        } else {
            None
        };
        all.extend(example.map(|example| found(part, &quoted(&short(pattern.text())), example)));
    }
    all
}

/// The request by which a client that is attached to nothing connects through this statement.
fn reaches(subject: &Subject<'_>, document: &Document, statement: &Statement, client_id: &str) -> Option<String> {
    let stranger =
        Connection { client_id: Some(client_id.parse().ok()?), is_attached: Some(false), ..Connection::default() };
    let resource = format!("client/{client_id}");
    let alone = Document { statements: vec![statement.clone()] };
    let allowed = |document| allows(document, &stranger, "iot:Connect", &subject.arn(&resource));
    (allowed(&alone) && allowed(document)).then(|| format!("iot:Connect on {resource}, attached to no thing"))
}

/// A client id of a pattern that has more than one.
fn one_of_several(subject: &Subject<'_>, pattern: &Pattern) -> Option<String> {
    let wild = subject.tokens(pattern)?.iter().any(|token| matches!(token, Token::One | Token::Any));
    let covered = subject.covered(pattern, "client/?*", Form::Free)?;
    wild.then(|| covered.strip_prefix("client/").map(str::to_owned)).flatten()
}

fn found(part: Part, shown: &str, example: String) -> Found {
    Found {
        part,
        because: format!("{shown} lets a certificate connect that is attached to no thing, under a name of its choice"),
        fix: "allow `client/${iot:Connection.Thing.ThingName}`, on the condition `\"Bool\": \
              {\"iot:Connection.Thing.IsAttached\": \"true\"}`"
            .to_owned(),
        example: Some(example),
    }
}
