//! `iotctl shadow watch`

use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::which::Which;
use crate::cli::global::Global;
use crate::cli::provision::client_options;
use crate::cli::signals;
use crate::config::duration;
use crate::control::client::{self, Client};
use crate::control::shadow;
use crate::error::Result;
use crate::names::ShadowAddress;
use crate::ui::Ui;

/// Follow a shadow: print it, and again with every change
///
/// It asks again and again, with your credentials, so no device identity is needed; of several changes between two looks
/// the last one is shown. What every message says: iotctl sub '$aws/things/NAME/shadow/update/documents'.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  iotctl shadow watch --thing pump-7 --name iotctl
  iotctl shadow watch --thing pump-7 --every 10s -o ndjson
")]
pub(in crate::cli) struct Watch {
    #[command(flatten)]
    which: Which,
    /// From one look to the next
    #[arg(long, default_value = "2s", value_name = "TIME", value_parser = duration::parse)]
    every: Duration,
    /// End after so many documents
    #[arg(short = 'C', long, value_name = "N")]
    count: Option<u64>,
}

pub(super) async fn run(arguments: &Watch, global: &Global, ui: Ui) -> Result<u8> {
    let stop = signals::stop()?;
    let address = arguments.which.address();
    let client = client::connect(&client_options(global)).await?;
    tokio::select! {
        stopped = stop => Ok(stopped.exit_code()),
        followed = follow(&client, &address, arguments, ui) => followed.map(|()| 0),
    }
}

async fn follow(client: &Client, address: &ShadowAddress, arguments: &Watch, ui: Ui) -> Result<()> {
    let mut shown = None;
    let mut left = arguments.count;
    while left != Some(0) {
        let document = shadow::get(client, address).await?;
        let version = document.as_ref().map(|document| document["version"].clone());
        if shown.as_ref() != Some(&version) {
            match &document {
                Some(document) => ui.event(|| sentence(document), document),
                None => ui.say(&format!("there is no such shadow: {address}")),
            }
            left = left.map(|left| left - u64::from(document.is_some()));
            shown = Some(version);
        }
        if left != Some(0) {
            tokio::time::sleep(arguments.every).await;
        }
    }
    Ok(())
}

/// The sections that are there, in one line.
fn sentence(document: &Value) -> String {
    let sections = ["desired", "reported", "delta"].into_iter().filter_map(|name| {
        let section = document["state"].get(name)?;
        Some(format!("  {name} {section}"))
    });
    format!("version {}{}", document["version"], sections.collect::<String>())
}
