//! Ticks on an absolute schedule: slow work shifts no tick, and missed ticks are not made up for.

use std::time::{Duration, Instant};

/// The shortest interval; zero would be a busy loop.
const SHORTEST: Duration = Duration::from_millis(1);

/// The ticks `start`, `start + interval`, `start + 2 * interval`, and so on.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    next: Instant,
    interval: Duration,
}

impl Schedule {
    /// Ticks every `interval` (1 ms at least), the first at `start`.
    pub fn new(start: Instant, interval: Duration) -> Self {
        Self { next: start, interval: interval.max(SHORTEST) }
    }

    /// When the next tick is due.
    pub fn due(&self) -> Instant {
        self.next
    }

    /// Passes the tick that was due and every other that lies before `now`; says how many those others were.
    pub fn advance(&mut self, now: Instant) -> u64 {
        self.step(1);
        let late = now.saturating_duration_since(self.next);
        let missed = u32::try_from(late.as_nanos().div_ceil(self.interval.as_nanos())).unwrap_or(u32::MAX);
        self.step(missed);
        missed.into()
    }

    fn step(&mut self, ticks: u32) {
        self.next = self.next.checked_add(self.interval.saturating_mul(ticks)).unwrap_or(self.next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Runs one tick that takes `work`; the missed ticks, and how long after `start` the next is due.
    fn after(work: Duration) -> (u64, Duration) {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, SECOND);
        let missed = schedule.advance(start + work);
        (missed, schedule.due() - start)
    }

    #[test]
    fn work_within_the_interval_shifts_nothing() {
        assert_eq!(after(Duration::ZERO), (0, SECOND));
        assert_eq!(after(Duration::from_millis(999)), (0, SECOND));
        assert_eq!(after(SECOND), (0, SECOND));
    }

    #[test]
    fn missed_ticks_are_counted_and_left_out() {
        assert_eq!(after(Duration::from_millis(1001)), (1, 2 * SECOND));
        assert_eq!(after(Duration::from_millis(3500)), (3, 4 * SECOND));
    }

    #[test]
    fn a_thousand_slow_ticks_do_not_drift() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, SECOND);
        for _ in 0..1000 {
            let done = schedule.due() + Duration::from_millis(700);
            assert_eq!(schedule.advance(done), 0);
        }
        assert_eq!(schedule.due(), start + 1000 * SECOND);
    }

    #[test]
    fn an_interval_of_zero_or_for_ever_is_survived() {
        let start = Instant::now();
        let mut zero = Schedule::new(start, Duration::ZERO);
        zero.advance(start);
        assert_eq!(zero.due(), start + SHORTEST);
        let mut eternal = Schedule::new(start, Duration::MAX);
        eternal.advance(start + SECOND);
    }
}
