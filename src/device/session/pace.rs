//! A token bucket: so many at once, so many per second.

use std::time::Duration;

/// Room for publishes.
#[derive(Debug)]
pub struct Pace {
    rate: f64,
    burst: f64,
    tokens: f64,
    filled_at: Duration,
}

impl Pace {
    /// A full bucket of `burst` that refills by `rate` per second.
    pub fn new(rate: f64, burst: f64) -> Self {
        Self { rate, burst, tokens: burst, filled_at: Duration::ZERO }
    }

    /// Takes one token at `now`, or says when there will be one.
    pub fn take(&mut self, now: Duration) -> Result<(), Duration> {
        let passed = now.saturating_sub(self.filled_at).as_secs_f64();
        self.tokens = (self.tokens + passed * self.rate).min(self.burst);
        self.filled_at = now;
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        // A nanosecond more than needed, so that rounding cannot make the caller come back too early for ever.
        Err(now + Duration::from_secs_f64((1.0 - self.tokens) / self.rate) + Duration::from_nanos(1))
    }

    /// Puts the token that was taken last back.
    pub fn put_back(&mut self) {
        self.tokens = (self.tokens + 1.0).min(self.burst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
        let mut pace = Pace::new(10.0, 3.0);
        let mut now = Duration::ZERO;
        let mut taken = 0;
        while now < Duration::from_secs(1) {
            match pace.take(now) {
                Ok(()) => taken += 1,
                Err(ready) => now = ready,
            }
        }
        assert!((12..=13).contains(&taken), "3 at once and 10 in a second, not {taken}");
    }

    #[test]
    fn what_was_not_sent_costs_nothing() {
        let mut pace = Pace::new(1.0, 1.0);
        for _ in 0..9 {
            assert_eq!(pace.take(Duration::ZERO), Ok(()));
            pace.put_back();
        }
        assert_eq!(pace.take(Duration::ZERO), Ok(()));
        assert!(pace.take(Duration::ZERO).is_err());
    }
}
