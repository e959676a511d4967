//! `iotctl shadow get`

use clap::Args;

use super::which::Which;
use crate::cli::global::Global;
use crate::cli::provision::client_options;
use crate::control::{client, shadow};
use crate::error::{Error, Result};
use crate::names::ShadowAddress;
use crate::ui::Ui;

/// Print a shadow: what is desired, what is reported, and what differs
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  iotctl shadow get --thing pump-7
  iotctl shadow get --thing pump-7 --name iotctl -o json
")]
pub(in crate::cli) struct Get {
    #[command(flatten)]
    which: Which,
}

pub(super) async fn run(arguments: &Get, global: &Global, ui: Ui) -> Result<u8> {
    let address = arguments.which.address();
    let client = client::connect(&client_options(global)).await?;
    match shadow::get(&client, &address).await? {
        Some(document) => ui.result(|| format!("{document:#}"), &document),
        None => return Err(missing(&address, &shadow::names(&client, &address).await?)),
    }
    Ok(0)
}

fn missing(address: &ShadowAddress, names: &[String]) -> Error {
    let name = address.name.as_ref().map_or_else(String::new, |name| format!(" --name {name}"));
    let error = Error::failed(format!("there is no such shadow: {address}"));
    let error = match names {
        [] => error,
        names => error.hint(format!("named shadows of this thing: {}", names.join(", "))),
    };
    error.hint(format!("an update makes it: iotctl shadow set --thing {}{name} interval=5s", address.thing))
}
