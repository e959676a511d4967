//! `iotctl policy learn`

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;
use serde_json::json;

use super::source::Loaded;
use crate::error::{Error, Result};
use crate::policy::decision::Outcome;
use crate::policy::diff::{self, Change};
use crate::policy::document::{Document, MAX_LENGTH, counted_length};
use crate::policy::learn::{Learned, Observation, learn};
use crate::ui::Ui;

/// Learn the smallest policy from what devices did
///
/// Reads the decision log of `iotctl local` (`--decisions FILE`) and prints a policy template that allows what was allowed
/// and seen, and nothing else. The device's own name becomes a variable. With `--against` it shows what today's policy
/// grants beyond that. Nothing is sent.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  iotctl local --decisions seen.ndjson -- ./my-fleet-test
  iotctl policy learn seen.ndjson > templates/mine.json
  iotctl policy learn seen.ndjson --generalize 5 --against certs/pump-7
")]
pub(in crate::cli) struct Learn {
    /// The decision log, `-` for stdin
    log: PathBuf,
    /// Join the levels of a topic to `*` where so many different ones were seen
    #[arg(long, value_name = "N")]
    generalize: Option<NonZeroUsize>,
    /// Today's policy: a file, or a bundle's folder; shows what it grants beyond what was seen
    #[arg(long, value_name = "POLICY")]
    against: Option<PathBuf>,
    /// Learn from this client alone; can be repeated
    #[arg(long = "client-id", value_name = "ID")]
    clients: Vec<String>,
    /// Take what was denied for something that should be allowed
    #[arg(long)]
    include_denied: bool,
}

/// The part of a log line that matters.
#[derive(Deserialize)]
struct Line {
    client_id: Option<String>,
    thing: Option<String>,
    decision: Option<Decided>,
}

#[derive(Deserialize)]
struct Decided {
    outcome: Outcome,
    request: Asked,
}

#[derive(Deserialize)]
struct Asked {
    action: String,
    resource: String,
}

pub(super) fn run(arguments: &Learn, ui: Ui) -> Result<u8> {
    let observations = observations(arguments)?;
    let Some(arn) = observations.iter().find_map(|seen| scope(&seen.resource)) else {
        return Err(Error::bad_input(format!("`{}` holds no decision to learn from", arguments.log.display()))
            .hint("make a log: iotctl local --decisions seen.ndjson -- COMMAND"));
    };
    let learned = learn(&observations, arguments.generalize.map(NonZeroUsize::get));
    let document = learned.document(&arn);
    let length = counted_length(&document.to_string());
    if length > MAX_LENGTH {
        return Err(Error::bad_input(format!("what was learned has {length} characters; AWS takes {MAX_LENGTH}"))
            .hint("join levels: --generalize 3")
            .hint("or learn a policy for each sort of device: --client-id ID"));
    }
    let devices: BTreeSet<&str> = observations.iter().map(|seen| seen.client_id.as_str()).collect();
    ui.say(&format!(
        "{} different requests of {} {}: {} statements, {length} of {MAX_LENGTH} characters",
        observations.len(),
        devices.len(),
        if devices.len() == 1 { "device" } else { "devices" },
        learned.len()
    ));
    let beyond = arguments.against.as_deref().map(|path| beyond(path, &document)).transpose()?;
    if let Some(beyond) = &beyond {
        tell(beyond, ui);
    }
    answer(&learned, observations.len(), beyond.as_deref(), ui);
    Ok(0)
}

/// What was seen, each once.
fn observations(arguments: &Learn) -> Result<BTreeSet<Observation>> {
    let shown = arguments.log.display().to_string();
    let text = read(&arguments.log).map_err(|e| Error::bad_input(format!("cannot read `{shown}`")).because(e))?;
    let mut found = BTreeSet::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let line: Line = serde_json::from_str(line).map_err(|e| {
            Error::bad_input(format!("`{shown}`, line {}: this is no record of a decision log", number + 1)).because(e)
        })?;
        let (Some(client_id), Some(decided)) = (line.client_id, line.decision) else { continue };
        let wanted = arguments.clients.is_empty() || arguments.clients.contains(&client_id);
        if wanted && (decided.outcome == Outcome::Allowed || arguments.include_denied) {
            let Asked { action, resource } = decided.request;
            found.insert(Observation { client_id, thing: line.thing, action, resource });
        }
    }
    Ok(found)
}

fn read(path: &Path) -> std::io::Result<String> {
    match path == Path::new("-") {
        true => std::io::read_to_string(std::io::stdin()),
        false => std::fs::read_to_string(path),
    }
}

/// `arn:aws:iot:us-east-1:123456789012` of an ARN.
fn scope(arn: &str) -> Option<String> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    (parts.len() == 6).then(|| parts[..5].join(":"))
}

/// What today's policy allows, and the learned one does not.
fn beyond(path: &Path, learned: &serde_json::Value) -> Result<Vec<Change>> {
    let today = Loaded::read(path)?;
    let learned = Document::parse("learned", &learned.to_string())?;
    let changes = diff::diff((&today.name, &today.document), ("learned", &learned)).changes;
    Ok(changes.into_iter().filter(|change| change.before == Outcome::Allowed).collect())
}

fn tell(beyond: &[Change], ui: Ui) {
    if beyond.is_empty() {
        return ui.done("today's policy grants nothing beyond what was seen");
    }
    ui.heading("granted today, and never seen");
    for change in beyond {
        ui.say(&format!("  {} on {} ({})", change.actions.join(", "), change.resource, change.connection));
    }
    ui.say("");
}

fn answer(learned: &Learned, observations: usize, beyond: Option<&[Change]>, ui: Ui) {
    let template = learned.template();
    let value =
        json!({"template": template, "observations": observations, "statements": learned.len(), "beyond": beyond});
    ui.result(|| template.clone(), &value);
}
