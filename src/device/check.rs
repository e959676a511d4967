//! One thing that was looked at: how it is, and what to type if it is not as it must be.

use serde::Serialize;

use crate::error::Error;

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it must be.
    Ok,
    /// Not looked at, because something before it makes that pointless.
    Skipped,
    /// It works, and may not for long, or not as expected.
    Warn,
    /// Not as it must be.
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// How it is.
    pub level: Level,
    /// What was found.
    pub found: String,
    /// What to type, or to look at, to mend it.
    pub cures: Vec<String>,
}

impl Check {
    /// As it must be.
    pub fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, level: Level::Ok, found: found.into(), cures: Vec::new() }
    }

    /// Something to know.
    pub fn warn(name: &'static str, found: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { name, level: Level::Warn, found: found.into(), cures: vec![cure.into()] }
    }

    /// Not as it must be.
    pub fn fail(name: &'static str, found: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { name, level: Level::Fail, found: found.into(), cures: vec![cure.into()] }
    }

    /// Not looked at, because of what stands in `why`.
    pub fn skipped(name: &'static str, why: impl Into<String>) -> Self {
        Self { name, level: Level::Skipped, found: why.into(), cures: Vec::new() }
    }

    /// What an error says.
    pub fn failed(name: &'static str, error: &Error) -> Self {
        Self { name, level: Level::Fail, found: error.to_string(), cures: error.hints().to_vec() }
    }
}
