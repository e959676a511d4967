//! The connection as a watcher sees it.

use std::time::Duration;

/// Where the connection is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::device) enum Link {
    /// Nothing was tried yet: a fleet that starts together spreads its first connects.
    #[default]
    Starting,
    /// An attempt is under way.
    Connecting {
        /// Since when.
        since: Duration,
    },
    /// It stands.
    Online {
        /// Since when.
        since: Duration,
    },
    /// There is none; the next attempt is at `until`.
    Waiting {
        /// Since when there has been none.
        since: Duration,
        /// When the next attempt is due.
        until: Duration,
        /// Why there is none.
        reason: String,
    },
}

/// The longest that the first connect may be put off, and the whole of an attempt may take.
const LONGEST_START: Duration = Duration::from_secs(15 * 60);
const LONGEST_ATTEMPT: Duration = Duration::from_secs(10);

impl Link {
    /// What it is after a loss, or after an attempt that failed.
    pub(super) fn after_loss(&self, now: Duration, retry_in: Duration, reason: String) -> Self {
        Self::Waiting { since: now, until: now + retry_in, reason }
    }

    /// Why it does not move; `moved` is when something was acknowledged, or first owed.
    pub(super) fn stalled(&self, now: Duration, patience: Duration, moved: Option<Duration>) -> Option<String> {
        let (due, what) = match self {
            Self::Starting => (LONGEST_START, "the first attempt to connect is overdue"),
            Self::Connecting { since } => (*since + LONGEST_ATTEMPT, "an attempt to connect neither stands nor fails"),
            Self::Waiting { until, .. } => (*until, "the next attempt to connect is overdue"),
            // A publish that is not acknowledged ends the connection, so this stands still only if the feeder does.
            Self::Online { since } => {
                (moved?.max(*since) + LONGEST_ATTEMPT, "the connection stands, and nothing is acknowledged")
            }
        };
        (now > due + patience).then(|| what.to_owned())
    }
}
