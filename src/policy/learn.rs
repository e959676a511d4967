//! The smallest policy that allows what was seen, and nothing else, with variables put back where they stood.
//!
//! Evidence is what devices did under a policy that let them. A level of a topic that is the device's own name becomes
//! `${iot:Connection.Thing.ThingName}`, so one policy serves them all. Levels are joined to `*` only where the caller says
//! how many different ones are evidence enough: a guess that widens a policy is nobody's to make but theirs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

mod observation;
mod resource;

pub use observation::Observation;
use resource::Resource;

/// What was learned: statements in the order of their actions, each with at least one observation of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Learned {
    statements: Vec<Statement>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Statement {
    actions: Vec<String>,
    resources: BTreeSet<Resource>,
    /// Every evidence is of a client id that is the name of its thing.
    attached: bool,
}

/// Learns from `observations`. `generalize` is how many different values of one level make it `*`.
pub fn learn<'a>(observations: impl IntoIterator<Item = &'a Observation>, generalize: Option<usize>) -> Learned {
    let mut by_action: BTreeMap<&str, BTreeSet<Resource>> = BTreeMap::new();
    for observation in observations {
        by_action.entry(&observation.action).or_default().extend(Resource::of(observation));
    }
    let mut statements: Vec<Statement> = Vec::new();
    for (action, found) in by_action {
        let resources = match generalize {
            Some(enough) => resource::generalized(found, enough),
            None => found,
        };
        let attached = action == "iot:Connect" && resources.iter().all(Resource::is_own_client);
        match statements.iter_mut().find(|s| s.resources == resources && s.attached == attached) {
            Some(alike) => alike.actions.push(action.to_owned()),
            None => statements.push(Statement { actions: vec![action.to_owned()], resources, attached }),
        }
    }
    Learned { statements }
}

impl Learned {
    /// How many statements there are.
    pub fn len(&self) -> usize {
        self.statements.len()
    }

    /// Whether nothing was seen.
    pub fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    /// The policy of one account and Region; `arn` is `arn:<partition>:iot:<region>:<account>`.
    pub fn document(&self, arn: &str) -> Value {
        let statements: Vec<Value> =
            self.statements.iter().map(|s| s.json(|resource| format!("{arn}:{resource}"))).collect();
        json!({"Version": "2012-10-17", "Statement": statements})
    }

    /// The policy as a template of `iotctl`, for any account and Region.
    pub fn template(&self) -> String {
        let statement = |s: &Statement| s.json(|resource| format!("{{{{ arn }}}}:{}", resource::quoted(resource)));
        let document =
            json!({"Version": "2012-10-17", "Statement": self.statements.iter().map(statement).collect::<Vec<_>>()});
        let arn = r#"{% set arn = "arn:" ~ partition ~ ":iot:" ~ region ~ ":" ~ account -%}"#;
        format!("{arn}\n{document:#}\n")
    }
}

impl Statement {
    fn json(&self, resource: impl Fn(&str) -> String) -> Value {
        let resources: Vec<String> = self.resources.iter().map(|found| resource(&found.text())).collect();
        let mut value = json!({
            "Sid": self.actions.iter().map(|action| action.trim_start_matches("iot:")).collect::<String>(),
            "Effect": "Allow",
            "Action": one_or_many(&self.actions),
            "Resource": one_or_many(&resources),
        });
        if self.attached {
            value["Condition"] = json!({"Bool": {"iot:Connection.Thing.IsAttached": "true"}});
        }
        value
    }
}

fn one_or_many(all: &[String]) -> Value {
    match all {
        [one] => json!(one),
        many => json!(many),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::document::Document;
    use crate::policy::engine::{Attached, decide};
    use crate::policy::request::{Connection, Request, ThingFacts};

    const ARN: &str = "arn:aws:iot:us-east-1:123456789012";

    fn seen(thing: &str, action: &str, resource: &str) -> Observation {
        Observation {
            client_id: thing.to_owned(),
            thing: Some(thing.to_owned()),
            action: format!("iot:{action}"),
            resource: format!("{ARN}:{resource}"),
        }
    }

    fn fleet() -> Vec<Observation> {
        let of = |thing: &str| {
            vec![
                seen(thing, "Connect", &format!("client/{thing}")),
                seen(thing, "Publish", &format!("topic/lab/{thing}/temperature")),
                seen(thing, "Publish", &format!("topic/lab/{thing}/humidity")),
                seen(thing, "Subscribe", &format!("topicfilter/lab/{thing}/+/set")),
                seen(thing, "Receive", &format!("topic/lab/{thing}/fan/set")),
            ]
        };
        [of("pump-1"), of("pump-2")].concat()
    }

    fn is_allowed(document: &Value, observation: &Observation) -> bool {
        let document = Document::parse("learned", &document.to_string()).unwrap();
        let connection = Connection {
            client_id: observation.client_id.parse().ok(),
            thing: observation.thing.clone().map(|name| ThingFacts { name, ..ThingFacts::default() }),
            is_attached: Some(observation.thing.is_some()),
            ..Connection::default()
        };
        let request = Request { action: observation.action.clone(), resource: observation.resource.clone() };
        let attached = Attached { name: "learned", document: &document, deny_only: false };
        decide(&[attached], &connection, &request).is_allowed()
    }

    #[test]
    fn the_device_s_own_name_becomes_a_variable_and_one_policy_serves_all() {
        let document = learn(&fleet(), None).document(ARN);
        let thing = "${iot:Connection.Thing.ThingName}";
        let wanted = json!({"Version": "2012-10-17", "Statement": [
            {"Sid": "Connect", "Effect": "Allow", "Action": "iot:Connect", "Resource": format!("{ARN}:client/{thing}"),
             "Condition": {"Bool": {"iot:Connection.Thing.IsAttached": "true"}}},
            {"Sid": "Publish", "Effect": "Allow", "Action": "iot:Publish",
             "Resource": [format!("{ARN}:topic/lab/{thing}/humidity"), format!("{ARN}:topic/lab/{thing}/temperature")]},
            {"Sid": "Receive", "Effect": "Allow", "Action": "iot:Receive", "Resource": format!("{ARN}:topic/lab/{thing}/fan/set")},
            {"Sid": "Subscribe", "Effect": "Allow", "Action": "iot:Subscribe",
             "Resource": format!("{ARN}:topicfilter/lab/{thing}/+/set")},
        ]});
        assert_eq!(document, wanted);
    }

    #[test]
    fn what_was_seen_is_allowed_and_without_any_one_statement_something_is_not() {
        let (fleet, learned) = (fleet(), learn(&fleet(), None));
        let whole = learned.document(ARN);
        assert!(fleet.iter().all(|observation| is_allowed(&whole, observation)));
        for left_out in 0..learned.len() {
            let mut less = whole.clone();
            less["Statement"].as_array_mut().unwrap().remove(left_out);
            assert!(!fleet.iter().all(|observation| is_allowed(&less, observation)), "statement {left_out} is idle");
        }
    }

    #[test]
    fn another_device_s_topic_stays_as_it_is() {
        let watcher = seen("watcher", "Receive", "topic/lab/pump-1/temperature");
        let document = learn([&watcher], None).document(ARN);
        assert_eq!(document["Statement"][0]["Resource"], watcher.resource);
    }

    #[test]
    fn without_a_thing_the_client_id_is_the_variable_and_nothing_is_said_of_attachment() {
        let gateway = |action: &str, resource: &str| Observation { thing: None, ..seen("gw", action, resource) };
        let document = learn(&[gateway("Connect", "client/gw"), gateway("Publish", "topic/gw/up")], None).document(ARN);
        assert_eq!(document["Statement"][0]["Resource"], format!("{ARN}:client/${{iot:ClientId}}"));
        assert_eq!(document["Statement"][0].get("Condition"), None);
        assert_eq!(document["Statement"][1]["Resource"], format!("{ARN}:topic/${{iot:ClientId}}/up"));
    }

    #[test]
    fn levels_are_joined_only_where_the_evidence_is_as_much_as_was_asked_for() {
        let resources = |enough: Option<usize>| {
            let publishes: Vec<_> = fleet().into_iter().filter(|o| o.action == "iot:Publish").collect();
            learn(&publishes, enough).document(ARN)["Statement"][0]["Resource"].clone()
        };
        assert_eq!(resources(None).as_array().unwrap().len(), 2);
        assert_eq!(resources(Some(3)).as_array().unwrap().len(), 2);
        assert_eq!(resources(Some(2)), format!("{ARN}:topic/lab/${{iot:Connection.Thing.ThingName}}/*"));
    }

    #[test]
    fn actions_on_the_same_resources_share_a_statement() {
        let both = [seen("a", "Publish", "topic/x"), seen("a", "Receive", "topic/x")];
        let document = learn(&both, None).document(ARN);
        assert_eq!(document["Statement"][0]["Action"], json!(["iot:Publish", "iot:Receive"]));
        assert_eq!(document["Statement"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn characters_that_mean_something_mean_themselves() {
        for topic in ["topic/a*b", "topic/a?b", "topic/${iot:ClientId}", "topic/{{ x }}/{% y %}/{# z #}"] {
            let observation = seen("a", "Publish", topic);
            let learned = learn([&observation], None);
            assert!(is_allowed(&learned.document(ARN), &observation), "{topic}");
            assert!(!is_allowed(&learned.document(ARN), &seen("a", "Publish", "topic/aXb")), "{topic}");
        }
    }

    #[test]
    fn nothing_seen_is_nothing_learned() {
        assert!(learn([], None).is_empty());
    }
}
