//! The actions of AWS IoT policies, and the type of resource that each is done to.
//!
//! Source: AWS IoT Developer Guide, "AWS IoT Core policy actions" and "AWS IoT Core action resources".

/// One action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Action {
    /// Such as `iot:Publish`.
    pub name: &'static str,
    /// Such as `topic`; `None` where the resource can only be `*`.
    pub resource: Option<&'static str>,
    /// Whether it is asked over HTTP only, where no client id and no thing are known.
    pub http_only: bool,
}

const fn mqtt(name: &'static str, resource: &'static str) -> Action {
    Action { name, resource: Some(resource), http_only: false }
}

const fn http(name: &'static str, resource: &'static str) -> Action {
    Action { name, resource: Some(resource), http_only: true }
}

/// All of them, MQTT's first.
pub const ACTIONS: [Action; 18] = [
    mqtt("iot:Connect", "client"),
    mqtt("iot:Publish", "topic"),
    mqtt("iot:RetainPublish", "topic"),
    mqtt("iot:Subscribe", "topicfilter"),
    mqtt("iot:Receive", "topic"),
    http("iot:GetRetainedMessage", "topic"),
    Action { name: "iot:ListRetainedMessages", resource: None, http_only: true },
    http("iot:DeleteConnection", "client"),
    http("iot:SendDirectMessage", "client"),
    http("iot:GetThingShadow", "thing"),
    http("iot:UpdateThingShadow", "thing"),
    http("iot:DeleteThingShadow", "thing"),
    http("iot:ListNamedShadowsForThing", "thing"),
    http("iotjobsdata:DescribeJobExecution", "thing"),
    http("iotjobsdata:GetPendingJobExecutions", "thing"),
    http("iotjobsdata:StartNextPendingJobExecution", "thing"),
    http("iotjobsdata:UpdateJobExecution", "thing"),
    http("iot:AssumeRoleWithCertificate", "rolealias"),
];

/// The types of resource that some action is done to.
pub const RESOURCE_TYPES: [&str; 5] = ["client", "topic", "topicfilter", "thing", "rolealias"];

/// The action of this name; `iot:` and letter case may be left out, and jobs may be spelled as they once were.
pub fn find(name: &str) -> Option<&'static Action> {
    let bare = |name: &str| name.rsplit(':').next().map(str::to_lowercase);
    ACTIONS.iter().find(|action| bare(action.name) == bare(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_found_however_people_write_it() {
        for name in ["iot:Publish", "Publish", "publish", "IOT:PUBLISH"] {
            assert_eq!(find(name).unwrap().name, "iot:Publish");
        }
        assert_eq!(find("iot:UpdateJobExecution").unwrap().name, "iotjobsdata:UpdateJobExecution");
        assert_eq!(find("iot:CreateThing"), None);
    }

    #[test]
    fn every_type_is_the_type_of_an_action_and_the_reverse() {
        for kind in RESOURCE_TYPES {
            assert!(ACTIONS.iter().any(|action| action.resource == Some(kind)), "{kind}");
        }
        assert!(ACTIONS.iter().filter_map(|action| action.resource).all(|kind| RESOURCE_TYPES.contains(&kind)));
    }
}
