//! `iotctl completions`

use clap::Args;
use clap_complete::Shell;

use crate::error::Result;
use crate::ui::Ui;

/// Print the completion script of a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  iotctl completions bash > /etc/bash_completion.d/iotctl
  iotctl completions zsh > \"${fpath[1]}/_iotctl\"
")]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

pub(super) fn run(arguments: Completions, command: &mut clap::Command, ui: Ui) -> Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, command, "iotctl", &mut script);
    ui.bytes(&script);
    Ok(0)
}
