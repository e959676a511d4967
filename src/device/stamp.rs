//! When something was measured, by a clock on the wall that may not be right.
//!
//! A Raspberry Pi has no clock that goes on without power: it starts in the past, and steps when the network has told it the
//! time. Until then readings are marked; those that are not in the queue when it steps are dated anew, by the clock that
//! never jumps. What is in the queue stays as it was written: it may be on its way already.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use time::OffsetDateTime;

use super::clock::{Clock, TIMESYNC};
use crate::config::feeder::clock::ClockTrust;

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
pub struct WallClock(Arc<dyn Fn() -> Now + Send + Sync>);

impl fmt::Debug for WallClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WallClock({:?})", self.now())
    }
}

impl WallClock {
    /// A clock that says what `now` says.
    pub fn new(now: impl Fn() -> Now + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The clock of this machine. Once it is right it stays so, and no file is looked at any more.
    pub fn of_this_machine(trust: ClockTrust) -> Self {
        let was_right = AtomicBool::new(false);
        Self::new(move || {
            let utc = OffsetDateTime::now_utc();
            let is_right = was_right.load(Ordering::Relaxed) || is_right(&trust, utc, Path::new(TIMESYNC));
            was_right.store(is_right, Ordering::Relaxed);
            Now { utc, instant: Instant::now(), is_right }
        })
    }

    /// What it says.
    pub fn now(&self) -> Now {
        (self.0)()
    }
}

/// Other time services leave no file that says whether they have set the clock: with those it is taken to be right.
fn is_right(trust: &ClockTrust, utc: OffsetDateTime, timesyncd: &Path) -> bool {
    match trust {
        ClockTrust::Trusted => true,
        ClockTrust::File(path) => path.exists(),
        ClockTrust::Auto => Clock::look(timesyncd, utc) != Clock::Unsynced,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use time::macros::datetime;

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
    fn without_timesyncd_only_the_past_is_wrong_and_with_it_what_it_has_not_set() {
        let folder = tempfile::tempdir().unwrap();
        let (timesyncd, today) = (folder.path().join("timesync"), datetime!(2026-11-25 12:00 UTC));
        let auto = |utc| is_right(&ClockTrust::Auto, utc, &timesyncd);
        assert!(auto(today));
        assert!(!auto(datetime!(1970-01-01 0:00:07 UTC)));
        std::fs::create_dir(&timesyncd).unwrap();
        assert!(!auto(today));
    }

    #[test]
    fn a_file_of_the_users_choice_and_blind_trust_overrule_it() {
        let folder = tempfile::tempdir().unwrap();
        let (file, past) = (folder.path().join("right"), datetime!(1970-01-01 0:00 UTC));
        let by = |trust| is_right(&trust, past, folder.path());
        assert!(by(ClockTrust::Trusted));
        assert!(!by(ClockTrust::File(file.clone())));
        std::fs::write(&file, "").unwrap();
        assert!(by(ClockTrust::File(file)));
    }
}
