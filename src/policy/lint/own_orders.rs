//! Orders that a device could give to itself, and filters that its client id could become.

use super::rule::{Found, Rule, Severity};
use super::subject::{Subject, allows, resources};
use crate::policy::document::{Resources, Statement};
use crate::policy::fit::Fit;
use crate::policy::pattern::{Pattern, Token};
use crate::policy::request::Connection;
use crate::policy::text::{quoted, short};
use crate::policy::variable::Variable;
use crate::policy::witness::Form;

pub(super) const ORDERS_UNDER_DATA: Rule = Rule {
    id: "orders-under-data",
    severity: Severity::Low,
    title: "a wildcard for data covers the topic that orders come by",
    why: "A device that may publish to `data/pump-7/*` and takes orders from `data/pump-7/orders` may give them itself, \
          and whoever reads the data reads the orders too. The AWS whitepaper \"Designing MQTT Topics for AWS IoT Core\" \
          keeps telemetry and commands under prefixes of their own.",
    fix: "Give orders a prefix of their own, or name the data topics one by one.",
    audit: None,
    bad: r#"{"Effect": "Allow", "Action": "iot:Publish", "Resource": "ARN:topic/data/pump-7/*"},
{"Effect": "Allow", "Action": "iot:Subscribe", "Resource": "ARN:topicfilter/data/pump-7/orders"},
{"Effect": "Allow", "Action": "iot:Receive", "Resource": "ARN:topic/data/pump-7/orders"}"#,
    good: r#"{"Effect": "Allow", "Action": "iot:Publish", "Resource": "ARN:topic/data/pump-7/*"},
{"Effect": "Allow", "Action": "iot:Subscribe", "Resource": "ARN:topicfilter/orders/pump-7"},
{"Effect": "Allow", "Action": "iot:Receive", "Resource": "ARN:topic/orders/pump-7"}"#,
    check: orders_under_data,
};

pub(super) const CLIENT_ID_IN_FILTER: Rule = Rule {
    id: "client-id-in-filter",
    severity: Severity::Medium,
    title: "a client that calls itself `+` subscribes to the topics of all",
    why: "`topicfilter/orders/${iot:ClientId}` looks like one topic per client. But the client chooses its id, and one \
          that connects as `+` subscribes to `orders/+`: the orders of every device (AWS IoT Developer Guide, \
          \"Publish/Subscribe policy examples\").",
    fix: "Bind the client id: allow `client/${iot:Connection.Thing.ThingName}` with the condition that \
          `iot:Connection.Thing.IsAttached` is `true`. The name of a thing holds no `+`.",
    audit: None,
    bad: r#"{"Effect": "Allow", "Action": "iot:Connect", "Resource": "ARN:client/*"},
{"Effect": "Allow", "Action": "iot:Subscribe", "Resource": "ARN:topicfilter/orders/${iot:ClientId}/*"},
{"Effect": "Allow", "Action": "iot:Receive", "Resource": "ARN:topic/orders/${iot:ClientId}/*"}"#,
    good: r#"{"Effect": "Allow", "Action": "iot:Connect", "Resource": "ARN:client/${iot:Connection.Thing.ThingName}",
 "Condition": {"Bool": {"iot:Connection.Thing.IsAttached": "true"}}},
{"Effect": "Allow", "Action": "iot:Subscribe", "Resource": "ARN:topicfilter/orders/${iot:ClientId}/*"},
{"Effect": "Allow", "Action": "iot:Receive", "Resource": "ARN:topic/orders/${iot:ClientId}/*"}"#,
    check: client_id_in_filter,
};

fn orders_under_data(subject: &Subject<'_>) -> Vec<Found> {
    let named = |(index, statement): (usize, &'_ Statement)| match &statement.resources {
        Resources::Only(patterns) => patterns.iter().cloned().map(|p| (index, p)).collect(),
        Resources::AllBut(_) => Vec::new(),
    };
    let orders: Vec<(usize, Pattern)> = subject.allowing("iot:Receive").flat_map(named).collect();
    let publishes = subject.allowing("iot:Publish").filter(|(_, s)| matches!(s.resources, Resources::Only(_)));
    let wild = publishes.flat_map(|(index, s)| resources(index, s)).filter(|(_, p)| is_wild(subject, p));
    let found = wild.filter_map(|(part, data)| {
        let covered = orders.iter().filter(|(_, order)| !is_wild(subject, order) && order.text() != data.text());
        let topic = covered.filter_map(|(_, order)| own(subject, order)).find(|topic| {
            let arn = subject.arn(topic);
            data.fit(&subject.device, &arn) == Fit::Yes && subject.allows("iot:Publish", topic)
        })?;
        Some(Found {
            part,
            because: format!(
                "{} covers {}, by which this device receives",
                quoted(&short(data.text())),
                quoted(&topic)
            ),
            fix: "give orders a prefix of their own".to_owned(),
            example: Some(format!("iot:Publish on {topic}")),
        })
    });
    found.collect()
}

fn is_wild(subject: &Subject<'_>, pattern: &Pattern) -> bool {
    let wild = |token: &Token| matches!(token, Token::One | Token::Any);
    subject.tokens(pattern).is_none_or(|tokens| tokens.iter().any(wild))
}

/// The one topic of a pattern without wildcards, unless it is the service's.
fn own(subject: &Subject<'_>, order: &Pattern) -> Option<String> {
    subject.covered(order, "topic/?*", Form::Topic).filter(|topic| !topic.starts_with("topic/$"))
}

fn client_id_in_filter(subject: &Subject<'_>) -> Vec<Found> {
    let plus = Connection { client_id: "+".parse().ok(), is_attached: Some(false), ..Connection::default() };
    if !allows(subject.document, &plus, "iot:Connect", &subject.arn("client/+")) {
        return Vec::new();
    }
    let named = subject.allowing("iot:Subscribe").flat_map(|(index, statement)| resources(index, statement));
    let by_client = named.filter(|(_, pattern)| pattern.variables().any(|v| *v == Variable::ClientId));
    by_client
        .map(|(part, pattern)| Found {
            part,
            because: format!(
                "a client named `+` asks for {}",
                quoted(&short(&pattern.text().replace("${iot:ClientId}", "+")))
            ),
            fix: "bind the client id to the thing".to_owned(),
            example: Some("iot:Connect on client/+".to_owned()),
        })
        .collect()
}
