//! The findings so far, in their order.

use crate::device::check::{Check, Level};
use crate::error::{Error, Kind, Result};

/// Everything that was looked at.
#[derive(Debug, Default)]
pub struct Findings {
    checks: Vec<Check>,
    /// The kind of the first failure: it decides the exit code, because those behind it may be its children.
    kind: Option<Kind>,
}

impl Findings {
    /// Notes what came of a look, and returns what it brought.
    pub fn take<T>(&mut self, name: &'static str, outcome: Result<(T, String)>) -> Option<T> {
        match outcome {
            Ok((value, found)) => {
                self.checks.push(Check::ok(name, found));
                Some(value)
            }
            Err(error) => {
                self.fail(name, &error);
                None
            }
        }
    }

    /// Notes a failure.
    pub fn fail(&mut self, name: &'static str, error: &Error) {
        self.kind.get_or_insert(error.kind());
        self.checks.push(Check::failed(name, error));
    }

    /// Notes something that is no failure.
    pub fn add(&mut self, check: Check) {
        self.checks.push(check);
    }

    /// Notes that these were not looked at.
    pub fn skip(&mut self, names: &[&'static str], why: &str) {
        self.checks.extend(names.iter().map(|name| Check::skipped(name, why)));
    }

    /// Whether nothing has failed so far.
    pub fn is_well(&self) -> bool {
        self.checks.iter().all(|check| check.level != Level::Fail)
    }

    /// The checks, and the kind of the first failure.
    pub fn into_parts(self) -> (Vec<Check>, Option<Kind>) {
        (self.checks, self.kind)
    }
}
