//! `iotctl man`

use std::path::PathBuf;

use clap::Args;

use crate::error::{Error, Result};
use crate::ui::Ui;

/// Print the manual page, or write one page per verb into a folder
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  iotctl man | man -l -
  iotctl man --out /usr/local/share/man/man1
")]
pub(super) struct Man {
    /// Folder for all pages
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) fn run(arguments: Man, command: clap::Command, ui: Ui) -> Result<u8> {
    let cannot = |e: std::io::Error| Error::failed("cannot write the manual pages").because(e);
    match arguments.out {
        Some(folder) => {
            clap_mangen::generate_to(command, &folder).map_err(cannot)?;
            ui.done(&format!("manual pages in `{}`", folder.display()));
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page).map_err(cannot)?;
            ui.bytes(&page);
        }
    }
    Ok(0)
}
