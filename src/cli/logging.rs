//! What the libraries say, for `-v` and `-vv`.

use std::io::{IsTerminal, Stderr, stderr};

use tracing::{Level, Metadata};
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::global::Global;
use crate::ui::journal::{Lines, Priority};

/// Sends log lines to stderr: warnings always, ours with `-v`, everybody's with `-vv`. The journal has times of its own.
pub(super) fn start(global: &Global, to_journal: bool) {
    let directives = match global.verbose {
        0 => "iotctl=warn",
        1 => "warn,iotctl=debug",
        _ => "debug,iotctl=trace",
    };
    let log = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(directives)).with_target(global.verbose > 1);
    match to_journal {
        true => log.with_ansi(false).without_time().with_level(false).with_writer(Journal).init(),
        false => log.with_ansi(stderr().is_terminal()).with_writer(stderr).init(),
    }
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
