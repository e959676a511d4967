//! What is wrong with a policy document: rules that prove what they say with a request, decided by the engine.
//!
//! Two audit checks of AWS IoT Device Defender are here in full (`Rule::audit`); it runs them after the fact, this
//! before. Sources: AWS IoT Device Defender Developer Guide, "AWS IoT policies overly permissive" and "AWS IoT policy
//! potentially misconfigured"; AWS IoT Developer Guide, the pages named in the rules.

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::document::{Document, MAX_LENGTH, counted_length};
use super::text::printable;

mod attached;
mod broad_connect;
mod broad_things;
mod companions;
mod deny_bypass;
mod deny_wildcard;
mod limits;
mod mqtt_wildcard;
mod own_orders;
mod place;
mod resource_type;
mod rule;
pub mod sarif;
mod shadow;
mod subject;
mod variables;

pub use place::{Part, Place};
pub use rule::{Rule, Severity};

/// Longer documents, eight times what AWS takes, are told their length and nothing else.
const MOST_LINTED: usize = 8 * MAX_LENGTH;

/// Every rule, the worst first.
pub const RULES: [&Rule; 22] = [
    &broad_connect::BROAD_CONNECT,
    &broad_things::BROAD_PUBLISH,
    &broad_things::BROAD_SUBSCRIBE,
    &broad_things::BROAD_THING_API,
    &resource_type::WRONG_RESOURCE_TYPE,
    &resource_type::UNKNOWN_ACTION,
    &mqtt_wildcard::MQTT_WILDCARD_IN_TOPIC,
    &variables::VARIABLE_WITHOUT_VALUE,
    &variables::DENY_ON_VARIABLE,
    &limits::TOO_LONG,
    &deny_wildcard::DENY_MQTT_WILDCARD,
    &deny_bypass::DENY_FILTER_BYPASS,
    &broad_connect::CLIENT_ID_UNBOUND,
    &own_orders::CLIENT_ID_IN_FILTER,
    &attached::THING_NAME_WITHOUT_ATTACHED,
    &shadow::SHADOW_WILDCARD,
    &companions::SUBSCRIBE_WITHOUT_RECEIVE,
    &companions::RETAIN_WITHOUT_PUBLISH,
    &limits::TOPIC_OVER_LIMITS,
    &companions::RECEIVE_WITHOUT_SUBSCRIBE,
    &own_orders::ORDERS_UNDER_DATA,
    &companions::CONNECT_MISSING,
];

/// One thing that is wrong, and where.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The rule that found it.
    pub rule: &'static Rule,
    /// Which part of the document.
    pub part: Part,
    /// Where that part begins.
    pub place: Place,
    /// What is wrong with it.
    pub because: String,
    /// What to write instead.
    pub fix: String,
    /// A request that shows it.
    pub example: Option<String>,
}

/// Everything that the rules find in `document`, which was read from `text`; in the order of the text.
pub fn lint(document: &Document, text: &str) -> Vec<Finding> {
    let subject = subject::Subject::new(document, text);
    let places = place::Places::new(text);
    let whole = counted_length(text) <= MOST_LINTED;
    let rules = RULES.into_iter().filter(|rule| whole || rule.id == limits::TOO_LONG.id);
    let all = rules.flat_map(|rule| (rule.check)(&subject).into_iter().map(move |found| (rule, found)));
    let mut findings: Vec<Finding> = all
        .map(|(rule, found)| {
            let rule::Found { part, because, fix, example } = found;
            let example = example.map(|example| printable(&example));
            Finding { rule, place: places.of(&part), part, because, fix, example }
        })
        .collect();
    findings.sort_by_key(|finding| (finding.place, std::cmp::Reverse(finding.rule.severity)));
    findings
}

/// The rule of this id.
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.into_iter().find(|rule| rule.id == id)
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_struct("Finding", 9)?;
        members.serialize_field("id", self.rule.id)?;
        members.serialize_field("severity", &self.rule.severity)?;
        members.serialize_field("line", &self.place.line)?;
        members.serialize_field("column", &self.place.column)?;
        members.serialize_field("statement", &self.part.statement())?;
        members.serialize_field("because", &self.because)?;
        members.serialize_field("fix", &self.fix)?;
        members.serialize_field("example", &self.example)?;
        members.serialize_field("audit", &self.rule.audit)?;
        members.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(statements: &str) -> Vec<Finding> {
        let text = Rule::document(statements);
        lint(&Document::parse("example", &text).unwrap(), &text)
    }

    #[test]
    fn every_rule_finds_its_bad_example_and_not_its_good_one() {
        let mut wrong = Vec::new();
        for rule in RULES {
            let bad = match rule.bad {
                "" => rule.good.replace("pump-7", &"x".repeat(2048)),
                bad => bad.to_owned(),
            };
            let finds = |finding: &Finding| finding.rule.id == rule.id;
            let (bad, good) = (found(&bad), found(rule.good));
            if !bad.iter().any(finds) || good.iter().any(|one| finds(one) || one.rule.severity > Severity::Low) {
                let ids = |all: &[Finding]| all.iter().map(|one| one.rule.id).collect::<Vec<_>>().join(", ");
                wrong.push(format!("{}: bad [{}], good [{}]", rule.id, ids(&bad), ids(&good)));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn rules_have_names_of_their_own_and_stand_by_severity() {
        let ids: std::collections::BTreeSet<&str> = RULES.iter().map(|rule| rule.id).collect();
        assert_eq!(ids.len(), RULES.len());
        assert!(RULES.is_sorted_by_key(|rule| std::cmp::Reverse(rule.severity)));
    }

    #[test]
    fn everything_on_everything_is_critical_four_times() {
        let findings = found(r#"{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}"#);
        let critical = findings.iter().filter(|finding| finding.rule.severity == Severity::Critical);
        let ids: Vec<&str> = critical.map(|finding| finding.rule.id).collect();
        assert_eq!(ids, ["broad-connect", "broad-publish", "broad-subscribe", "broad-thing-api"]);
    }

    #[test]
    fn a_document_of_a_hundred_thousand_characters_is_told_its_length_only() {
        let long = format!(r#"{{"Effect": "Allow", "Action": "iot:*", "Resource": "*{}"}}"#, "x".repeat(100_000));
        let ids: Vec<&str> = found(&long).iter().map(|finding| finding.rule.id).collect();
        assert_eq!(ids, ["too-long"]);
    }
}
