//! `iotctl health`

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::json;
use time::OffsetDateTime;

use super::checks;
use super::spooling;
use crate::bundle::FEEDER_FILE;
use crate::bundle::folder::Folder;
use crate::config::duration;
use crate::config::feeder::FeederSettings;
use crate::device::health::status::{State, Status};
use crate::device::health::store;
use crate::error::{Error, Kind, Result};
use crate::names::ThingName;
use crate::ui::Ui;

/// Say how a running feeder is: last reading, last acknowledgement, queue, losses, clock
///
/// Exit code 0: readings come and arrive. 1: they do not (a reading, or an acknowledgement that something waits for, is
/// too old). 6: no feeder is at work there. It asks nobody and changes nothing: the feeder writes down how it is.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  iotctl health --bundle certs/pump-7
  iotctl health --spool /var/lib/iotctl-pump-7 --max-age 2m
  iotctl health --bundle certs/pump-7 -o json
")]
pub(super) struct Health {
    /// The bundle of the feeder, or a folder that holds it [default: certs]
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,
    /// Which one, if the folder holds several
    #[arg(long, value_name = "NAME")]
    thing: Option<ThingName>,
    /// The folder of its queue
    #[arg(long, value_name = "DIR", conflicts_with = "bundle")]
    spool: Option<PathBuf>,
    /// The file that its --health names
    #[arg(long, value_name = "FILE", conflicts_with_all = ["bundle", "spool"])]
    file: Option<PathBuf>,
    /// How old a reading or an owed acknowledgement may be [default: three intervals, and 1m at least]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    max_age: Option<Duration>,
}

pub(super) fn run(arguments: Health, ui: Ui) -> Result<u8> {
    let path = place(&arguments)?;
    let status = store::read(&path)?;
    let now = OffsetDateTime::now_utc();
    let id = status.about.client_id.clone();
    let checks = status.judge(now, arguments.max_age);
    if ui.is_for_programs() {
        let age = status.age(now);
        let current = status.is_current(now);
        ui.result(String::new, &json!({"age_s": age, "current": current, "status": status, "checks": checks}));
    } else {
        checks::show(&id, &checks, ui);
    }
    if !status.is_current(now) {
        return Err(gone(&status, now, &path));
    }
    match checks::verdict(&id, &checks, Error::failed) {
        None => Ok(0),
        Some(error) => Err(error),
    }
}

/// Where the feeder writes: what the flags name, else where the bundle has its queue.
fn place(arguments: &Health) -> Result<PathBuf> {
    if let Some(file) = &arguments.file {
        return Ok(file.clone());
    }
    if let Some(spool) = &arguments.spool {
        return Ok(spool.join(store::FILE));
    }
    let folder = Folder::find(arguments.bundle.as_deref().unwrap_or(Path::new("certs")), arguments.thing.as_ref())?;
    let settings = folder.file(FEEDER_FILE);
    let settings = if settings.exists() { FeederSettings::read(&settings)? } else { FeederSettings::default() };
    let spool = spooling::folder(settings.queue, &settings.spool, Some(folder.path().to_owned()))?;
    let in_memory = || {
        Error::usage(format!("the feeder of `{}` keeps its queue in memory", folder.path().display()))
            .hint("let it write elsewhere: iotctl run --health FILE, and then: iotctl health --file FILE")
    };
    spool.map(|spool| spool.join(store::FILE)).ok_or_else(in_memory)
}

fn gone(status: &Status, now: OffsetDateTime, path: &Path) -> Error {
    let (age, waiting) = (status.age(now), status.waiting);
    let what = match status.state {
        State::Stopped => format!("the feeder ended {age:.0} s ago"),
        _ => format!("process {} has not said how it is for {age:.0} s", status.about.pid),
    };
    Error::new(Kind::Unreachable, format!("{what}; {waiting} messages wait"))
        .hint("start it: iotctl run --bundle DIR; as a service: systemctl status 'iotctl*'")
        .hint(format!("what it said last stands in {}", path.display()))
}
