//! What the libraries say, for `-v` and `-vv`; the level can be changed while it runs.

use std::io::{IsTerminal, Stderr, stderr};
use std::sync::OnceLock;

use tracing::{Level, Metadata};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt, reload};

use super::global::Global;
use crate::ui::journal::{Lines, Priority};

/// What the command line asks for, and how to change it. One for the process, as the log is.
static LOG: OnceLock<(Targets, reload::Handle<Targets, Registry>)> = OnceLock::new();

/// Sends log lines to stderr: warnings always, ours with `-v`, everybody's with `-vv`. The journal has times of its own.
pub(super) fn start(global: &Global, to_journal: bool) {
    let wanted = match global.verbose {
        0 => targets(LevelFilter::OFF, LevelFilter::WARN),
        1 => targets(LevelFilter::WARN, LevelFilter::DEBUG),
        _ => targets(LevelFilter::DEBUG, LevelFilter::TRACE),
    };
    let (filter, handle) = reload::Layer::new(wanted.clone());
    let lines = fmt::layer().with_target(global.verbose > 1);
    let lines = match to_journal {
        true => lines.with_ansi(false).without_time().with_level(false).with_writer(Journal).boxed(),
        false => lines.with_ansi(stderr().is_terminal()).with_writer(stderr).boxed(),
    };
    tracing_subscriber::registry().with(filter).with(lines).init();
    let _ = LOG.set((wanted, handle));
}

/// Our own lines at this level and above; `None` is what the command line says.
pub(super) fn set_level(level: Option<&str>) {
    let Some((of_command_line, handle)) = LOG.get() else { return };
    let level = level.and_then(|level| level.parse().ok());
    let wanted = level.map_or_else(|| of_command_line.clone(), |ours| targets(LevelFilter::WARN, ours));
    // The subscriber is there as long as the process is.
    let _ = handle.reload(wanted);
}

fn targets(others: LevelFilter, ours: LevelFilter) -> Targets {
    Targets::new().with_default(others).with_target("iotctl", ours)
}

/// Writes each event with the priority of its level.
struct Journal;

impl<'a> MakeWriter<'a> for Journal {
    type Writer = Lines<Stderr>;

    fn make_writer(&'a self) -> Self::Writer {
        Lines { priority: Priority::Info, inner: stderr() }
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Self::Writer {
        let priority = match *meta.level() {
            Level::ERROR => Priority::Error,
            Level::WARN => Priority::Warning,
            Level::INFO => Priority::Info,
            Level::DEBUG | Level::TRACE => Priority::Debug,
        };
        Lines { priority, inner: stderr() }
    }
}
