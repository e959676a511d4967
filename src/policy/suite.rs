//! Cases that policies must decide as expected: the file of `iotctl policy test`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::association::GroupPolicies;
use super::checks::Scope;
use super::decision::{Decision, Outcome};
use super::document::Document;
use super::engine::{Attached, decide};
use super::facts::Facts;
use crate::error::{Error, Result};
use crate::names::{AccountId, Region, ThingName};

mod asked;
mod case;
mod expect;
pub mod junit;

use asked::Asked;
pub use case::{Case, Source};
pub use expect::Expect;

/// A certificate takes as many policies, a thing group the other (AWS IoT Core quotas).
const MOST_OF_CERTIFICATE: usize = 10;
const MOST_OF_GROUP: usize = 2;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// Region of the ARNs.
    pub region: Option<Region>,
    /// Account of the ARNs.
    pub account: Option<AccountId>,
    /// Partition of the ARNs.
    pub partition: Option<String>,
    /// The policies under test.
    #[serde(default, rename = "policy")]
    pub policies: Vec<Source>,
    /// What is known of the device, unless a case says otherwise.
    #[serde(default)]
    pub device: Facts,
    /// The cases.
    #[serde(rename = "case")]
    pub cases: Vec<Case>,
}

/// A policy under test.
#[derive(Debug)]
pub struct Tested {
    /// Its name.
    pub name: String,
    /// Its statements.
    pub document: Document,
    /// The thing group it is attached to; else the certificate.
    pub group: Option<ThingName>,
}

/// What came of a case.
#[derive(Debug, Serialize)]
pub struct Verdict {
    /// Name of the case.
    pub name: String,
    /// What was expected.
    pub expect: Expect,
    /// What was decided, all requests together.
    pub outcome: Outcome,
    /// Whether that is what was expected.
    pub passed: bool,
    /// Each request with its decision; a packet makes one to three.
    pub decisions: Vec<Decision>,
}

impl Suite {
    /// Reads a suite; `origin` is its path.
    ///
    /// # Errors
    ///
    /// `BadInput`, with line and column, for what is no suite.
    pub fn parse(origin: &str, text: &str) -> Result<Self> {
        let suite: Self = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let before = text.get(..at).unwrap_or(text);
            let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
            let line = before.matches('\n').count() + 1;
            let sentence = error.message().trim_end();
            Error::bad_input(format!("suite `{origin}`, line {line}, column {column}: {sentence}"))
                .hint("iotctl policy test --help shows a suite")
        })?;
        suite.check().map_err(|sentence| Error::bad_input(format!("suite `{origin}`: {sentence}")))?;
        Ok(suite)
    }

    fn check(&self) -> Result<(), String> {
        for source in &self.policies {
            if source.file.is_some() == source.template.is_some() {
                return Err("each `[[policy]]` has a `file` or a `template`".to_owned());
            }
        }
        self.cases.iter().try_for_each(|case| Asked::of(case).map(drop))
    }

    /// Decides every case under `policies`.
    ///
    /// # Errors
    ///
    /// `BadInput` where more policies are attached than AWS takes.
    pub fn run(&self, policies: &[Tested], scope: &Scope) -> Result<Vec<Verdict>> {
        check_counts(policies)?;
        self.cases.iter().map(|case| self.run_case(case, policies, scope)).collect()
    }

    fn run_case(&self, case: &Case, policies: &[Tested], scope: &Scope) -> Result<Verdict> {
        let asked = Asked::of(case).map_err(Error::bad_input)?;
        let facts = case.facts.clone().over(&self.device);
        let mut connection = facts.connection(scope);
        connection.last_will = asked.will(scope).or(connection.last_will);
        let of_groups = connection.group_policies();
        let attached = policies.iter().filter_map(|tested| {
            let deny_only = match &tested.group {
                None => false,
                Some(group) if facts.groups.contains(group) && of_groups != GroupPolicies::None => {
                    of_groups == GroupPolicies::DenyOnly
                }
                Some(_) => return None,
            };
            Some(Attached { name: &tested.name, document: &tested.document, deny_only })
        });
        let attached: Vec<Attached<'_>> = attached.collect();
        let requests = asked
            .requests(scope, &connection)
            .map_err(|sentence| Error::bad_input(format!("case `{}`: {sentence}", case.name)))?;
        let decisions: Vec<Decision> = requests.iter().map(|request| decide(&attached, &connection, request)).collect();
        let outcome = together(&decisions);
        let passed = case.expect.is_met_by(outcome);
        Ok(Verdict { name: case.name.clone(), expect: case.expect, outcome, passed, decisions })
    }
}

/// One explicit Deny is the answer to a packet, else one implicit.
fn together(decisions: &[Decision]) -> Outcome {
    let any = |outcome| decisions.iter().any(|decision| decision.outcome == outcome).then_some(outcome);
    any(Outcome::ExplicitDeny).or_else(|| any(Outcome::ImplicitDeny)).unwrap_or(Outcome::Allowed)
}

fn check_counts(policies: &[Tested]) -> Result<()> {
    let mut counts: BTreeMap<Option<&ThingName>, usize> = BTreeMap::new();
    for policy in policies {
        *counts.entry(policy.group.as_ref()).or_default() += 1;
    }
    for (group, count) in counts {
        let (what, most) = match group {
            None => ("a certificate".to_owned(), MOST_OF_CERTIFICATE),
            Some(group) => (format!("thing group `{group}`"), MOST_OF_GROUP),
        };
        if count > most {
            return Err(Error::bad_input(format!("{count} policies for {what}; AWS IoT takes at most {most}")));
        }
    }
    Ok(())
}

impl Verdict {
    /// What was expected and what came of it.
    pub fn headline(&self) -> String {
        format!("expected {}, but it is {}", self.expect, self.outcome.name())
    }

    /// Why it is not what was expected: the decision that is to blame, explained.
    pub fn explain(&self) -> String {
        let to_blame = self.decisions.iter().find(|decision| decision.outcome == self.outcome);
        to_blame.or(self.decisions.last()).map_or_else(String::new, Decision::explain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF_A_GROUP: &str = r#"{"Version": "2012-10-17", "Statement":
        {"Effect": "Deny", "Action": "*", "Resource": "*"}}"#;

    fn outcomes(text: &str, tested: &[Tested]) -> Vec<Outcome> {
        let scope = Scope {
            partition: "aws".into(),
            region: "us-east-1".parse().unwrap(),
            account: "123456789012".parse().unwrap(),
        };
        let verdicts = Suite::parse("s.toml", text).unwrap().run(tested, &scope).unwrap();
        verdicts.iter().map(|verdict| verdict.outcome).collect()
    }

    fn tested(json: &str, group: Option<&str>) -> Tested {
        let group = group.map(|group| group.parse().unwrap());
        Tested { name: "p".into(), document: Document::parse("p", json).unwrap(), group }
    }

    #[test]
    fn the_policy_of_a_group_counts_for_its_things_only() {
        let all = OF_A_GROUP.replace("Deny", "Allow");
        let policies = [tested(&all, None), tested(OF_A_GROUP, Some("line22"))];
        let case = |more: &str| {
            format!("[device]\nthing = 'a'\n[[case]]\nname = 'x'\nexpect = 'deny'\npacket = 'PUBLISH t'\n{more}")
        };
        assert_eq!(outcomes(&case("as.groups = ['line22']"), &policies), [Outcome::ExplicitDeny]);
        assert_eq!(outcomes(&case("as.groups = ['other']"), &policies), [Outcome::Allowed]);
        assert_eq!(outcomes(&case("as = { groups = ['line22'], client_id = 'b' }"), &policies), [Outcome::Allowed]);
    }

    #[test]
    fn more_policies_than_a_group_takes_are_refused() {
        let policies = [0; 3].map(|_| tested(OF_A_GROUP, Some("line22")));
        let error = check_counts(&policies).unwrap_err();
        assert_eq!(error.message(), "3 policies for thing group `line22`; AWS IoT takes at most 2");
    }

    #[test]
    fn what_is_no_suite_is_refused_with_its_place() {
        for (text, sentence) in [
            ("[[case]]\nname = 3", "suite `s.toml`, line 2, column 8: invalid type: integer `3`, expected a string"),
            ("[[case]]\nname = 'x'\nexpect = 'yes'", "line 3, column 10"),
            ("cases = []", "line 1, column 1: unknown field `cases`"),
            ("[[case]]\nname = 'x'\nexpect = 'deny'", "case `x` has a `packet`, or an `action` and a `resource`"),
            ("[[case]]\nname='x'\nexpect='deny'\npacket='SHOUT a'", "case `x`: `SHOUT a` is no packet"),
            ("[[case]]\nname='x'\nexpect='deny'\naction='iot:publish2'\nresource='a'", "`iot:publish2` is no action"),
            ("[[policy]]\n[[case]]\nname='x'\nexpect='deny'\npacket='CONNECT'", "has a `file` or a `template`"),
        ] {
            let error = Suite::parse("s.toml", text).unwrap_err();
            assert!(error.message().contains(sentence), "{error}");
        }
    }
}
