//! What was looked at, a line each.

use serde_json::json;

use crate::device::check::{Check, Level};
use crate::error::Error;
use crate::ui::Ui;

/// Shows every check; with `-o json` one object of `subject`, whether all is well, and the checks.
pub(super) fn show(subject: &str, checks: &[Check], ui: Ui) {
    let is_well = checks.iter().all(|check| check.level != Level::Fail);
    let value = json!({"subject": subject, "ok": is_well, "checks": checks});
    ui.result(|| checks.iter().map(line).collect::<Vec<_>>().join("\n"), &value);
}

/// The error of those that failed, if any did.
pub(super) fn verdict(subject: &str, checks: &[Check], error: impl Fn(String) -> Error) -> Option<Error> {
    let failed: Vec<_> = checks.iter().filter(|check| check.level == Level::Fail).map(|check| check.name).collect();
    let count = failed.len();
    (count > 0)
        .then(|| error(format!("{count} of {} checks failed for `{subject}`: {}", checks.len(), failed.join(", "))))
}

fn line(check: &Check) -> String {
    let mark = match check.level {
        Level::Ok => "ok  ",
        Level::Skipped => "-   ",
        Level::Warn => "warn",
        Level::Fail => "FAIL",
    };
    let cures: String = check.cures.iter().map(|cure| format!("\n{:18}cure: {cure}", "")).collect();
    format!("{mark} {:<12} {}{cures}", check.name, check.found)
}
