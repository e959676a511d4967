//! What the libraries say, for `-v` and `-vv`; the level can be changed while it runs.

use std::io::IsTerminal;
use std::sync::OnceLock;

use tracing_subscriber::Registry;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt;

use super::global::Global;

/// What the command line says, and how to change what is in force. One for the process, as the log is.
static LOG: OnceLock<(Targets, Handle<Targets, Registry>)> = OnceLock::new();

/// Sends log lines to stderr: warnings always, ours with `-v`, everybody's with `-vv`.
pub(super) fn start(global: &Global) {
    let wanted = match global.verbose {
        0 => targets(LevelFilter::OFF, LevelFilter::WARN),
        1 => targets(LevelFilter::WARN, LevelFilter::DEBUG),
        _ => targets(LevelFilter::DEBUG, LevelFilter::TRACE),
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(global.verbose > 1);
    let (filter, handle) = reload::Layer::new(wanted.clone());
    tracing_subscriber::registry().with(filter).with(lines).init();
    let _ = LOG.set((wanted, handle));
}

fn targets(others: LevelFilter, ours: LevelFilter) -> Targets {
    Targets::new().with_default(others).with_target("iotctl", ours)
}

/// Our own lines at this level and above; `None` is what the command line says.
pub(super) fn set_level(level: Option<&str>) {
    let Some((of_command_line, handle)) = LOG.get() else { return };
    let ours = level.and_then(|level| level.parse().ok());
    let wanted = ours.map_or_else(|| of_command_line.clone(), |ours| targets(LevelFilter::WARN, ours));
    // The subscriber is there as long as the process is.
    let _ = handle.reload(wanted);
}
