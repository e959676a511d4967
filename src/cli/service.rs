//! `iotctl service`

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use crate::bundle::FEEDER_FILE;
use crate::bundle::atomic::{self, PUBLIC};
use crate::bundle::folder::Folder;
use crate::bundle::manifest::Manifest;
use crate::config::feeder::FeederSettings;
use crate::device::unit::{self, Unit};
use crate::error::{Error, Kind, Result};
use crate::names::ThingName;
use crate::ui::Ui;

/// Run a bundle's feeder as a systemd service
#[derive(Debug, Subcommand)]
pub(super) enum Service {
    Print(Print),
    Install(Install),
}

/// Show the unit that `install` would write; nothing is changed
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  iotctl service print --bundle certs/pump-7 | sudo tee /etc/systemd/system/iotctl-pump-7.service
")]
pub(super) struct Print {
    #[command(flatten)]
    what: What,
}

/// Write the unit, and feeder.toml to where the service can read it; run the commands it names to start
///
/// The service runs as a user of its own, reads the key as a systemd credential, keeps its queue in /var/lib and reaches
/// only the device nodes of its sensors. The settings are copied to /etc/iotctl-THING/feeder.toml, and one that is there
/// already stays; change it and type `systemctl reload`. The bundle stays where it is.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sudo iotctl service install --bundle /etc/iotctl/pump-7
  iotctl service install --bundle certs/pump-7 --program /usr/bin/iotctl --root ./image
")]
pub(super) struct Install {
    #[command(flatten)]
    what: What,
    /// Write below this folder instead of the system's root: for images, packages and tests
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
}

/// The feeder.
#[derive(Debug, Args)]
struct What {
    /// The bundle, or a folder that holds it
    #[arg(long, default_value = "certs", value_name = "DIR")]
    bundle: PathBuf,
    /// Which one, if the folder holds several
    #[arg(long, value_name = "NAME")]
    thing: Option<ThingName>,
    /// Where the program is on the device [default: this one]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

pub(super) fn run(command: Service, ui: Ui) -> Result<u8> {
    match command {
        Service::Print(Print { what }) => {
            let prepared = what.prepared()?;
            let text = prepared.unit.text()?;
            ui.result(|| text.clone(), &json!({"unit": file_name(&prepared.unit), "text": text}));
        }
        Service::Install(Install { what, root }) => install(&what.prepared()?, root.as_deref(), ui)?,
    }
    Ok(0)
}

/// What is written, before anything is.
struct Prepared {
    unit: Unit,
    /// The text of feeder.toml.
    settings: String,
}

impl What {
    fn prepared(&self) -> Result<Prepared> {
        let folder = Folder::find(&self.bundle, self.thing.as_ref())?;
        let manifest = folder.manifest()?;
        let settings = settings(&folder, &manifest)?;
        let absolute = |path: &Path| {
            fs::canonicalize(path).map_err(|e| Error::bad_input(format!("cannot find `{}`", path.display())).because(e))
        };
        let this = || std::env::current_exe().map_err(|e| Error::failed("cannot find this program").because(e));
        let program = self.program.clone().map_or_else(this, Ok)?;
        let devices = unit::devices(&FeederSettings::parse(FEEDER_FILE, &settings)?);
        let unit = Unit { thing: manifest.thing, program, bundle: absolute(folder.path())?, devices };
        Ok(Prepared { unit, settings })
    }
}

/// feeder.toml of the bundle; a bundle without one has its first topic and the defaults.
fn settings(folder: &Folder, manifest: &Manifest) -> Result<String> {
    let path = folder.file(FEEDER_FILE);
    match (path.exists(), manifest.topics.first()) {
        (true, _) => atomic::read(&path),
        (false, Some(topic)) => Ok(FeederSettings::file_for(topic)),
        (false, None) => Err(Error::bad_input(format!("`{}` names no topic", folder.path().display()))
            .hint(format!("write one: {}", path.display()))),
    }
}

fn file_name(unit: &Unit) -> String {
    format!("{}.service", unit.name())
}

fn install(Prepared { unit, settings }: &Prepared, root: Option<&Path>, ui: Ui) -> Result<()> {
    refuse_home(&unit.program)?;
    let below = |path: &str| root.map_or_else(|| PathBuf::from("/").join(path), |root| root.join(path));
    let unit_path = below("etc/systemd/system").join(file_name(unit));
    let settings_path = below("etc").join(unit.name()).join(FEEDER_FILE);
    let text = unit.text()?;
    let is_new = write(&unit_path, &text).map_err(|error| as_root(error, unit))?;
    let kept = settings_path.exists();
    if !kept {
        write(&settings_path, settings).map_err(|error| as_root(error, unit))?;
    }
    if is_new {
        ui.done(&format!("wrote {}", unit_path.display()))
    } else {
        ui.same(&format!("{} is as it was", unit_path.display()))
    }
    match kept {
        true => ui.same(&format!("{} stays as it is", settings_path.display())),
        false => ui.done(&format!("wrote {}; from now on it is the one that counts", settings_path.display())),
    }
    let missing = missing_groups(unit, &below("etc/group"));
    missing
        .iter()
        .for_each(|group| ui.warn(&format!("there is no group `{group}` yet: sudo groupadd --system {group}")));
    let next = next_commands(unit);
    let value = json!({"unit": unit_path, "settings": settings_path, "changed": is_new, "next": next});
    ui.result(|| format!("next:\n  {}", next.join("\n  ")), &value);
    Ok(())
}

/// The service sees no home folders: a program in one could not be started.
fn refuse_home(program: &Path) -> Result<()> {
    if !["/home", "/root", "/run/user"].iter().any(|home| program.starts_with(home)) {
        return Ok(());
    }
    let shown = program.display();
    Err(Error::new(Kind::Configuration, format!("a service cannot see `{shown}`: home folders are hidden from it"))
        .hint(format!("sudo install -m 755 {shown} /usr/local/bin/iotctl"))
        .hint("then: sudo /usr/local/bin/iotctl service install --bundle DIR, or --program FILE"))
}

/// Writes what is not there already; whether it was.
fn write(path: &Path, text: &str) -> Result<bool> {
    if fs::read(path).is_ok_and(|found| found == text.as_bytes()) {
        return Ok(false);
    }
    let cannot = |e| Error::failed(format!("cannot write `{}`", path.display())).because(e);
    path.parent().map_or(Ok(()), fs::create_dir_all).map_err(cannot)?;
    atomic::replace(path, text.as_bytes(), PUBLIC).map(|()| true)
}

fn as_root(error: Error, unit: &Unit) -> Error {
    // A full disk has a cure of its own.
    if !error.hints().is_empty() {
        return error;
    }
    let bundle = unit.bundle.display();
    error
        .hint(format!("as root: sudo {} service install --bundle {bundle}", unit.program.display()))
        .hint("or into a folder of your own: --root DIR; to look at it: iotctl service print")
}

fn missing_groups(unit: &Unit, file: &Path) -> Vec<&'static str> {
    let groups = fs::read_to_string(file).unwrap_or_default();
    let is_there = |group: &str| groups.lines().any(|line| line.split(':').next() == Some(group));
    unit.groups().into_iter().filter(|group| !is_there(group)).collect()
}

fn next_commands(unit: &Unit) -> [String; 4] {
    let name = unit.name();
    [
        "sudo systemctl daemon-reload".to_owned(),
        format!("sudo systemctl enable --now {name}"),
        format!("systemctl status {name}; journalctl -u {name} -p warning"),
        format!("iotctl health --file /run/{name}/health.json"),
    ]
}
