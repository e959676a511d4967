//! What a case asks: an MQTT packet in short form, or one action.

use super::case::Case;
use crate::names::Arn;
use crate::policy::actions::{self, Action};
use crate::policy::checks::{self, Scope};
use crate::policy::facts;
use crate::policy::request::{Connection, Request};
use crate::topic::{TopicFilter, TopicName};

/// What is asked.
pub(super) enum Asked {
    Connect { will: Option<(TopicName, bool)> },
    Publish { topic: TopicName, retain: bool },
    Subscribe { filter: TopicFilter },
    Receive { topic: TopicName },
    Action { action: &'static Action, resource: String },
}

impl Asked {
    /// Reads it; fails with a sentence.
    pub(super) fn of(case: &Case) -> Result<Self, String> {
        let wrong = |sentence: String| format!("case `{}`: {sentence}", case.name);
        match (&case.packet, &case.action, &case.resource) {
            (Some(packet), None, None) => Self::packet(packet).map_err(wrong),
            (None, Some(action), Some(resource)) => {
                let action =
                    actions::find(action).ok_or_else(|| wrong(format!("`{action}` is no action of AWS IoT")))?;
                Ok(Self::Action { action, resource: resource.clone() })
            }
            _ => Err(format!("case `{}` has a `packet`, or an `action` and a `resource`", case.name)),
        }
    }

    fn packet(text: &str) -> Result<Self, String> {
        let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
        let (name, retain) = rest.strip_suffix(" retain").map_or((rest, false), |name| (name, true));
        let topic = || name.parse::<TopicName>().map_err(|e| e.message().to_owned());
        match (verb, retain) {
            ("CONNECT", _) if rest.is_empty() => Ok(Self::Connect { will: None }),
            ("CONNECT", retain) => match name.strip_prefix("will ") {
                Some(topic) => {
                    let topic = topic.parse::<TopicName>().map_err(|e| e.message().to_owned())?;
                    Ok(Self::Connect { will: Some((topic, retain)) })
                }
                None => Err(no_packet(text)),
            },
            ("PUBLISH", retain) => Ok(Self::Publish { topic: topic()?, retain }),
            ("RECEIVE", false) => Ok(Self::Receive { topic: topic()? }),
            ("SUBSCRIBE", false) => {
                let filter = name.parse::<TopicFilter>().map_err(|e| e.message().to_owned())?;
                Ok(Self::Subscribe { filter })
            }
            _ => Err(no_packet(text)),
        }
    }

    /// The will that it sets.
    pub(super) fn will(&self, scope: &Scope) -> Option<Arn> {
        match self {
            Self::Connect { will: Some((topic, _)) } => Some(facts::will(scope, topic)),
            _ => None,
        }
    }

    /// Every request that must be allowed for it.
    pub(super) fn requests(&self, scope: &Scope, connection: &Connection) -> Result<Vec<Request>, String> {
        Ok(match self {
            Self::Connect { will } => {
                let client_id = connection.client_id.as_ref().ok_or("CONNECT needs a `thing` or a `client_id`")?;
                let will = will.as_ref().map(|(topic, retain)| (topic.as_str(), *retain));
                checks::connect(scope, client_id.as_str(), will)
            }
            Self::Publish { topic, retain } => checks::publish(scope, topic.as_str(), *retain),
            Self::Subscribe { filter } => checks::subscribe(scope, filter.as_str()),
            Self::Receive { topic } => vec![checks::receive(scope, topic.as_str())],
            Self::Action { action, resource } => vec![scope.asked(action, resource)],
        })
    }
}

fn no_packet(text: &str) -> String {
    format!(
        "`{text}` is no packet; they are `CONNECT`, `CONNECT will TOPIC [retain]`, `PUBLISH TOPIC [retain]`, \
         `SUBSCRIBE FILTER` and `RECEIVE TOPIC`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests(packet: &str) -> Result<Vec<String>, String> {
        let scope = Scope {
            partition: "aws".into(),
            region: "us-east-1".parse().unwrap(),
            account: "123456789012".parse().unwrap(),
        };
        let connection = Connection { client_id: "d1".parse().ok(), ..Connection::default() };
        let all = Asked::packet(packet)?.requests(&scope, &connection)?;
        let short =
            |r: &Request| format!("{} {}", r.action, r.resource.replace("arn:aws:iot:us-east-1:123456789012:", ""));
        Ok(all.iter().map(short).collect())
    }

    #[test]
    fn a_packet_asks_for_what_the_broker_checks() {
        assert_eq!(requests("CONNECT").unwrap(), ["iot:Connect client/d1"]);
        assert_eq!(requests("CONNECT will a b").unwrap(), ["iot:Connect client/d1", "iot:Publish topic/a b"]);
        assert_eq!(requests("CONNECT will a retain").unwrap().len(), 3);
        assert_eq!(requests("PUBLISH a retain").unwrap(), ["iot:Publish topic/a", "iot:RetainPublish topic/a"]);
        assert_eq!(requests("SUBSCRIBE a/#").unwrap(), ["iot:Subscribe topicfilter/a/#"]);
        assert_eq!(requests("RECEIVE a").unwrap(), ["iot:Receive topic/a"]);
    }

    #[test]
    fn what_mqtt_forbids_is_no_packet() {
        for packet in ["PUBLISH a/#", "PUBLISH", "SUBSCRIBE a#", "RECEIVE +", "CONNECT now", "connect", ""] {
            assert!(requests(packet).is_err(), "{packet}");
        }
    }
}
