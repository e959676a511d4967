//! Shadows and jobs of every thing, by topic and over HTTP.

use super::place::Part;
use super::rule::{Found, Rule, Severity};
use super::subject::{Subject, resources};
use crate::policy::document::{Resources, Statement};
use crate::policy::pattern::{Pattern, Token};
use crate::policy::text::{quoted, short};
use crate::policy::walk::Places;
use crate::policy::witness::Form;

const AUDIT: Option<&str> = Some("IOT_POLICY_OVERLY_PERMISSIVE_CHECK, ALLOWS_BROAD_ACCESS_TO_IOT_DATA_PLANE_ACTIONS");

pub(super) const BROAD_PUBLISH: Rule = Rule {
    id: "broad-publish",
    severity: Severity::Critical,
    title: "may publish to the shadows and jobs of any thing",
    why: "One stolen certificate then changes or deletes the shadow of every device, and reports its jobs as done.",
    fix: "Put `${iot:Connection.Thing.ThingName}` where the name of the thing stands, and a first level of your own \
          before every other wildcard.",
    audit: AUDIT,
    bad: r#"{"Effect": "Allow", "Action": "iot:Publish", "Resource": "ARN:topic/$aws/things/*"}"#,
    good: r#"{"Effect": "Allow", "Action": "iot:Publish",
 "Resource": "ARN:topic/$aws/things/${iot:Connection.Thing.ThingName}/shadow/update"}"#,
    check: |subject| check(subject, &PUBLISH),
};

pub(super) const BROAD_SUBSCRIBE: Rule = Rule {
    id: "broad-subscribe",
    severity: Severity::Critical,
    title: "may subscribe to the shadows and jobs of any thing",
    why: "One stolen certificate then reads the state of every device. `+` and `#` of a filter are covered by `*` like \
          any other character, and `things/+/` allows to ask for all things at once.",
    fix: "Put `${iot:Connection.Thing.ThingName}` where the name of the thing stands, and a first level of your own \
          before every other wildcard.",
    audit: AUDIT,
    bad: r#"{"Effect": "Allow", "Action": ["iot:Subscribe", "iot:Receive"],
 "Resource": ["ARN:topicfilter/$aws/things/+/shadow/update", "ARN:topic/$aws/things/*"]}"#,
    good: r#"{"Effect": "Allow", "Action": ["iot:Subscribe", "iot:Receive"],
 "Resource": ["ARN:topicfilter/$aws/things/${iot:Connection.Thing.ThingName}/shadow/*", "ARN:topic/$aws/things/*"]}"#,
    check: |subject| check(subject, &SUBSCRIBE),
};

pub(super) const BROAD_THING_API: Rule = Rule {
    id: "broad-thing-api",
    severity: Severity::Critical,
    title: "may read or change the shadows and jobs of any thing over HTTP",
    why: "One stolen certificate then reads, changes or deletes the shadow of every device, or its jobs.",
    fix: "Name the things. Policy variables are no help here: over HTTP, thing and client id are not known.",
    audit: AUDIT,
    bad: r#"{"Effect": "Allow", "Action": "iot:UpdateThingShadow", "Resource": "ARN:thing/*"}"#,
    good: r#"{"Effect": "Allow", "Action": "iot:UpdateThingShadow", "Resource": "ARN:thing/pump-7"}"#,
    check: |subject| check(subject, &API),
};

/// Actions, where the name of the thing begins in their resources, and what may follow it.
struct Reach {
    actions: &'static [&'static str],
    before: &'static str,
    after: &'static [&'static str],
    form: Form,
}

const PUBLISH: Reach = Reach {
    actions: &["iot:Publish"],
    before: "topic/$aws/things/",
    after: &[
        "/shadow/update",
        "/shadow/delete",
        "/shadow/get",
        "/shadow/name/?*/update",
        "/jobs/start-next",
        "/jobs/?*/update",
        "/?*",
    ],
    form: Form::Topic,
};
const SUBSCRIBE: Reach = Reach {
    actions: &["iot:Subscribe"],
    before: "topicfilter/$aws/things/",
    after: &[
        "/shadow/update/accepted",
        "/shadow/update",
        "/shadow/get/accepted",
        "/shadow/#",
        "/jobs/notify",
        "/#",
        "/?*",
        "",
    ],
    form: Form::Filter,
};
const API: Reach = Reach {
    actions: &[
        "iot:GetThingShadow",
        "iot:UpdateThingShadow",
        "iot:DeleteThingShadow",
        "iotjobsdata:DescribeJobExecution",
        "iotjobsdata:GetPendingJobExecutions",
        "iotjobsdata:StartNextPendingJobExecution",
        "iotjobsdata:UpdateJobExecution",
    ],
    before: "thing/",
    after: &["", "/?*"],
    form: Form::Free,
};

/// Names of a thing that is not the device's: one, all by an MQTT wildcard, one that the pattern decides.
const OTHERS: [&str; 4] = ["other-thing", "+", "#", "?*"];

fn check(subject: &Subject<'_>, reach: &Reach) -> Vec<Found> {
    let mut all: Vec<Found> = Vec::new();
    for action in reach.actions {
        for (index, statement) in subject.allowing(action) {
            for (part, example) in of_statement(subject, reach, action, index, statement) {
                // Further actions of the same resource add nothing.
                if all.iter().all(|found| found.part != part) {
                    all.push(found(part, statement, action, example));
                }
            }
        }
    }
    all
}

fn of_statement(
    subject: &Subject<'_>,
    reach: &Reach,
    action: &str,
    index: usize,
    statement: &Statement,
) -> Vec<(Part, String)> {
    let Resources::AllBut(_) = statement.resources else {
        let wild = resources(index, statement).filter(|(_, pattern)| is_wild(subject, pattern, reach));
        return wild.filter_map(|(part, pattern)| Some((part, example(subject, reach, action, pattern)?))).collect();
    };
    let everything = Pattern::wildcard("*").ok();
    everything
        .and_then(|all| example(subject, reach, action, &all))
        .map(|e| (Part::Statement(index), e))
        .into_iter()
        .collect()
}

/// Whether a wildcard stands where the name of the thing does.
fn is_wild(subject: &Subject<'_>, pattern: &Pattern, reach: &Reach) -> bool {
    let Some(tokens) = subject.tokens(pattern) else { return false };
    let places = Places::after(&tokens, &subject.arn(reach.before));
    let mqtt = |token| reach.form == Form::Filter && matches!(token, Token::Char('+' | '#'));
    places.level_is_wild(&tokens) || places.next(&tokens).any(mqtt)
}

/// A resource of a thing that is not the device's, covered by the pattern and allowed by the whole document.
fn example(subject: &Subject<'_>, reach: &Reach, action: &str, pattern: &Pattern) -> Option<String> {
    let forms =
        OTHERS.iter().flat_map(|name| reach.after.iter().map(move |after| format!("{}{name}{after}", reach.before)));
    let mut covered = forms.filter_map(|form| subject.covered(pattern, &form, reach.form));
    covered.find(|resource| subject.allows(action, resource))
}

fn found(part: Part, statement: &Statement, action: &str, example: String) -> Found {
    let shown = match (&part, statement.resources.patterns()) {
        (Part::Value(_, _, at), patterns) => patterns.get(*at).map_or_else(String::new, |p| quoted(&short(p.text()))),
        _ => "everything but its `NotResource`".to_owned(),
    };
    let instead = match action {
        "iot:Publish" | "iot:Subscribe" => {
            "write `$aws/things/${iot:Connection.Thing.ThingName}/`, and the topics that the device uses"
        }
        _ => "name the things",
    };
    Found {
        part,
        because: format!("{action} on {shown} reaches every thing"),
        fix: instead.to_owned(),
        example: Some(format!("{action} on {example}")),
    }
}
