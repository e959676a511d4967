//! `iotctl policy diff`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::source::Loaded;
use crate::error::{Error, Kind, Result};
use crate::policy::decision::{Outcome, StatementRef};
use crate::policy::diff::{self, Change};
use crate::policy::document::{MAX_LENGTH, counted_length};
use crate::policy::text::printable;
use crate::ui::Ui;

/// Compare two policies by what they allow, not by their text
///
/// Each change is shown by a request that the two decide differently. The order of statements, how they are grouped and
/// how they are spelled mean nothing. Nothing is sent. Exit code 2 if something changes, 0 if nothing does.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  iotctl policy diff certs/pump-7 policies/new.json
  git show HEAD:policies/pump.json | iotctl policy diff - policies/pump.json
")]
pub(in crate::cli) struct Diff {
    /// The policy as it is; a bundle's folder stands for the policy in it, `-` for stdin
    old: PathBuf,
    /// The policy as it is to be
    new: PathBuf,
}

pub(super) fn run(arguments: &Diff, ui: Ui) -> Result<u8> {
    let (old, new) = (load(&arguments.old)?, load(&arguments.new)?);
    let diff::Diff { changes, complete } = diff::diff((&old.name, &old.document), (&new.name, &new.document));
    if changes.is_empty() && !complete {
        return Err(Error::failed("the two policies have too many wildcards to be compared in full")
            .hint("compare them statement by statement, or hold both against cases: iotctl policy test --help"));
    }
    let value = json!({"old": old.name, "new": new.name, "complete": complete, "changes": changes});
    if !changes.is_empty() || ui.is_for_programs() {
        ui.result(|| changes.iter().map(entry).collect::<Vec<_>>().join("\n"), &value);
    }
    if !complete {
        ui.warn("the two policies have too many wildcards to be compared in full; there may be more changes");
    }
    match changes.len() {
        0 => {
            ui.done("the two policies mean the same");
            Ok(0)
        }
        count => {
            ui.say(&format!("{count} {}", if count == 1 { "change" } else { "changes" }));
            Ok(Kind::Findings.exit_code())
        }
    }
}

/// Longer documents are no policies to AWS, and comparing them could take for ever.
fn load(path: &std::path::Path) -> Result<Loaded> {
    let loaded = Loaded::read(path)?;
    match counted_length(&loaded.text) {
        length if length > MAX_LENGTH => Err(Error::bad_input(format!(
            "policy `{}` has {length} characters without white space; AWS takes {MAX_LENGTH}",
            loaded.name
        ))),
        _ => Ok(loaded),
    }
}

fn entry(change: &Change) -> String {
    let what = match (change.before, change.after) {
        (_, Outcome::Allowed) => "+ allowed",
        (Outcome::Allowed, _) => "- denied",
        (_, Outcome::ExplicitDeny) => "- denied whatever other policies allow",
        (_, Outcome::ImplicitDeny) => "+ no more denied whatever other policies allow",
    };
    let actions = change.actions.join(", ");
    format!(
        "{what}: {actions} on {}\n  asked by {}\n  was {} by {}\n  is  {} by {}\n",
        printable(&change.resource),
        printable(&change.connection),
        change.before.name(),
        by(&change.old),
        change.after.name(),
        by(&change.new)
    )
}

fn by(statements: &[StatementRef]) -> String {
    let each = statements.iter().map(|statement| match &statement.sid {
        Some(sid) => format!("statement {} ({})", statement.index, printable(sid)),
        None => format!("statement {}", statement.index),
    });
    let each: Vec<String> = each.collect();
    if each.is_empty() { "no statement".to_owned() } else { each.join(", ") }
}
