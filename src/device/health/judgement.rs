//! Whether a feeder that said this of itself is well.

use std::time::Duration;

use time::OffsetDateTime;

use super::status::{State, Status};
use crate::device::check::Check;
use crate::device::clock::Synchrony;

/// Without a bound of their own, things may be as old as three intervals, and this at least.
const LEAST: f64 = 60.0;

impl Status {
    /// How old it is, and with it everything that it says.
    pub fn age(&self, now: OffsetDateTime) -> f64 {
        (now - self.written_utc).as_seconds_f64().max(0.0)
    }

    /// Whether a feeder still writes it: one that is killed cannot say so.
    pub fn is_current(&self, now: OffsetDateTime) -> bool {
        self.state != State::Stopped && self.age(now) <= 3.0 * self.again_within_s + 2.0
    }

    /// Looks at everything: nothing may be older than `most`.
    pub fn judge(&self, now: OffsetDateTime, most: Option<Duration>) -> Vec<Check> {
        let bound = most.map(|most| most.as_secs_f64());
        let most = bound.unwrap_or_else(|| LEAST.max(3.0 * self.interval_s.unwrap_or(0.0)));
        let checks = [
            Some(self.judge_connection()),
            self.interval_s.map(|_| self.judge_reading(now, most)),
            Some(self.judge_acknowledgements(now, most)),
            Some(self.judge_losses()),
            Some(self.judge_clock()),
            self.stalled.as_ref().map(|stalled| Check::fail("moving", stalled, "systemctl restart the unit")),
        ];
        checks.into_iter().flatten().collect()
    }

    fn judge_connection(&self) -> Check {
        let since = span(self.state_for_s);
        let (endpoint, id) = (&self.about.endpoint, &self.about.client_id);
        match (self.state, &self.reason) {
            (State::Online, _) => Check::ok("connection", format!("{endpoint} as `{id}` for {since}")),
            (State::Waiting, Some(reason)) => Check::warn("connection", format!("none for {since}: {reason}"), DOCTOR),
            (State::Stopped, _) => Check::warn("connection", "the feeder has ended", "iotctl run --bundle DIR"),
            (State::Starting | State::Connecting | State::Waiting, _) => {
                Check::warn("connection", format!("being made to {endpoint} for {since}"), DOCTOR)
            }
        }
    }

    fn judge_reading(&self, now: OffsetDateTime, most: f64) -> Check {
        let counts = format!("{} samples, {} failed", self.samples, self.failed_samples);
        let age = self.reading_age_s.unwrap_or(self.uptime_s) + self.age(now);
        match self.reading_age_s {
            Some(_) if age <= most => Check::ok("reading", format!("{} ago ({counts})", span(age))),
            None if age <= most => Check::warn("reading", format!("none yet ({counts})"), DOCTOR),
            Some(_) => Check::fail("reading", format!("the last is {} old ({counts})", span(age)), DOCTOR),
            None => Check::fail("reading", format!("none since the start {} ago ({counts})", span(age)), DOCTOR),
        }
    }

    /// An old acknowledgement is a fault only if something waits for one.
    fn judge_acknowledgements(&self, now: OffsetDateTime, most: f64) -> Check {
        let age = self.puback_age_s.unwrap_or(self.uptime_s) + self.age(now);
        let last = match self.puback_age_s {
            Some(_) => format!("{} ago ({} published)", span(age), self.published),
            None => format!("none since the start {} ago", span(age)),
        };
        let place = if self.about.kept { "on the disk" } else { "in memory" };
        match self.waiting {
            0 => Check::ok("puback", format!("{last}; nothing waits")),
            waiting if age <= most => Check::ok("puback", format!("{last}; {waiting} wait {place}")),
            waiting => Check::fail("puback", format!("{last}; {waiting} wait {place}"), DOCTOR),
        }
    }

    fn judge_losses(&self) -> Check {
        let lost = self.lost.iter().filter(|(_, lost)| **lost > 0);
        let each: Vec<_> = lost.map(|(reason, lost)| format!("{reason} {lost}")).collect();
        match each.is_empty() {
            true => Check::ok("losses", "none since the start"),
            false => Check::warn("losses", each.join(", "), "raise the bounds of [spool] in feeder.toml"),
        }
    }

    fn judge_clock(&self) -> Check {
        match self.clock {
            Synchrony::Synced => Check::ok("clock", "set from the network"),
            Synchrony::Unknown => Check::ok("clock", "whoever keeps the time here does not say whether it is right"),
            Synchrony::Unsynced => {
                Check::warn("clock", "not set from the network since the start", "sudo timedatectl set-ntp true")
            }
        }
    }
}

const DOCTOR: &str = "iotctl doctor --bundle DIR";

/// A span of time as people say it.
fn span(seconds: f64) -> String {
    match seconds {
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} h", s / 3600.0),
        s => format!("{:.1} d", s / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::Health;
    use super::super::status::About;
    use super::*;
    use crate::device::check::Level;

    const WRITTEN: OffsetDateTime = datetime!(2026-11-25 12:00 UTC);

    fn status() -> Status {
        let about = About {
            client_id: "pump-7".into(),
            endpoint: "localhost:8883".into(),
            pid: 1,
            version: "0".into(),
            kept: true,
        };
        let health = Health::new(std::iter::empty(), Duration::from_secs(60));
        let mut status = Status::of(&health, &about, Duration::from_secs(3600), WRITTEN, Synchrony::Synced);
        status.again_within_s = 10.0;
        (status.state, status.stalled) = (State::Online, None);
        status.interval_s = Some(5.0);
        status.reading_age_s = Some(2.0);
        status.puback_age_s = Some(2.0);
        status
    }

    fn worst(status: &Status, seconds: i64, most: Option<u64>) -> Option<(&'static str, Level)> {
        let checks = status.judge(WRITTEN + time::Duration::seconds(seconds), most.map(Duration::from_secs));
        checks.iter().map(|check| (check.name, check.level)).filter(|(_, level)| *level > Level::Ok).max_by_key(|c| c.1)
    }

    #[test]
    fn everything_ages_with_the_file() {
        assert_eq!(worst(&status(), 58, None), None);
        assert_eq!(worst(&status(), 59, None), Some(("reading", Level::Fail)));
        assert_eq!(worst(&status(), 9, Some(10)), Some(("reading", Level::Fail)));
        assert!(status().is_current(WRITTEN + time::Duration::seconds(32)));
        assert!(!status().is_current(WRITTEN + time::Duration::seconds(33)), "nobody writes it any more");
    }

    #[test]
    fn an_old_acknowledgement_is_a_fault_only_if_something_waits() {
        let mut status = status();
        status.puback_age_s = Some(9999.0);
        assert_eq!(worst(&status, 0, None), None);
        status.waiting = 1;
        assert_eq!(worst(&status, 0, None), Some(("puback", Level::Fail)));
    }

    #[test]
    fn a_sensor_that_only_fails_is_a_fault_although_it_is_sampled() {
        let mut status = status();
        status.reading_age_s = None;
        status.sample_age_s = Some(1.0);
        assert_eq!(worst(&status, 0, None), Some(("reading", Level::Fail)));
        status.uptime_s = 3.0;
        assert_eq!(worst(&status, 0, None), Some(("reading", Level::Warn)));
    }

    #[test]
    fn an_unset_clock_a_loss_and_a_wait_are_warnings_and_a_standstill_is_a_fault() {
        let (mut unset, mut lost, mut offline, mut stuck) = (status(), status(), status(), status());
        unset.clock = Synchrony::Unsynced;
        lost.lost.insert("bytes".into(), 3);
        (offline.state, offline.reason) = (State::Waiting, Some("no network".into()));
        stuck.stalled = Some("the sensor".into());
        for (status, wanted) in [
            (unset, ("clock", Level::Warn)),
            (lost, ("losses", Level::Warn)),
            (offline, ("connection", Level::Warn)),
            (stuck, ("moving", Level::Fail)),
        ] {
            assert_eq!(worst(&status, 0, None), Some(wanted));
        }
    }

    #[test]
    fn a_status_comes_back_as_it_was() {
        assert_eq!(Status::parse("health.json", &status().to_json()).unwrap(), status());
        let newer = status().to_json().replace("\"schema\": 1", "\"schema\": 2");
        assert!(Status::parse("health.json", &newer).unwrap_err().message().contains("schema 2"));
    }
}
