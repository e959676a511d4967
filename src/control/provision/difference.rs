//! Where two policy documents differ, in lines that a person can act on.

use serde_json::Value;

use crate::policy::document::{Document, Statement};

/// As many lines as a person reads.
const MOST: usize = 6;

/// What is in `found` and not in `wanted`, and the other way round, statement by statement.
pub(super) fn lines(found: &Document, wanted: &Document) -> Vec<String> {
    let count = found.statements.len().max(wanted.statements.len());
    let mut lines = Vec::new();
    for index in 0..count {
        match (found.statements.get(index), wanted.statements.get(index)) {
            (Some(found), Some(wanted)) if found != wanted => lines.extend(members(index, found, wanted)),
            (Some(found), None) => lines.push(format!("statement {index} is not wanted: {}", found.to_json())),
            (None, Some(wanted)) => lines.push(format!("statement {index} is missing: {}", wanted.to_json())),
            _ => {}
        }
    }
    if lines.len() > MOST {
        let more = lines.len() - MOST;
        lines.truncate(MOST);
        lines.push(format!("and {more} more"));
    }
    lines
}

fn members(index: usize, found: &Statement, wanted: &Statement) -> Vec<String> {
    let (found, wanted) = (found.to_json(), wanted.to_json());
    let name = wanted.get("Sid").and_then(Value::as_str).map_or_else(String::new, |sid| format!(" (`{sid}`)"));
    let mut names: Vec<&String> =
        [&found, &wanted].into_iter().filter_map(Value::as_object).flat_map(|o| o.keys()).collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .filter(|member| found.get(*member) != wanted.get(*member))
        .map(|member| {
            let (there, here) = (elements(found.get(member)), elements(wanted.get(member)));
            let (too_much, missing) = (without(&there, &here), without(&here, &there));
            format!("statement {index}{name}, {member}: {too_much} there, {missing} wanted")
        })
        .collect()
}

/// One value or several, as several.
fn elements(value: Option<&Value>) -> Vec<&Value> {
    match value {
        None => Vec::new(),
        Some(Value::Array(several)) => several.iter().collect(),
        Some(one) => vec![one],
    }
}

fn without(all: &[&Value], others: &[&Value]) -> String {
    let left: Vec<String> = all.iter().filter(|value| !others.contains(value)).map(|value| shown(value)).collect();
    if left.is_empty() { "nothing more".to_owned() } else { left.join(", ") }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), |text| format!("`{text}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(statements: &str) -> Document {
        Document::parse("p", &format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)).unwrap()
    }

    #[test]
    fn only_what_differs_is_shown() {
        let found = r#"{"Sid":"Publish","Effect":"Allow","Action":"iot:Publish","Resource":["topic/a","topic/b"]}"#;
        let wanted = r#"{"Sid":"Publish","Effect":"Allow","Action":"iot:Publish","Resource":["topic/a","topic/c"]}"#;
        assert_eq!(
            lines(&document(found), &document(wanted)),
            ["statement 0 (`Publish`), Resource: `topic/b` there, `topic/c` wanted"]
        );
    }

    #[test]
    fn a_wider_statement_shows_what_is_too_much() {
        let found = r#"{"Effect":"Allow","Action":["iot:Connect","iot:Publish"],"Resource":"*"}"#;
        let wanted = r#"{"Effect":"Allow","Action":"iot:Connect","Resource":"*","Condition":{"Bool":{"iot:Connection.Thing.IsAttached":"true"}}}"#;
        assert_eq!(
            lines(&document(found), &document(wanted)),
            [
                "statement 0, Action: `iot:Publish` there, nothing more wanted",
                r#"statement 0, Condition: nothing more there, {"Bool":{"iot:Connection.Thing.IsAttached":"true"}} wanted"#,
            ]
        );
    }

    #[test]
    fn statements_that_are_missing_or_too_many_are_shown_whole() {
        let one = r#"{"Effect":"Allow","Action":"iot:Connect","Resource":"*"}"#;
        let two = format!(r#"{one},{{"Effect":"Deny","Action":"iot:Publish","Resource":"*"}}"#);
        let statement = r#"{"Effect":"Deny","Action":"iot:Publish","Resource":"*"}"#;
        assert_eq!(lines(&document(one), &document(&two)), [format!("statement 1 is missing: {statement}")]);
        assert_eq!(lines(&document(&two), &document(one)), [format!("statement 1 is not wanted: {statement}")]);
    }
}
