//! `iotctl policy`

use clap::{Args, Subcommand};

use super::global::Global;
use crate::error::Result;
use crate::ui::Ui;

mod diff;
mod explain;
mod facts;
mod lint;
mod render;
mod source;
mod test;

/// Least-privilege policies: from templates, checked, explained
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(super) struct Policy {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Render(render::Render),
    Lint(Box<lint::Lint>),
    Test(test::Test),
    Explain(Box<explain::Explain>),
    Diff(diff::Diff),
}

pub(super) fn run(command: Policy, global: &Global, ui: Ui) -> Result<u8> {
    match command.verb {
        Verb::Render(arguments) => render::run(&arguments, global, ui),
        Verb::Lint(arguments) => lint::run(&arguments, global, ui),
        Verb::Test(arguments) => test::run(&arguments, global, ui),
        Verb::Explain(arguments) => explain::run(&arguments, global, ui),
        Verb::Diff(arguments) => diff::run(&arguments, ui),
    }
}
