//! The naive twin of the engine: the rules of aws-iot/policies.md read from the JSON of a policy, as plainly as they
//! can be written down and without a thought for speed. `None` is "AWS leaves it open".

use iotctl::policy::decision::Outcome;
use iotctl::policy::request::{Connection, Request};
use serde_json::Value;

use super::world::Policy;

/// A character that stands for itself, or one of `*` and `?`.
#[derive(Clone, Copy)]
pub(crate) struct Symbol {
    c: char,
    wild: bool,
}

pub(crate) fn decide(policies: &[Policy], connection: &Connection, request: &Request) -> Outcome {
    let mut allowed = false;
    for policy in policies {
        for statement in list(&policy.document["Statement"]) {
            let matches = statement_matches(statement, connection, request);
            match statement["Effect"].as_str().unwrap() {
                "Deny" if matches != Some(false) => return Outcome::ExplicitDeny,
                "Allow" if matches == Some(true) && !policy.deny_only => allowed = true,
                _ => {}
            }
        }
    }
    if allowed { Outcome::Allowed } else { Outcome::ImplicitDeny }
}

/// The recursive definition of a wildcard match.
pub(crate) fn matches(pattern: &[Symbol], text: &[char]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        ([Symbol { c: '*', wild: true }, more @ ..], text) => {
            (0..=text.len()).any(|eaten| matches(more, &text[eaten..]))
        }
        ([Symbol { c: '?', wild: true }, more @ ..], [_, rest @ ..]) => matches(more, rest),
        ([Symbol { c, wild: false }, more @ ..], [first, rest @ ..]) => c == first && matches(more, rest),
        _ => false,
    }
}

fn statement_matches(statement: &Value, connection: &Connection, request: &Request) -> Option<bool> {
    let action = list(&statement["Action"]).iter().any(|a| plainly(text(a), &request.action));
    let resource = match (&statement["Resource"], &statement["NotResource"]) {
        (Value::Null, excepted) => {
            let excepted = list(excepted);
            if excepted.iter().any(|p| fill(text(p), connection, true).is_none()) {
                Some(false)
            } else {
                or(excepted.iter().map(|p| resource_matches(text(p), connection, request))).map(|any| !any)
            }
        }
        (named, _) => or(list(named).iter().map(|p| resource_matches(text(p), connection, request))),
    };
    let mut all = vec![Some(action), resource];
    for (operator, keys) in statement["Condition"].as_object().into_iter().flatten() {
        for (key, values) in keys.as_object().unwrap() {
            all.push(condition_holds(operator, key, list(values), connection));
        }
    }
    and(all.into_iter())
}

fn resource_matches(pattern: &str, connection: &Connection, request: &Request) -> Option<bool> {
    let Some((symbols, doubtful)) = fill(pattern, connection, true) else { return Some(false) };
    let matched = matches(&symbols, &request.resource.chars().collect::<Vec<_>>());
    if matched && doubtful { None } else { Some(matched) }
}

fn plainly(pattern: &str, text: &str) -> bool {
    let symbols: Vec<Symbol> = pattern.chars().map(|c| Symbol { c, wild: c == '*' || c == '?' }).collect();
    matches(&symbols, &text.chars().collect::<Vec<_>>())
}

/// The pattern with its variables filled in, and whether a value brought wildcards along; `None` without a value.
pub(crate) fn fill(pattern: &str, connection: &Connection, wildcards: bool) -> Option<(Vec<Symbol>, bool)> {
    let symbol = |c: char| Symbol { c, wild: wildcards && (c == '*' || c == '?') };
    let (mut symbols, mut doubtful, mut rest) = (Vec::new(), false, pattern);
    while let Some(c) = rest.chars().next() {
        let Some(opened) = rest.strip_prefix("${") else {
            symbols.push(symbol(c));
            rest = &rest[c.len_utf8()..];
            continue;
        };
        let (name, after) = opened.split_once('}').unwrap();
        rest = after;
        if let "*" | "?" | "$" = name {
            symbols.extend(name.chars().map(|c| Symbol { c, wild: false }));
            continue;
        }
        let value = substituted(name, connection)?;
        doubtful |= wildcards && value.contains(['*', '?']);
        symbols.extend(value.chars().map(symbol));
    }
    Some((symbols, doubtful))
}

/// The few variables that the generated cases use.
fn values(name: &str, connection: &Connection) -> Vec<String> {
    let attribute = |name: &str| connection.thing.as_ref()?.attributes.get(name).cloned();
    let connect = [(connection.persistent, "PersistentConnect"), (connection.last_will.is_some(), "LastWill")];
    match name {
        "iot:ClientId" => connection.client_id.iter().map(ToString::to_string).collect(),
        "iot:Connection.Thing.ThingName" => connection.thing.iter().map(|thing| thing.name.clone()).collect(),
        "iot:Connection.Thing.IsAttached" => connection.is_attached.iter().map(ToString::to_string).collect(),
        "iot:Connection.Thing.Attributes[n]" => attribute("n").into_iter().collect(),
        "aws:SourceIp" => connection.source_ip.iter().map(ToString::to_string).collect(),
        "iot:Certificate.Subject.CommonName" => common_names(connection).into_iter().take(1).collect(),
        "iot:Certificate.Subject.CommonName.1" => common_names(connection).into_iter().skip(1).take(1).collect(),
        "iot:Certificate.Subject.CommonName.List" => common_names(connection),
        "iot:ConnectAttributes" => connect.iter().filter(|(set, _)| *set).map(|(_, name)| (*name).to_owned()).collect(),
        _ => Vec::new(),
    }
}

/// Special characters carry a backslash.
fn common_names(connection: &Connection) -> Vec<String> {
    let all = connection.certificate.get("Subject.CommonName").cloned().unwrap_or_default();
    all.iter().map(|name| name.replace(',', "\\,").replace('+', "\\+")).collect()
}

/// Sets cannot stand inside a text, and neither can a value of a certificate that holds a special character.
fn substituted(name: &str, connection: &Connection) -> Option<String> {
    let value = values(name, connection).into_iter().next()?;
    let set = name.ends_with(".List") || name == "iot:ConnectAttributes";
    let refused = name.starts_with("iot:Certificate.") && value.contains(['*', '$', '+', '?', '#']);
    (!set && !refused).then_some(value)
}

fn condition_holds(operator: &str, key: &str, wanted: &[Value], connection: &Connection) -> Option<bool> {
    let found = values(key, connection);
    if key == "iot:Unknown" {
        return None;
    }
    if operator == "Null" {
        return Some(wanted.iter().any(|w| text(w) == found.is_empty().to_string()));
    }
    let (quantifier, name) = operator.split_once(':').unwrap_or(("", operator));
    let (name, if_exists) = name.strip_suffix("IfExists").map_or((name, false), |name| (name, true));
    let negated = name.contains("Not");
    let positive = name.replace("Not", "");
    if found.is_empty() {
        let holds = if_exists || quantifier == "ForAllValues" || (negated && quantifier.is_empty());
        let open = holds && !if_exists && key.starts_with("iot:Certificate.");
        return if open { None } else { Some(holds) };
    }
    let like = positive == "StringLike";
    let filled: Vec<_> = wanted.iter().map(|w| fill(text(w), connection, like)).collect();
    if negated && filled.iter().any(Option::is_none) {
        return Some(false);
    }
    let one = |value: &String| {
        let hits = filled.iter().flatten().map(|(symbols, doubtful)| {
            let hit = compare(&positive, value, symbols);
            match (hit, doubtful) {
                (Some(true), true) => None,
                (None, _) if !negated => Some(false),
                (hit, _) => hit,
            }
        });
        or(hits.collect::<Vec<_>>().into_iter()).map(|any| any != negated)
    };
    let (all, any) = (and(found.iter().map(one)), or(found.iter().map(one)));
    match quantifier {
        "ForAllValues" => all,
        "ForAnyValue" => any,
        _ if all == any => all,
        _ => None,
    }
}

/// `None` is "cannot be compared".
fn compare(operator: &str, value: &str, wanted: &[Symbol]) -> Option<bool> {
    let wanted_text: String = wanted.iter().map(|symbol| symbol.c).collect();
    let numbers = || Some((value.parse::<i64>().ok()?, wanted_text.parse::<i64>().ok()?));
    match operator {
        "StringLike" => Some(matches(wanted, &value.chars().collect::<Vec<_>>())),
        "StringEquals" | "Bool" => Some(value == wanted_text),
        "StringEqualsIgnoreCase" => Some(value.to_lowercase() == wanted_text.to_lowercase()),
        "NumericEquals" => numbers().map(|(a, b)| a == b),
        "NumericLessThan" => numbers().map(|(a, b)| a < b),
        "NumericGreaterThanEquals" => numbers().map(|(a, b)| a >= b),
        "IpAddress" => Some(in_network(value, &wanted_text)),
        other => panic!("the twin does not know {other}"),
    }
}

/// IPv4 only, bit by bit.
fn in_network(address: &str, network: &str) -> bool {
    let bits = |text: &str| {
        let octets = text.split('.').map(|octet| format!("{:08b}", octet.parse::<u8>().unwrap()));
        octets.collect::<String>()
    };
    let (network, length) = network.split_once('/').unwrap_or((network, "32"));
    let length = length.parse().unwrap();
    bits(address)[..length] == bits(network)[..length]
}

/// Kleene's *and* of three values.
fn and(all: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let all: Vec<_> = all.collect();
    if all.contains(&Some(false)) {
        Some(false)
    } else if all.contains(&None) {
        None
    } else {
        Some(true)
    }
}

/// Kleene's *or* of three values.
fn or(any: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    and(any.map(|one| one.map(|yes| !yes))).map(|none| !none)
}

fn list(value: &Value) -> &[Value] {
    match value {
        Value::Array(all) => all,
        one => std::slice::from_ref(one),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}
