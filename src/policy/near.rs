//! Why a statement did not match: the part that differs, in a sentence.

use super::condition::{Condition, Quantifier};
use super::decision::{NearMiss, StatementRef};
use super::document::{Resources, Statement};
use super::fit::Fit;
use super::matching::Question;
use super::pattern::{Filled, Pattern};
use super::request::Connection;
use super::text::{quoted, short};
use super::variable::Variable;

mod reason;

/// As many near misses as a person reads.
const MOST: usize = 3;
/// What follows where AWS does not document an answer.
const OPEN: &str = "what AWS does then is not documented, so the stricter answer is taken";

/// How far a statement is from matching: the kind of difference, then the characters that remain.
type Distance = (u8, usize);
const CONDITION: Distance = (0, 0);
const ONE_WORD: Distance = (1, 0);
const VALUE: Distance = (2, 0);
const ACTION: Distance = (4, 0);

/// Of `statements`, those that almost match, the nearest first.
pub(super) fn nearest<'a>(
    question: &Question<'_>,
    statements: impl Iterator<Item = (StatementRef, &'a Statement)>,
) -> Vec<NearMiss> {
    let mut all: Vec<(Distance, NearMiss)> = statements
        .filter_map(|(place, statement)| {
            let (distance, because) = difference(question, statement)?;
            Some((distance, NearMiss { statement: place, because }))
        })
        .collect();
    all.sort_by_key(|(distance, _)| *distance);
    all.into_iter().take(MOST).map(|(_, miss)| miss).collect()
}

/// Why it is not certain that `statement` matches, if it is not.
pub(super) fn doubt(question: &Question<'_>, statement: &Statement) -> Option<String> {
    (question.fit(statement) == Fit::Unsure).then(|| difference(question, statement).map(|(_, why)| why)).flatten()
}

fn difference(question: &Question<'_>, statement: &Statement) -> Option<(Distance, String)> {
    let resource = question.resource(statement);
    if !question.action(statement) {
        return (resource == Fit::Yes).then(|| action(question, statement));
    }
    if resource != Fit::Yes {
        let (distance, why) = resources(question, statement)?;
        return Some((distance, format!("the action matches, but {why}")));
    }
    let failed = statement.conditions.iter().find(|condition| condition.fit(question.connection) != Fit::Yes)?;
    let why = condition(failed, question.connection);
    Some((CONDITION, format!("action and resource match, but {why}")))
}

fn action(question: &Question<'_>, statement: &Statement) -> (Distance, String) {
    let asked = &question.request.action;
    let texts = || statement.actions.iter().map(Pattern::text);
    if let Some(text) = texts().find(|text| text.eq_ignore_ascii_case(asked)) {
        return (ONE_WORD, format!("the action `{text}` differs from {} only in letter case", quoted(asked)));
    }
    let named: Vec<String> = texts().take(4).map(quoted).collect();
    (ACTION, format!("the resource matches, but the action is {}, not {}", named.join(", "), quoted(asked)))
}

fn resources(question: &Question<'_>, statement: &Statement) -> Option<(Distance, String)> {
    let Resources::AllBut(patterns) = &statement.resources else {
        let all = statement.resources.patterns().iter().map(|pattern| resource(question, pattern));
        return all.min_by_key(|(distance, _)| *distance);
    };
    let fits = |pattern: &&Pattern| match pattern.fill(question.connection) {
        Ok(filled) => filled.fit(&question.request.resource) != Fit::No,
        Err(_) => true,
    };
    let pattern = patterns.iter().find(fits)?;
    Some(match pattern.fill(question.connection) {
        Ok(_) => (VALUE, format!("its `NotResource` {} leaves this resource out", quoted(&short(pattern.text())))),
        Err(variable) => valueless(pattern, variable, question.connection),
    })
}

fn resource(question: &Question<'_>, pattern: &Pattern) -> (Distance, String) {
    let asked = question.request.resource.as_str();
    let filled = match pattern.fill(question.connection) {
        Ok(filled) => filled,
        Err(variable) => return valueless(pattern, variable, question.connection),
    };
    if filled.fit(asked) == Fit::Unsure {
        let why = format!("a value in {} holds `*` or `?`; {OPEN}", quoted(&short(pattern.text())));
        return (VALUE, why);
    }
    if filled.lowercase().fit(&asked.to_lowercase()) == Fit::Yes {
        let (asked, shown) = (quoted(&short(asked)), shown(pattern, &filled));
        return (ONE_WORD, format!("resource {asked} differs from {shown} only in letter case"));
    }
    other_type(question, &filled)
        .or_else(|| other_scope(asked, &filled))
        .unwrap_or_else(|| other_name(asked, pattern, &filled))
}

/// `topic/` where `topicfilter/` is needed, and the like.
fn other_type(question: &Question<'_>, filled: &Filled<'_>) -> Option<(Distance, String)> {
    let asked = &question.request.resource;
    let display = filled.display();
    let (kind, written) = (kind(asked)?, kind(&display)?);
    let retyped = asked.replacen(&format!(":{kind}/"), &format!(":{written}/"), 1);
    let only = kind != written && filled.fit(&retyped) == Fit::Yes;
    only.then(|| {
        let why =
            format!("the resource type is `{written}/`, and {} needs `{kind}/`", quoted(&question.request.action));
        (ONE_WORD, why)
    })
}

fn kind(arn: &str) -> Option<&str> {
    arn.splitn(6, ':').nth(5)?.split_once('/').map(|(kind, _)| kind)
}

/// Another partition, service, Region or account.
fn other_scope(asked: &str, filled: &Filled<'_>) -> Option<(Distance, String)> {
    let patterns = filled.between_colons(6);
    let pieces: Vec<&str> = asked.splitn(6, ':').collect();
    if patterns.len() != 6 || pieces.len() != 6 {
        return None;
    }
    let names = ["ARN prefix", "partition", "service", "Region", "account"];
    let mut all = names.iter().zip(patterns.iter().zip(pieces));
    let (name, (pattern, piece)) = all.find(|(_, (pattern, piece))| pattern.fit(piece) == Fit::No)?;
    let (wanted, piece) = (quoted(&pattern.display()), quoted(piece));
    Some((VALUE, format!("its {name} is {wanted}, and the request is for {piece}")))
}

fn other_name(asked: &str, pattern: &Pattern, filled: &Filled<'_>) -> (Distance, String) {
    let followed = filled.follows(asked).unwrap_or(asked.len());
    let rest = asked.get(followed..).unwrap_or_default();
    let (asked, shown) = (quoted(&short(asked)), shown(pattern, filled));
    let why = match rest {
        "" => format!("resource {asked} ends where {shown} goes on"),
        rest => format!("resource {asked} differs from {shown} at {}", quoted(rest)),
    };
    ((3, rest.chars().count()), why)
}

fn valueless(pattern: &Pattern, variable: &Variable, connection: &Connection) -> (Distance, String) {
    let reason = reason::not_substituted(variable, connection);
    let (name, pattern) = (quoted(&variable.to_string()), quoted(&short(pattern.text())));
    (VALUE, format!("{name} in {pattern} has no value: {reason}"))
}

fn condition(condition: &Condition, connection: &Connection) -> String {
    let Condition { operator, key, values } = condition;
    let wanted: Vec<String> = values.iter().take(4).map(|value| quoted(value.text())).collect();
    let wanted = if wanted.is_empty() { "nothing".to_owned() } else { wanted.join(" or ") };
    let value = key.describe(connection);
    let found = match &value {
        Some(value) => format!("it is {}", quoted(value)),
        None => reason::absent(key, connection),
    };
    let tail = match (condition.fit(connection), operator.quantifier) {
        (Fit::Unsure, Some(Quantifier::ForAllValues)) if value.is_none() => {
            "; by the rule of IAM the empty set would pass, AWS IoT documents no answer, so it is not relied on here"
                .to_owned()
        }
        (Fit::Unsure, _) => format!("; {OPEN}"),
        _ if *key == Variable::IsAttached && value.as_deref() == Some("false") => {
            format!(", as {}", reason::not_attached(connection))
        }
        _ => String::new(),
    };
    format!("the condition `{operator}` of {} with {wanted} does not hold: {found}{tail}", quoted(&key.to_string()))
}

/// Why nothing is known under a name that no variable has.
pub(super) fn no_such_variable(name: &str) -> String {
    reason::unknown(name)
}

/// The pattern as written, and as filled in where that differs.
fn shown(pattern: &Pattern, filled: &Filled<'_>) -> String {
    let (written, display) = (short(pattern.text()), short(&filled.display()));
    match pattern.variables().next() {
        None => quoted(&written),
        Some(_) => format!("{} (from {})", quoted(&display), quoted(&written)),
    }
}
