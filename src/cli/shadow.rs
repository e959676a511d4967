//! `iotctl shadow`

use clap::Subcommand;

use super::global::Global;
use crate::error::Result;
use crate::ui::Ui;

mod assignment;
mod get;
mod set;
mod watch;
mod which;

/// Shadows of things: read, change and watch them, with the credentials of the AWS CLI
///
/// The classic shadow has no name; `iotctl run --remote-config` takes its settings from the one named `iotctl`.
#[derive(Debug, Subcommand)]
pub(super) enum Shadow {
    Get(get::Get),
    Set(set::Set),
    Watch(watch::Watch),
}

pub(super) async fn run(command: Shadow, global: &Global, ui: Ui) -> Result<u8> {
    match command {
        Shadow::Get(arguments) => get::run(&arguments, global, ui).await,
        Shadow::Set(arguments) => set::run(&arguments, global, ui).await,
        Shadow::Watch(arguments) => watch::run(&arguments, global, ui).await,
    }
}
