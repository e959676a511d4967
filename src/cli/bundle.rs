//! `iotctl bundle`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;
use time::OffsetDateTime;

use crate::bundle::folder::Folder;
use crate::bundle::manifest::Manifest;
use crate::bundle::verify::{Check, verify};
use crate::error::{Error, Result};
use crate::names::ThingName;
use crate::ui::Ui;

/// Look into a device bundle
#[derive(Debug, Subcommand)]
pub(super) enum Bundle {
    Show(Show),
    Verify(Verify),
}

/// Show what a bundle is: thing, endpoint, certificate, topics (never the key)
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  iotctl bundle show certs/pump-7
")]
pub(super) struct Show {
    #[command(flatten)]
    which: Which,
}

/// Check a bundle: hashes, key and certificate, validity, file modes, endpoint
///
/// Every failure names its cure. Nothing is sent, nothing is changed. Exit code 65 if a check fails.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  iotctl bundle verify certs/pump-7
")]
pub(super) struct Verify {
    #[command(flatten)]
    which: Which,
}

/// A bundle: its folder, or a folder that holds it.
#[derive(Debug, Args)]
struct Which {
    /// The bundle, or a folder of bundles
    #[arg(default_value = "certs", value_name = "DIR")]
    folder: PathBuf,
    /// Which one, if the folder holds several
    #[arg(long, value_name = "NAME")]
    thing: Option<ThingName>,
}

pub(super) fn run(command: Bundle, ui: Ui) -> Result<u8> {
    match command {
        Bundle::Show(Show { which }) => {
            let folder = Folder::find(&which.folder, which.thing.as_ref())?;
            let manifest = folder.manifest()?;
            ui.result(|| sheet(&folder, &manifest), &manifest);
        }
        Bundle::Verify(Verify { which }) => {
            let folder = Folder::find(&which.folder, which.thing.as_ref())?;
            report(&folder, &verify(&folder, OffsetDateTime::now_utc()), ui)?;
        }
    }
    Ok(0)
}

fn sheet(folder: &Folder, manifest: &Manifest) -> String {
    let text = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let topics: Vec<_> = manifest.topics.iter().map(ToString::to_string).collect();
    let rows = [
        ("bundle", folder.path().display().to_string()),
        ("state", format!("{:?}", manifest.state).to_lowercase()),
        ("thing", manifest.thing.to_string()),
        ("client id", manifest.client_id.to_string()),
        ("endpoint", text(manifest.endpoint.as_ref().map(|host| format!("{host}:{}", manifest.port)))),
        ("region", text(manifest.region.as_ref().map(ToString::to_string))),
        ("account", text(manifest.account.as_ref().map(ToString::to_string))),
        ("certificate", text(manifest.certificate_id.clone())),
        ("policy", text(manifest.policy.as_ref().map(ToString::to_string))),
        ("topics", topics.join(", ")),
        ("made by", manifest.made_by.clone()),
    ];
    rows.map(|(name, value)| format!("{name:<12} {value}")).join("\n")
}

fn report(folder: &Folder, checks: &[Check], ui: Ui) -> Result<()> {
    let value = json!({"bundle": folder.path(), "ok": checks.iter().all(|c| c.ok), "checks": checks});
    ui.result(|| checks.iter().map(line).collect::<Vec<_>>().join("\n"), &value);
    match checks.iter().filter(|check| !check.ok).count() {
        0 => Ok(()),
        failed => Err(Error::bad_input(format!(
            "{failed} of {} checks failed for `{}`",
            checks.len(),
            folder.path().display()
        ))),
    }
}

fn line(check: &Check) -> String {
    let mark = if check.ok { "ok  " } else { "FAIL" };
    let cure = check.cure.as_ref().map_or(String::new(), |cure| format!("\n{:18}cure: {cure}", ""));
    format!("{mark} {:<12} {}{cure}", check.name, check.found)
}
