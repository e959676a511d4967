//! `iotctl policy`

use clap::Subcommand;

use super::global::Global;
use crate::error::Result;
use crate::ui::Ui;

#[cfg(feature = "control")]
mod against;
mod diff;
mod explain;
mod facts;
mod learn;
mod lint;
#[cfg(feature = "control")]
mod push;
mod render;
mod source;
pub(super) mod template;
mod test;

/// Least-privilege policies: from templates, checked, explained
#[derive(Debug, Subcommand)]
pub(super) enum Policy {
    Render(render::Render),
    Lint(Box<lint::Lint>),
    Test(test::Test),
    Explain(Box<explain::Explain>),
    Diff(diff::Diff),
    Learn(learn::Learn),
    #[cfg(feature = "control")]
    Push(Box<push::Push>),
}

pub(super) async fn run(command: Policy, global: &Global, ui: Ui) -> Result<u8> {
    match command {
        Policy::Render(arguments) => render::run(&arguments, global, ui),
        Policy::Lint(arguments) => lint::run(&arguments, global, ui),
        Policy::Test(arguments) => test::run(&arguments, global, ui).await,
        Policy::Explain(arguments) => explain::run(&arguments, global, ui),
        Policy::Diff(arguments) => diff::run(&arguments, ui),
        Policy::Learn(arguments) => learn::run(&arguments, ui),
        #[cfg(feature = "control")]
        Policy::Push(arguments) => push::run(*arguments, global, ui).await,
    }
}
