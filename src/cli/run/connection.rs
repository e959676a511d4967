//! How the connection is treated.

use std::time::Duration;

use clap::Args;

use crate::config::connection::{SERVICE_SPREAD, parse_drain, parse_keep_alive, parse_start_jitter};
use crate::config::environment;
use crate::config::feeder::FeederSettings;
use crate::device::session::Limits;
use crate::mqtt::Settings;

/// The connection.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connection")]
pub(super) struct Connection {
    /// Most messages a second, evenly; AWS IoT takes 100, and the tutorial's is 2 [default: 50, and 40 more at once]
    #[arg(long, value_name = "N", value_parser = parse_drain)]
    drain: Option<u8>,
    /// Longest silence before the broker is asked whether it is there, 30 to 1200 seconds [default: 30]
    #[arg(long, value_name = "TIME", value_parser = parse_keep_alive)]
    keep_alive: Option<Duration>,
    /// First connect after a random part of this, as a whole fleet may start at once; sampling begins at once
    /// [default: 30s as a service of systemd, else 0]
    #[arg(long, value_name = "TIME", value_parser = parse_start_jitter)]
    start_jitter: Option<Duration>,
}

impl Connection {
    /// Puts the flags on top of the settings of feeder.toml.
    pub(super) fn over(&self, settings: &mut FeederSettings) {
        settings.drain = self.drain.or(settings.drain);
        settings.keep_alive = self.keep_alive.or(settings.keep_alive);
    }

    /// How eager the session is. `dice` is between 0 and 1; a run with an end waits for nobody, unless a flag says so.
    pub(super) fn limits(&self, settings: &FeederSettings, has_end: bool, dice: f64) -> Limits {
        let of_service = || environment::has_service_manager().then_some(SERVICE_SPREAD);
        let of_endless = || settings.start_jitter.or_else(of_service).filter(|_| !has_end);
        let spread = self.start_jitter.or_else(of_endless).unwrap_or_default();
        let limits = Limits { start_delay: spread.mul_f64(dice), ..Limits::default() };
        settings.drain.map_or(limits, |rate| limits.drained_at(rate))
    }
}

/// How patient the connection is.
pub(super) fn patience(settings: &FeederSettings) -> Settings {
    let patience = Settings::default();
    Settings { keep_alive: settings.keep_alive.unwrap_or(patience.keep_alive), ..patience }
}
