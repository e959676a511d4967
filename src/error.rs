//! The one error of the program: a kind, a sentence, what led to it, and what to type next.
//!
//! Grammar of every message: a lowercase fragment, user input in backticks, no full stop. A hint is the next
//! command to type, or a thing to check. `ui` renders it, nobody else prints one.

use std::fmt;

/// The result of everything that can fail here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of failure it is. Each kind has its own exit code; the codes are API and stand in the README.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Something did not work. Exit code 1.
    Failed,
    /// The answer is "there is something": a plan with changes, lint findings. Exit code 2.
    Findings,
    /// Part of the fleet failed; the same command again finishes it. Exit code 3.
    Partial,
    /// AWS credentials are missing or were refused. Exit code 4.
    Credentials,
    /// An AWS IoT policy forbids it. Exit code 5.
    Denied,
    /// Nobody answered, or not in time. Exit code 6.
    Unreachable,
    /// What exists differs from what is wanted; nothing was written. Exit code 7.
    Conflict,
    /// The command line makes no sense. Exit code 64 (`EX_USAGE` of sysexits.h).
    Usage,
    /// A file that was read is not what it must be. Exit code 65 (`EX_DATAERR`).
    BadInput,
    /// A file is in the way and is not overwritten. Exit code 73 (`EX_CANTCREAT`).
    Overwrite,
    /// The configuration of this machine or device is wrong. Exit code 78 (`EX_CONFIG`).
    Configuration,
    /// SIGINT ended it. Exit code 130.
    Interrupted,
    /// SIGTERM ended it. Exit code 143.
    Terminated,
}

impl Kind {
    /// The process exit code of this kind.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Findings => 2,
            Self::Partial => 3,
            Self::Credentials => 4,
            Self::Denied => 5,
            Self::Unreachable => 6,
            Self::Conflict => 7,
            Self::Usage => 64,
            Self::BadInput => 65,
            Self::Overwrite => 73,
            Self::Configuration => 78,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// The stable name of this kind in JSON output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Findings => "findings",
            Self::Partial => "partial",
            Self::Credentials => "credentials",
            Self::Denied => "denied",
            Self::Unreachable => "unreachable",
            Self::Conflict => "conflict",
            Self::Usage => "usage",
            Self::BadInput => "bad-input",
            Self::Overwrite => "overwrite",
            Self::Configuration => "configuration",
            Self::Interrupted => "interrupted",
            Self::Terminated => "terminated",
        }
    }
}

/// A failure that a person can act on.
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    message: String,
    causes: Vec<String>,
    hints: Vec<String>,
}

impl Error {
    /// An error of `kind` with one sentence that says what happened.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, message: message.into(), causes: Vec::new(), hints: Vec::new() }))
    }

    /// Something did not work (exit code 1).
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, message)
    }

    /// The command line makes no sense (exit code 64).
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// A file that was read is not what it must be (exit code 65).
    pub fn bad_input(message: impl Into<String>) -> Self {
        Self::new(Kind::BadInput, message)
    }

    /// Adds what led to this error, the nearest cause first. The sources of `cause` follow it.
    pub fn because(mut self, cause: impl Into<Box<dyn std::error::Error>>) -> Self {
        let cause = cause.into();
        let mut next: Option<&dyn std::error::Error> = Some(cause.as_ref());
        while let Some(error) = next {
            self.add_cause(error.to_string());
            next = error.source();
        }
        self
    }

    /// Adds the next command to type, or the next thing to check.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hints.push(hint.into());
        self
    }

    /// What sort of failure it is.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// What happened, in one sentence.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What led to it, the nearest cause first.
    pub fn causes(&self) -> &[String] {
        &self.0.causes
    }

    /// What to type next.
    pub fn hints(&self) -> &[String] {
        &self.0.hints
    }

    /// Many libraries repeat their source's text in their own; a chain that stutters helps nobody.
    fn add_cause(&mut self, text: String) {
        let said = self.0.causes.last().unwrap_or(&self.0.message);
        if !said.contains(&text) {
            self.0.causes.push(text);
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        self.0.causes.iter().try_for_each(|cause| write!(f, ": {cause}"))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} error: {self}", self.0.kind)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_that_only_repeats_the_message_is_left_out() {
        let error = Error::failed("cannot read `x`: gone").because(std::io::Error::other("gone"));
        assert!(error.causes().is_empty());
    }

    #[test]
    fn causes_keep_their_order_and_hints_stay_apart() {
        let error = Error::failed("a").because(std::io::Error::other("b")).hint("c");
        assert_eq!(error.to_string(), "a: b");
        assert_eq!(error.hints(), ["c"]);
    }
}
