//! When a line that could not be made is tried again: after 1, 2, 4 and at most 32 s. Sees no clock.

use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(32);

/// Failed attempts in a row.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Patience {
    failures: u32,
    until: Option<Instant>,
}

impl Patience {
    /// Whether an attempt may be made.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| now >= until)
    }

    pub(super) fn failed(&mut self, now: Instant) {
        let wait = FIRST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        self.failures += 1;
        self.until = Some(now + wait);
    }

    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_from_1_to_32_seconds_and_a_success_ends_it() {
        let mut now = Instant::now();
        let mut patience = Patience::default();
        for seconds in [1, 2, 4, 8, 16, 32, 32] {
            assert!(patience.is_over(now));
            patience.failed(now);
            assert!(!patience.is_over(now + Duration::from_secs(seconds) - Duration::from_nanos(1)));
            now += Duration::from_secs(seconds);
        }
        patience.succeeded();
        patience.failed(now);
        assert!(patience.is_over(now + Duration::from_secs(1)));
    }
}
