//! What AWS IoT checks for each MQTT packet: the requests, in order, that must all be allowed.
//!
//! Source: AWS IoT Developer Guide, "AWS IoT Core policy actions" and "AWS IoT Core action resources".

use super::actions::{Action, RESOURCE_TYPES};
use super::request::Request;
use crate::names::{AccountId, Arn, Region};

/// What all ARNs of a broker share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: String,
    /// The Region of the broker.
    pub region: Region,
    /// The account of the client.
    pub account: AccountId,
}

impl Scope {
    /// The scope of an object with this ARN.
    pub fn of(arn: &Arn) -> Self {
        Self { partition: arn.partition.clone(), region: arn.region.clone(), account: arn.account.clone() }
    }

    /// The request for a resource as people write it: an ARN, `*`, `topic/a/b`, or just `a/b` of the action's own type.
    pub fn asked(&self, action: &Action, resource: &str) -> Request {
        let typed = |kind: &&&str| resource.strip_prefix(**kind).is_some_and(|rest| rest.starts_with('/'));
        let Some(own) = action.resource.filter(|_| resource != "*" && !resource.starts_with("arn:")) else {
            return Request { action: action.name.to_owned(), resource: resource.to_owned() };
        };
        match RESOURCE_TYPES.iter().find(typed) {
            Some(kind) => self.request(action.name, kind, resource.get(kind.len() + 1..).unwrap_or_default()),
            None => self.request(action.name, own, resource),
        }
    }

    fn request(&self, action: &str, kind: &str, name: &str) -> Request {
        let Self { partition, region, account } = self;
        let resource = format!("arn:{partition}:iot:{region}:{account}:{kind}/{name}");
        Request { action: action.to_owned(), resource }
    }
}

/// CONNECT: the client id, and what the broker will publish should the client be lost (`will`: topic and RETAIN).
pub fn connect(scope: &Scope, client_id: &str, will: Option<(&str, bool)>) -> Vec<Request> {
    let mut all = vec![scope.request("iot:Connect", "client", client_id)];
    if let Some((topic, retain)) = will {
        all.extend(publish(scope, topic, retain));
    }
    all
}

/// PUBLISH: a retained message needs `iot:RetainPublish` as well.
pub fn publish(scope: &Scope, topic: &str, retain: bool) -> Vec<Request> {
    let actions: &[&str] = if retain { &["iot:Publish", "iot:RetainPublish"] } else { &["iot:Publish"] };
    actions.iter().map(|action| scope.request(action, "topic", topic)).collect()
}

/// One filter of a SUBSCRIBE, as text. Which text of a shared subscription AWS looks at is not documented: both the
/// whole `$share/<group>/<filter>` and the filter alone must be allowed.
pub fn subscribe(scope: &Scope, filter: &str) -> Vec<Request> {
    let shared = filter.strip_prefix("$share/").and_then(|rest| rest.split_once('/')).map(|(_, filter)| filter);
    let texts = [Some(filter), shared];
    texts.into_iter().flatten().map(|text| scope.request("iot:Subscribe", "topicfilter", text)).collect()
}

/// One delivery: the topic the message was published to, whatever filter it came by.
pub fn receive(scope: &Scope, topic: &str) -> Request {
    scope.request("iot:Receive", "topic", topic)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope() -> Scope {
        Scope {
            partition: "aws".into(),
            region: "us-east-1".parse().unwrap(),
            account: "123456789012".parse().unwrap(),
        }
    }

    fn short(requests: &[Request]) -> Vec<String> {
        let prefix = "arn:aws:iot:us-east-1:123456789012:";
        requests.iter().map(|r| format!("{} {}", r.action, r.resource.strip_prefix(prefix).unwrap())).collect()
    }

    #[test]
    fn a_will_is_checked_like_a_publish_after_the_client_id() {
        assert_eq!(short(&connect(&scope(), "d1", None)), ["iot:Connect client/d1"]);
        assert_eq!(
            short(&connect(&scope(), "d1", Some(("will/d1", true)))),
            ["iot:Connect client/d1", "iot:Publish topic/will/d1", "iot:RetainPublish topic/will/d1"]
        );
    }

    #[test]
    fn a_resource_is_completed_by_the_type_of_its_action() {
        let asked = |action: &str, resource: &str| {
            let request = scope().asked(crate::policy::actions::find(action).unwrap(), resource);
            request.resource.replace("arn:aws:iot:us-east-1:123456789012:", "")
        };
        assert_eq!(asked("Publish", "a/b"), "topic/a/b");
        assert_eq!(asked("Publish", "topic/a/b"), "topic/a/b");
        assert_eq!(asked("Publish", "topicfilter/a"), "topicfilter/a");
        assert_eq!(asked("Subscribe", "topics/#"), "topicfilter/topics/#");
        assert_eq!(asked("Connect", "pump-7"), "client/pump-7");
        assert_eq!(asked("Publish", "arn:aws:iot:eu-west-1:1:topic/a"), "arn:aws:iot:eu-west-1:1:topic/a");
        assert_eq!(asked("ListRetainedMessages", "*"), "*");
    }

    #[test]
    fn retain_asks_for_more() {
        assert_eq!(short(&publish(&scope(), "a", false)), ["iot:Publish topic/a"]);
        assert_eq!(short(&publish(&scope(), "a", true)), ["iot:Publish topic/a", "iot:RetainPublish topic/a"]);
    }

    #[test]
    fn a_shared_subscription_needs_both_forms() {
        assert_eq!(short(&subscribe(&scope(), "a/#")), ["iot:Subscribe topicfilter/a/#"]);
        assert_eq!(
            short(&subscribe(&scope(), "$share/g/jobs/q")),
            ["iot:Subscribe topicfilter/$share/g/jobs/q", "iot:Subscribe topicfilter/jobs/q"]
        );
    }

    #[test]
    fn deliveries_name_the_concrete_topic() {
        assert_eq!(short(&[receive(&scope(), "a/b")]), ["iot:Receive topic/a/b"]);
    }
}
