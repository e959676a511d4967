//! An error as a person reads it, and as a program does.

use serde_json::json;

use super::style::{BOLD, DIM, RED};
use crate::error::Error;

/// ```text
/// error: cannot read `x`
///   because: no such file
///
/// hint: iotctl provision --thing x
/// ```
pub(super) fn text(error: &Error) -> String {
    let mut text = format!("{RED}error:{RED:#} {}", error.message());
    for cause in error.causes() {
        text += &format!("\n  {DIM}because:{DIM:#} {cause}");
    }
    for (at, hint) in error.hints().iter().enumerate() {
        let gap = if at == 0 { "\n" } else { "" };
        text += &format!("{gap}\n{BOLD}hint:{BOLD:#} {hint}");
    }
    text
}

/// `{"error": {"kind", "message", "causes", "hints", "exit_code"}}` on one line.
pub(super) fn json(error: &Error) -> String {
    let kind = error.kind();
    json!({"error": {
        "kind": kind.name(),
        "message": error.message(),
        "causes": error.causes(),
        "hints": error.hints(),
        "exit_code": kind.exit_code(),
    }})
    .to_string()
}
