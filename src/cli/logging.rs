//! What the libraries say, for `-v` and `-vv`; the level can be changed while it runs.

use std::io::IsTerminal;
use std::sync::OnceLock;

use tracing_subscriber::filter::EnvFilter;

use super::global::Global;

/// Puts directives in force.
type Setter = Box<dyn Fn(&str) + Send + Sync>;

/// The level of the command line, and how to change it. One for the process, as the log is.
static LOG: OnceLock<(&'static str, Setter)> = OnceLock::new();

/// Sends log lines to stderr: warnings always, ours with `-v`, everybody's with `-vv`.
pub(super) fn start(global: &Global) {
    let directives = match global.verbose {
        0 => "iotctl=warn",
        1 => "warn,iotctl=debug",
        _ => "debug,iotctl=trace",
    };
    let log = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(directives))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(global.verbose > 1)
        .with_filter_reloading();
    let filter = log.reload_handle();
    log.init();
    let set = move |directives: &str| {
        // The subscriber is there as long as the process is.
        let _ = filter.reload(EnvFilter::new(directives));
    };
    let _ = LOG.set((directives, Box::new(set)));
}

/// Our own lines at this level and above; `None` is what the command line says.
pub(super) fn set_level(level: Option<&str>) {
    if let Some((of_command_line, set)) = LOG.get() {
        let directives = level.map_or((*of_command_line).to_owned(), |level| format!("warn,iotctl={level}"));
        set(&directives);
    }
}
