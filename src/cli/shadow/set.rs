//! `iotctl shadow set`

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::assignment::Assignment;
use super::which::Which;
use crate::cli::global::Global;
use crate::cli::provision::client_options;
use crate::config::duration;
use crate::control::client::{self, Client};
use crate::control::shadow;
use crate::error::{Error, Kind, Result};
use crate::names::ShadowAddress;
use crate::ui::Ui;

/// Change a shadow: what is sent is merged, the rest stays
///
/// Fields that are `null` are deleted. With `--version` it is refused (exit code 7) if somebody changed the shadow
/// meanwhile. With `--wait` it is done when the device reports all that is desired (exit code 6 if it does not in time).
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  iotctl shadow set --thing pump-7 --name iotctl streams.humidity.enabled=false --wait 30s
  iotctl shadow set --thing pump-7 --desired '{\"valve\": \"open\"}' --version 4
  iotctl shadow set --thing pump-7 --name iotctl --desired settings.json
")]
pub(in crate::cli) struct Set {
    #[command(flatten)]
    which: Which,
    /// Fields to desire, as `interval=2s`, `streams.humidity.enabled=false`, `old=null`
    #[arg(value_name = "FIELD=VALUE")]
    fields: Vec<Assignment>,
    /// What to desire: JSON, a file that holds it, or `-` for standard input
    #[arg(long, value_name = "JSON")]
    desired: Option<String>,
    /// What to report in the device's place
    #[arg(long, value_name = "JSON")]
    reported: Option<String>,
    /// Only if this is the version that is there
    #[arg(long, value_name = "N")]
    version: Option<u64>,
    /// Wait until the device reports what is desired
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    wait: Option<Duration>,
}

/// From one look to the next while the device is waited for.
const LOOK: Duration = Duration::from_millis(500);

pub(super) async fn run(arguments: &Set, global: &Global, ui: Ui) -> Result<u8> {
    let address = arguments.which.address();
    let document = json_document(arguments)?;
    let client = client::connect(&client_options(global)).await?;
    let mut answer = shadow::update(&client, &address, &document).await?;
    ui.done(&format!("{address} is at version {}", answer["version"]));
    if let Some(patience) = arguments.wait {
        answer = agreed(&client, &address, patience).await?;
        ui.done("the device reports what is desired");
    }
    ui.result(String::new, &answer);
    Ok(0)
}

fn json_document(arguments: &Set) -> Result<Value> {
    let mut state = Map::new();
    let given = [("desired", &arguments.desired), ("reported", &arguments.reported)];
    for (name, text) in given {
        if let Some(text) = text {
            state.insert(name.to_owned(), section(name, text)?);
        }
    }
    if !arguments.fields.is_empty() {
        let desired = state.entry("desired").or_insert_with(|| json!({}));
        let desired =
            desired.as_object_mut().ok_or_else(|| Error::usage("`--desired null` leaves no fields to set"))?;
        arguments.fields.iter().for_each(|field| field.put_into(desired));
    }
    if state.is_empty() {
        return Err(Error::usage("nothing to change").hint("give fields, as interval=2s, or --desired JSON"));
    }
    let mut document = json!({"state": state});
    if let Some(version) = arguments.version {
        document["version"] = json!(version);
    }
    Ok(document)
}

/// JSON as it stands, of a file, or of standard input.
fn section(name: &str, text: &str) -> Result<Value> {
    let is_json = text.trim_start().starts_with('{') || text.trim() == "null";
    let (source, text) = match text {
        "-" => ("standard input", read_all(std::io::stdin().lock(), "standard input")?),
        text if is_json => ("argument", text.to_owned()),
        path => {
            let file = std::fs::File::open(Path::new(path));
            let file = file.map_err(|e| {
                Error::bad_input(format!("cannot read `{path}`"))
                    .because(e)
                    .hint("JSON begins with `{`, as '{\"a\": 1}'")
            })?;
            (path, read_all(file, path)?)
        }
    };
    match serde_json::from_str(&text) {
        Ok(value @ (Value::Object(_) | Value::Null)) => Ok(value),
        Ok(_) => Err(Error::bad_input(format!("--{name}: `{source}` holds no JSON object"))),
        Err(error) => Err(Error::bad_input(format!("--{name}: `{source}` holds no JSON")).because(error)),
    }
}

fn read_all(mut from: impl Read, name: &str) -> Result<String> {
    let mut text = String::new();
    let read = from.read_to_string(&mut text);
    read.map(|_| text).map_err(|e| Error::bad_input(format!("cannot read `{name}`")).because(e))
}

/// The document once nothing in it differs.
async fn agreed(client: &Client, address: &ShadowAddress, patience: Duration) -> Result<Value> {
    let deadline = Instant::now() + patience;
    loop {
        let document = shadow::get(client, address).await?.unwrap_or_default();
        let delta = &document["state"]["delta"];
        let complaint = &document["state"]["reported"]["config_error"];
        if delta.is_null() {
            return Ok(document);
        }
        if Instant::now() + LOOK > deadline {
            let error = Error::new(Kind::Unreachable, format!("the device does not report what is desired: {delta}"));
            return Err(match complaint.as_str() {
                Some(complaint) => error.hint(format!("it says: {complaint}")),
                None => error.hint("is it connected, and does it run with --remote-config?"),
            });
        }
        tokio::time::sleep(LOOK).await;
    }
}
