//! What the libraries say, for `-v` and `-vv`.

use std::io::IsTerminal;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::global::Global;

/// Sends log lines to stderr: warnings always, ours with `-v`, everybody's with `-vv`.
pub(super) fn start(global: &Global) {
    let (others, ours) = match global.verbose {
        0 => (LevelFilter::OFF, LevelFilter::WARN),
        1 => (LevelFilter::WARN, LevelFilter::DEBUG),
        _ => (LevelFilter::DEBUG, LevelFilter::TRACE),
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(global.verbose > 1);
    let wanted = Targets::new().with_default(others).with_target("iotctl", ours);
    tracing_subscriber::registry().with(lines).with(wanted).init();
}
