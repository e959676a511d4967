//! What the libraries say, for `-v` and `-vv`.

use std::io::IsTerminal;

use tracing_subscriber::filter::EnvFilter;

use super::global::Global;

/// Sends log lines to stderr: warnings always, ours with `-v`, everybody's with `-vv`.
pub(super) fn start(global: &Global) {
    let directives = match global.verbose {
        0 => "iotctl=warn",
        1 => "warn,iotctl=debug",
        _ => "debug,iotctl=trace",
    };
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(directives))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(global.verbose > 1)
        .init();
}
