//! The clock on the wall, and whether it is known to be right.
//!
//! A Raspberry Pi has no clock that goes on without power: it starts in the past, and steps when the network has told it the
//! time. Until then readings are marked; those that are not in the queue when it steps are dated anew, by the clock that
//! never jumps. What is in the queue stays as it was written: it may be on its way already.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::macros::datetime;

use crate::config::feeder::clock::ClockTrust;

/// No device has run this program before: a clock that says so is wrong.
const EARLIEST: OffsetDateTime = datetime!(2026-01-01 0:00 UTC);
/// The folder of systemd-timesyncd, and the file that it makes there when the clock is right
/// (systemd-timesyncd.service(8), "Files").
const TIMESYNCD: &str = "/run/systemd/timesync";
const SYNCHRONIZED: &str = "synchronized";

/// What is known of the clock on the wall.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Synchrony {
    /// It was set since the machine started.
    Synced,
    /// It was not.
    Unsynced,
    /// Nobody here says so: another program than systemd's keeps the time. Then it is taken to be right.
    #[default]
    Unknown,
}

impl Synchrony {
    /// What is known of the clock of this machine, which shows `utc`.
    pub fn of_this_machine(trust: &ClockTrust, utc: OffsetDateTime) -> Self {
        Self::look(trust, utc, Path::new(TIMESYNCD))
    }

    fn look(trust: &ClockTrust, utc: OffsetDateTime, timesyncd: &Path) -> Self {
        let said = |is_set: bool| if is_set { Self::Synced } else { Self::Unsynced };
        match trust {
            ClockTrust::Trusted => Self::Synced,
            ClockTrust::File(path) => said(path.exists()),
            ClockTrust::Auto if utc < EARLIEST => Self::Unsynced,
            ClockTrust::Auto if timesyncd.exists() => said(timesyncd.join(SYNCHRONIZED).exists()),
            ClockTrust::Auto => Self::Unknown,
        }
    }
}

/// What the clocks say at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The clock on the wall.
    pub utc: OffsetDateTime,
    /// The clock that never jumps.
    pub instant: Instant,
    /// Whether the clock on the wall is taken to be right.
    pub is_right: bool,
}

/// When something was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// By the clock on the wall.
    pub utc: OffsetDateTime,
    /// The same by the clock that never jumps, where the one on the wall was not known to be right.
    pub unsynced: Option<Instant>,
}

impl From<OffsetDateTime> for Stamp {
    /// By a clock that is right.
    fn from(utc: OffsetDateTime) -> Self {
        Self { utc, unsynced: None }
    }
}

impl From<Now> for Stamp {
    fn from(now: Now) -> Self {
        Self { utc: now.utc, unsynced: (!now.is_right).then_some(now.instant) }
    }
}

impl Stamp {
    /// The same moment as a clock that is right by now would have dated it; without one it stays.
    pub fn settled(self, now: Now) -> Self {
        let Some(taken) = self.unsynced.filter(|_| now.is_right) else { return self };
        let ago = now.instant.saturating_duration_since(taken);
        now.utc.checked_sub(ago.try_into().unwrap_or_default()).map_or(self, Self::from)
    }
}

/// Something that knows the time.
#[derive(Clone)]
pub struct Clock {
    now: Arc<dyn Fn() -> Now + Send + Sync>,
    /// Time alone: whether it is right takes a look at the disk.
    utc: Arc<dyn Fn() -> OffsetDateTime + Send + Sync>,
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({:?})", self.now())
    }
}

impl Clock {
    /// A clock that says what `now` says.
    pub fn new(now: impl Fn() -> Now + Send + Sync + 'static) -> Self {
        let now = Arc::new(now);
        Self { now: now.clone(), utc: Arc::new(move || now().utc) }
    }

    /// The clock of this machine.
    pub fn of_this_machine(trust: ClockTrust) -> Self {
        let now = move || {
            let utc = OffsetDateTime::now_utc();
            Now {
                utc,
                instant: Instant::now(),
                is_right: Synchrony::of_this_machine(&trust, utc) != Synchrony::Unsynced,
            }
        };
        Self { utc: Arc::new(OffsetDateTime::now_utc), ..Self::new(now) }
    }

    /// What it says.
    pub fn now(&self) -> Now {
        (self.now)()
    }

    /// The clock on the wall alone, right or not.
    pub fn utc(&self) -> OffsetDateTime {
        (self.utc)()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_was_measured_before_the_clock_stepped_is_dated_by_the_time_that_has_passed_since() {
        let start = Instant::now();
        let at = |seconds, utc, is_right| Now { utc, instant: start + Duration::from_secs(seconds), is_right };
        let taken = Stamp::from(at(0, datetime!(1970-01-01 0:00:07 UTC), false));
        let still_wrong = at(20, datetime!(1970-01-01 0:00:27 UTC), false);
        assert_eq!(taken.settled(still_wrong), taken);
        let right = at(30, datetime!(2026-11-25 12:00:30 UTC), true);
        assert_eq!(taken.settled(right), datetime!(2026-11-25 12:00:00 UTC).into());
    }

    #[test]
    fn what_was_dated_by_a_right_clock_stays_however_it_steps() {
        let stamp = Stamp::from(datetime!(2026-11-25 12:00 UTC));
        let now = Now { utc: datetime!(2026-11-25 13:00 UTC), instant: Instant::now(), is_right: true };
        assert_eq!(stamp.settled(now), stamp);
    }

    #[test]
    fn timesyncd_says_when_the_clock_is_right_and_without_it_only_the_past_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let (timesyncd, today) = (folder.path().join("timesync"), datetime!(2026-11-25 12:00 UTC));
        let auto = |utc| Synchrony::look(&ClockTrust::Auto, utc, &timesyncd);
        assert_eq!(auto(today), Synchrony::Unknown);
        assert_eq!(auto(datetime!(1970-01-01 0:00:07 UTC)), Synchrony::Unsynced);
        std::fs::create_dir(&timesyncd).unwrap();
        assert_eq!(auto(today), Synchrony::Unsynced);
        std::fs::write(timesyncd.join(SYNCHRONIZED), "").unwrap();
        assert_eq!(auto(today), Synchrony::Synced);
        assert_eq!(auto(datetime!(1970-01-01 0:00:07 UTC)), Synchrony::Unsynced);
    }

    #[test]
    fn a_file_of_the_users_choice_and_blind_trust_overrule_it() {
        let folder = tempfile::tempdir().unwrap();
        let (file, past) = (folder.path().join("right"), datetime!(1970-01-01 0:00 UTC));
        let by = |trust| Synchrony::look(&trust, past, folder.path());
        assert_eq!(by(ClockTrust::Trusted), Synchrony::Synced);
        assert_eq!(by(ClockTrust::File(file.clone())), Synchrony::Unsynced);
        std::fs::write(&file, "").unwrap();
        assert_eq!(by(ClockTrust::File(file)), Synchrony::Synced);
    }
}
