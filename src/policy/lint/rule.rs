//! What a rule is.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::place::Part;
use super::subject::Subject;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know; often as it should be.
    Low,
    /// Likely not what was meant.
    Medium,
    /// It does not do what it says.
    High,
    /// It endangers other devices.
    Critical,
}

impl Severity {
    /// All, the worst last.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// In lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Severity {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|severity| severity.name() == name);
        known.ok_or_else(|| format!("`{name}` is no severity: they are low, medium, high and critical"))
    }
}

/// A rule, its reasons, and how it is checked.
#[derive(Debug, Serialize)]
pub struct Rule {
    /// Its name, for `--explain` and for filters; it never changes.
    pub id: &'static str,
    /// How bad a finding is.
    pub severity: Severity,
    /// What it finds, in a line.
    pub title: &'static str,
    /// Why that matters, with the page of AWS that says so.
    pub why: &'static str,
    /// What to do about it.
    pub fix: &'static str,
    /// The check and reason code by which AWS IoT Device Defender finds it after the fact.
    pub audit: Option<&'static str>,
    /// Statements that it finds.
    pub bad: &'static str,
    /// The same as they should be.
    pub good: &'static str,
    #[serde(skip)]
    pub(super) check: fn(&Subject<'_>) -> Vec<Found>,
}

/// One thing that a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) part: Part,
    pub(super) because: String,
    pub(super) fix: String,
    /// A request that shows it, as the engine decided.
    pub(super) example: Option<String>,
}

impl Rule {
    /// A whole document of [`Rule::bad`] or [`Rule::good`], where `ARN` stands for a Region of an account.
    pub fn document(statements: &str) -> String {
        let statements = statements.replace("ARN:", "arn:aws:iot:us-east-1:123456789012:");
        format!("{{\"Version\": \"2012-10-17\", \"Statement\": [\n{statements}\n]}}")
    }
}
