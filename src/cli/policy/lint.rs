//! `iotctl policy lint`

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::json;

use super::source::{Loaded, Rendering};
use crate::cli::global::Global;
use crate::error::{Error, Kind, Result};
use crate::policy::lint::{Finding, RULES, Rule, Severity, lint, rule, sarif};
use crate::ui::Ui;

/// Find what is wrong with policies, before AWS does
///
/// Both policy checks of AWS IoT Device Defender, and what makes a policy do less or more than it says. Each finding
/// comes with its place, a request that shows it, and what to write instead. Nothing is sent. Exit code 2 if there is
/// a finding at or over --fail-on.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  iotctl policy lint certs/pump-7/policy.json
  iotctl policy lint --template tutorial-publisher --thing pump-7 --topic bme680/temperature
  iotctl policy lint --sarif policies/*.json > findings.sarif
  iotctl policy lint --explain broad-connect
")]
pub(in crate::cli) struct Lint {
    /// Policy documents; a bundle's folder stands for the policy in it, `-` for stdin
    #[arg(value_name = "FILE", required_unless_present_any = ["template", "explain"])]
    files: Vec<PathBuf>,
    #[command(flatten)]
    rendering: Rendering,
    /// The mildest finding that makes it exit with 2: low, medium, high or critical
    #[arg(long, default_value = "medium", value_name = "SEVERITY")]
    fail_on: Severity,
    /// Print SARIF 2.1.0, for code scanning
    #[arg(long)]
    sarif: bool,
    /// Say what a rule is for, and show it at work
    #[arg(long, value_name = "ID", value_parser = PossibleValuesParser::new(RULES.map(|rule| rule.id)))]
    #[arg(conflicts_with_all = ["files", "template", "sarif"])]
    explain: Option<String>,
}

pub(super) fn run(arguments: &Lint, global: &Global, ui: Ui) -> Result<u8> {
    if let Some(id) = &arguments.explain {
        let rule = rule(id).ok_or_else(|| Error::usage(format!("there is no rule `{id}`")))?;
        ui.result(|| page(rule), &rule);
        return Ok(0);
    }
    let policies = arguments.rendering.load(&arguments.files, global)?;
    let linted: Vec<(&str, Vec<Finding>)> = policies.iter().map(of_policy).collect();
    match arguments.sarif {
        true => ui.line(&format!("{:#}", sarif::log(&linted))),
        false => report(&linted, ui),
    }
    let worst = linted.iter().flat_map(|(_, findings)| findings).map(|finding| finding.rule.severity).max();
    sum_up(&linted, worst, ui);
    Ok(if worst >= Some(arguments.fail_on) { Kind::Findings.exit_code() } else { 0 })
}

fn of_policy(policy: &Loaded) -> (&str, Vec<Finding>) {
    (&policy.name, lint(&policy.document, &policy.text))
}

fn report(linted: &[(&str, Vec<Finding>)], ui: Ui) {
    let policies = linted.iter().map(|(name, findings)| json!({"policy": name, "findings": findings}));
    let all: Vec<_> = linted.iter().flat_map(|(name, findings)| findings.iter().map(move |f| entry(name, f))).collect();
    let text = || all.join("\n");
    if !all.is_empty() || ui.is_for_programs() {
        ui.result(text, &json!({"policies": policies.collect::<Vec<_>>()}));
    }
}

/// Place first, as compilers have it, so that editors find their way.
fn entry(name: &str, finding: &Finding) -> String {
    let Finding { rule, place, because, fix, example, .. } = finding;
    let (line, column) = (place.line, place.column);
    let example = example.as_ref().map_or_else(String::new, |shown| format!("\n  shown by: {shown}"));
    format!(
        "{name}:{line}:{column}: {}: {} [{}]\n  {because}{example}\n  fix: {fix}\n",
        rule.severity, rule.title, rule.id
    )
}

fn sum_up(linted: &[(&str, Vec<Finding>)], worst: Option<Severity>, ui: Ui) {
    let policies = plural(linted.len(), "policy", "policies");
    let findings: Vec<&Finding> = linted.iter().flat_map(|(_, findings)| findings).collect();
    let Some(first) = findings.iter().find(|finding| Some(finding.rule.severity) == worst) else {
        return ui.done(&format!("nothing found in {policies}"));
    };
    let counts = Severity::ALL.iter().rev().filter_map(|severity| {
        let count = findings.iter().filter(|finding| finding.rule.severity == *severity).count();
        (count > 0).then(|| format!("{count} {severity}"))
    });
    let counts = counts.collect::<Vec<_>>().join(", ");
    ui.say(&format!("{} in {policies}: {counts}", plural(findings.len(), "finding", "findings")));
    ui.say(&format!("why: iotctl policy lint --explain {}", first.rule.id));
}

fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// A rule as a page of a manual.
fn page(rule: &Rule) -> String {
    let audit = rule.audit.map_or_else(String::new, |audit| format!("\nAWS IoT Device Defender: {audit}"));
    let bad = match rule.bad {
        "" => String::new(),
        bad => format!("\n\nFound:\n{}", Rule::document(bad)),
    };
    format!(
        "{} ({})\n{}\n\nWhy: {}\n\nFix: {}{audit}{bad}\n\nAs it should be:\n{}",
        rule.id,
        rule.severity,
        rule.title,
        rule.why,
        rule.fix,
        Rule::document(rule.good)
    )
}
