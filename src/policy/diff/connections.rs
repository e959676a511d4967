//! Connections that tell two documents apart, made from what the documents name.

use crate::names::Arn;
use crate::policy::actions::Action;
use crate::policy::condition::{Condition, Test};
use crate::policy::document::Document;
use crate::policy::pattern::{Pattern, Token};
use crate::policy::request::{Connection, ThingFacts};
use crate::policy::sample::{DEVICE, device};
use crate::policy::variable::Variable;
use crate::policy::witness::{Form, meet};

/// More connections are not made: a policy that AWS takes has no room for as many conditions.
const MOST: usize = 96;
/// Client id of a device whose thing has another name.
const GATEWAY: &str = "gateway-1";

/// A connection, and how it came about.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) connection: Connection,
    /// The kind of it, in words.
    kind: &'static str,
    /// Facts that were set for the sake of a condition: key and value.
    facts: Vec<(String, String)>,
}

impl Made {
    fn new(kind: &'static str, connection: Connection) -> Self {
        Self { connection, kind, facts: Vec::new() }
    }

    pub(super) fn is_http(&self) -> bool {
        self.connection.client_id.is_none()
    }

    /// The same, with `key` of the value; no value takes it away.
    fn with(&self, key: &Variable, value: Option<&str>) -> Self {
        let mut made = self.clone();
        set(&mut made.connection, key, value);
        made.facts.retain(|(known, _)| *known != key.to_string());
        made.facts.push((key.to_string(), value.map_or("no value".to_owned(), |value| format!("`{value}`"))));
        made
    }

    /// Every resource of the action that this connection can ask for.
    pub(super) fn universe(&self, action: &Action, scope: &str) -> Vec<Token> {
        let kind = action.resource.unwrap_or("*");
        let own =
            self.connection.client_id.as_ref().filter(|_| self.is_named_by_thing() && action.name == "iot:Connect");
        let front = if action.resource.is_some() { format!("{scope}:{kind}/") } else { String::new() };
        let mut tokens: Vec<Token> = front.chars().map(Token::Char).collect();
        match own {
            Some(own) => tokens.extend(own.as_str().chars().map(Token::Char)),
            // A request on all has the resource `*`.
            None if action.resource.is_none() => tokens.push(Token::Char('*')),
            None => tokens.extend([Token::One, Token::Any]),
        }
        tokens
    }

    fn is_named_by_thing(&self) -> bool {
        let Connection { thing, client_id, .. } = &self.connection;
        thing.as_ref().zip(client_id.as_ref()).is_some_and(|(thing, id)| thing.name == id.as_str())
    }

    /// The connection that asks for `resource`: who connects is who the resource names.
    pub(super) fn asking(&self, action: &Action, resource: &str) -> Connection {
        let mut connection = self.connection.clone();
        let name = resource.split_once(":client/").map(|(_, name)| name).filter(|_| action.name == "iot:Connect");
        if let Some(id) = name.and_then(|name| name.parse().ok()) {
            connection.client_id = Some(id);
        }
        connection
    }

    /// Who asks, for people.
    pub(super) fn words(&self, connection: &Connection) -> String {
        let id = connection.client_id.as_ref().map_or(String::new(), |id| format!(" `{id}`"));
        let facts: Vec<String> = self.facts.iter().map(|(key, value)| format!("{key} {value}")).collect();
        let with = if facts.is_empty() { String::new() } else { format!(", with {}", facts.join(", ")) };
        self.kind.replacen("{}", &id, 1) + &with
    }
}

/// The four kinds of connection, and on top of them what conditions ask for.
pub(super) fn all(documents: [&Document; 2]) -> Vec<Made> {
    let attached = device(documents);
    let mut stranger = Connection { thing: None, is_attached: Some(false), ..attached.clone() };
    stranger.certificate.clear();
    let gateway = Connection { client_id: GATEWAY.parse().ok(), ..attached.clone() };
    let http = Connection { client_id: None, thing: None, is_attached: None, ..attached.clone() };
    let mut all = vec![
        Made::new("client{}, attached to its thing", attached),
        Made::new("client{}, attached to no thing", stranger),
        Made::new("client{}, attached exclusively to thing `device-1`", gateway),
        Made::new("a request over HTTP", http),
    ];
    for base in all.clone() {
        all.extend(by_conditions(&base, &asked(documents, &base.connection)));
    }
    all.truncate(MOST);
    all
}

/// Each key that a condition looks at, with values that tell the conditions apart.
fn asked(documents: [&Document; 2], connection: &Connection) -> Vec<(Variable, Vec<Option<String>>)> {
    let mut all: Vec<(Variable, Vec<Option<String>>)> = Vec::new();
    let statements = documents.into_iter().flat_map(|document| &document.statements);
    for condition in statements.flat_map(|statement| &statement.conditions) {
        let values = values(condition, connection);
        match all.iter_mut().find(|(key, _)| *key == condition.key) {
            Some((_, known)) => {
                let new: Vec<_> = values.into_iter().filter(|value| !known.contains(value)).collect();
                known.extend(new);
            }
            None => all.push((condition.key.clone(), values)),
        }
    }
    all
}

/// Values that satisfy the condition, and that do not.
fn values(condition: &Condition, connection: &Connection) -> Vec<Option<String>> {
    if condition.key == Variable::ConnectAttributes {
        return ["PersistentConnect", "LastWill", "PersistentConnect,LastWill"].map(|v| Some(v.to_owned())).to_vec();
    }
    let texts = condition.values.iter().filter_map(|value| concrete(value, connection));
    let near = |text: String| match condition.operator.test {
        Test::Address => vec![text.split('/').next().unwrap_or_default().to_owned(), "203.0.113.9".to_owned()],
        Test::Number(_) => number_and_neighbours(&text),
        _ => vec![text.clone(), text + "x"],
    };
    let mut all: Vec<Option<String>> = texts.flat_map(near).map(Some).collect();
    all.push(None);
    all
}

fn number_and_neighbours(text: &str) -> Vec<String> {
    let number: f64 = text.parse().unwrap_or_default();
    [number, number - 1.0, number + 1.0].map(|number| number.to_string()).to_vec()
}

/// A text that the value of a condition stands for.
fn concrete(value: &Pattern, connection: &Connection) -> Option<String> {
    let filled = value.fill(connection).ok()?;
    meet(filled.tokens(), &[Token::Any], Form::Free)
}

/// All keys with the first of their values, then one of them with each other value, with the rest and alone.
fn by_conditions(base: &Made, asked: &[(Variable, Vec<Option<String>>)]) -> Vec<Made> {
    let first = |made: Made, (key, values): &(Variable, Vec<Option<String>>)| {
        values.first().map_or(made.clone(), |value| made.with(key, value.as_deref()))
    };
    let satisfied = asked.iter().fold(base.clone(), first);
    let mut all = Vec::new();
    for (key, values) in asked {
        for value in values {
            all.push(base.with(key, value.as_deref()));
            if asked.len() > 1 {
                all.push(satisfied.with(key, value.as_deref()));
            }
        }
    }
    all
}

/// Sets a fact. Where a connection cannot have it, it stays as it is.
fn set(connection: &mut Connection, key: &Variable, value: Option<&str>) {
    let owned = value.map(str::to_owned);
    match key {
        Variable::ClientId if connection.client_id.is_some() => {
            connection.client_id = value.and_then(|value| value.parse().ok()).or(connection.client_id.take());
            let named = connection.client_id.as_ref().is_some_and(|id| id.as_str() == DEVICE);
            connection.thing = connection.thing.take().filter(|_| named);
            connection.is_attached = Some(connection.thing.is_some());
        }
        Variable::SourceIp => connection.source_ip = value.and_then(|value| value.parse().ok()),
        Variable::DomainName => connection.domain_name = owned,
        Variable::CertificateId => connection.certificate_id = owned,
        Variable::ConnectAttributes => {
            connection.persistent = value.is_some_and(|value| value.contains("PersistentConnect"));
            let will = value.is_some_and(|value| value.contains("LastWill"));
            connection.last_will = will.then(|| "arn:aws:iot:us-east-1:123456789012:topic/will".parse().ok()).flatten();
        }
        Variable::LastWillTopic => connection.last_will = value.and_then(|value| value.parse::<Arn>().ok()),
        Variable::Certificate(attribute) => {
            connection.certificate.insert(attribute.name.clone(), owned.map_or_else(Vec::new, |value| vec![value; 5]));
        }
        key => connection.thing.iter_mut().for_each(|thing| of_thing(thing, key, owned.clone())),
    }
}

fn of_thing(thing: &mut ThingFacts, key: &Variable, value: Option<String>) {
    match (key, value) {
        (Variable::ThingTypeName, value) => thing.type_name = value,
        (Variable::ThingAttribute(name), Some(value)) => drop(thing.attributes.insert(name.clone(), value)),
        (Variable::ThingAttribute(name), None) => drop(thing.attributes.remove(name)),
        _ => {}
    }
}
