//! What a case expects.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::policy::decision::Outcome;

/// What must come of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expect {
    /// It goes through.
    Allow,
    /// It does not, for whatever reason.
    Deny,
    /// A statement denies it.
    ExplicitDeny,
    /// No statement allows it.
    ImplicitDeny,
}

impl Expect {
    /// Whether this outcome is what was expected.
    pub fn is_met_by(self, outcome: Outcome) -> bool {
        match self {
            Self::Allow => outcome == Outcome::Allowed,
            Self::Deny => outcome != Outcome::Allowed,
            Self::ExplicitDeny => outcome == Outcome::ExplicitDeny,
            Self::ImplicitDeny => outcome == Outcome::ImplicitDeny,
        }
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::ExplicitDeny => "explicit-deny",
            Self::ImplicitDeny => "implicit-deny",
        })
    }
}
