//! Findings as SARIF 2.1.0 (OASIS), which code scanning reads.

use serde_json::{Value, json};

use super::rule::{Rule, Severity};
use super::{Finding, RULES};

/// The log of one run over these policies, each with its file.
pub fn log(linted: &[(&str, Vec<Finding>)]) -> Value {
    let rules: Vec<Value> = RULES.iter().map(|rule| descriptor(rule)).collect();
    let each = linted.iter().flat_map(|(file, findings)| findings.iter().map(move |finding| result(file, finding)));
    let results: Vec<Value> = each.collect();
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "iotctl", "semanticVersion": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn descriptor(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.fix},
        "defaultConfiguration": {"level": level(rule.severity)},
        "properties": {"tags": ["security", "aws-iot"], "security-severity": score(rule.severity)},
    })
}

fn result(file: &str, finding: &Finding) -> Value {
    let shown = finding.example.as_ref().map_or_else(String::new, |example| format!(" Shown by: {example}."));
    json!({
        "ruleId": finding.rule.id,
        "ruleIndex": RULES.iter().position(|rule| rule.id == finding.rule.id),
        "level": level(finding.rule.severity),
        "message": {"text": format!("{}.{shown} Fix: {}.", finding.because, finding.fix)},
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": uri(file)},
            "region": {"startLine": finding.place.line, "startColumn": finding.place.column},
        }}],
    })
}

/// SARIF has three levels.
fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}

/// GitHub sorts by a score like CVSS's.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.0",
        Severity::Low => "2.0",
    }
}

/// A path as a relative reference of RFC 3986.
fn uri(file: &str) -> String {
    let mut uri = String::with_capacity(file.len());
    for byte in file.strip_prefix("./").unwrap_or(file).bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => uri.push(byte.into()),
            byte if byte.is_ascii_alphanumeric() => uri.push(byte.into()),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn paths_become_references() {
        assert_eq!(uri("./policies/a b.json"), "policies/a%20b.json");
        assert_eq!(uri("ü:1"), "%C3%BC%3A1");
    }
}
