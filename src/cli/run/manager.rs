//! systemd, where it started this process: told when the feeder is ready, reloads and stops, and fed while all moves.

use std::time::Duration;

use sd_notify::NotifyState;

use crate::config::environment;

/// Without a watchdog, the status line is made anew this often.
const SLOWEST: Duration = Duration::from_secs(10);

/// The service manager; without one, everything goes nowhere.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manager {
    /// The longest that its watchdog waits to be fed.
    pub(super) watchdog: Option<Duration>,
    is_there: bool,
}

impl Manager {
    /// What the environment says (sd_notify(3), sd_watchdog_enabled(3)).
    pub(super) fn of_environment() -> Self {
        let is_there = environment::has_service_manager();
        Self { watchdog: sd_notify::watchdog_enabled().filter(|_| is_there), is_there }
    }

    /// From one look at the feeder to the next; `None` if nobody wants to know.
    pub(super) fn every(self) -> Option<Duration> {
        self.is_there.then(|| self.watchdog.map_or(SLOWEST, |watchdog| watchdog / 3).min(SLOWEST))
    }

    /// The queue is open, and sensors are sampled.
    pub(super) fn ready(self) {
        self.tell(&[NotifyState::Ready]);
    }

    /// All moves.
    pub(super) fn feed(self) {
        if self.watchdog.is_some() {
            self.tell(&[NotifyState::Watchdog]);
        }
    }

    /// One line for `systemctl status`.
    pub(super) fn status(self, line: &str) {
        self.tell(&[NotifyState::Status(line)]);
    }

    /// The settings are read anew, until [`Manager::ready`].
    pub(super) fn reloading(self) {
        // The time makes it right for `Type=notify-reload` too (sd_notify(3)).
        let now = NotifyState::monotonic_usec_now();
        self.tell(&[Some(NotifyState::Reloading), now.ok()].into_iter().flatten().collect::<Vec<_>>());
    }

    /// The last acknowledgements are waited for.
    pub(super) fn stopping(self) {
        self.tell(&[NotifyState::Stopping]);
    }

    fn tell(self, state: &[NotifyState<'_>]) {
        if let Err(error) = sd_notify::notify(state) {
            tracing::debug!("the service manager cannot be told: {error}");
        }
    }
}
