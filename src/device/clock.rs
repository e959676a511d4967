//! Whether the clock on the wall can be believed: a Raspberry Pi has none that runs while it is off.

use std::path::Path;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// What is known of the clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Clock {
    /// It was set from the network since the machine started.
    Synced,
    /// It was not.
    Unsynced,
    /// Nobody here says so: another program than systemd's keeps the time.
    #[default]
    Unknown,
}

/// The folder in which systemd-timesyncd says whether it has set the clock (systemd-timesyncd.service(8), "Files").
pub const TIMESYNC: &str = "/run/systemd/timesync";
/// No device of this program was made before.
const FIRST_YEAR: i32 = 2026;

impl Clock {
    /// What `folder` ([`TIMESYNC`]) says of a clock that shows `now`.
    pub fn look(folder: &Path, now: OffsetDateTime) -> Self {
        if now.year() < FIRST_YEAR {
            return Self::Unsynced;
        }
        match (folder.join("synchronized").exists(), folder.is_dir()) {
            (true, _) => Self::Synced,
            (false, true) => Self::Unsynced,
            (false, false) => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn the_file_of_timesyncd_decides_and_1970_is_never_believed() {
        let folder = tempfile::tempdir().unwrap();
        let (timesync, now) = (folder.path().join("timesync"), datetime!(2026-11-25 12:00 UTC));
        assert_eq!(Clock::look(&timesync, now), Clock::Unknown);
        std::fs::create_dir(&timesync).unwrap();
        assert_eq!(Clock::look(&timesync, now), Clock::Unsynced);
        std::fs::write(timesync.join("synchronized"), "").unwrap();
        assert_eq!(Clock::look(&timesync, now), Clock::Synced);
        assert_eq!(Clock::look(&timesync, datetime!(1970-01-01 00:10 UTC)), Clock::Unsynced);
    }
}
