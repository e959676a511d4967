//! One message for many samples: mean, least and greatest value of a window.

use std::time::Duration;

use crate::device::message::{Measurement, Spread};

/// The window of one stream. It begins with its first sample.
#[derive(Debug, Clone)]
pub(super) struct Window {
    length: Duration,
    began: Option<Duration>,
    /// The newest sample: its time, origin and quantity become those of the message.
    newest: Option<Measurement>,
    mean: f64,
    spread: Spread,
}

impl Window {
    pub(super) fn new(length: Duration) -> Self {
        let spread = Spread { min: f64::INFINITY, max: f64::NEG_INFINITY, samples: 0 };
        Self { length, began: None, newest: None, mean: 0.0, spread }
    }

    /// Adds a sample; the whole window, if the next sample would be in another one.
    pub(super) fn take(
        &mut self,
        measurement: Measurement,
        elapsed: Duration,
        interval: Duration,
    ) -> Option<Measurement> {
        let began = *self.began.get_or_insert(elapsed);
        if let Some(value) = measurement.value {
            self.add(value);
        }
        self.newest = Some(measurement);
        // Half an interval early: ticks are on time within a few milliseconds, and not to the nanosecond.
        let full = elapsed.saturating_sub(began) + interval + interval / 2 > self.length;
        if full { self.flush() } else { None }
    }

    /// What the window holds, if it holds anything; the next sample begins a new one.
    pub(super) fn flush(&mut self) -> Option<Measurement> {
        let Self { newest, mean, spread, .. } = std::mem::replace(self, Self::new(self.length));
        let newest = newest?;
        let (value, spread) = if spread.samples == 0 { (None, None) } else { (Some(mean), Some(spread)) };
        Some(Measurement { value, spread, ..newest })
    }

    /// A running mean: a sum would lose the small values of a long window.
    fn add(&mut self, value: f64) {
        self.spread.samples += 1;
        self.mean += (value - self.mean) / self.spread.samples as f64;
        self.spread.min = self.spread.min.min(value);
        self.spread.max = self.spread.max.max(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::source::reading::TEMPERATURE;

    const SECOND: Duration = Duration::from_secs(1);

    fn measured(value: Option<f64>) -> Measurement {
        let taken_at = time::macros::datetime!(2026-11-25 12:00 UTC).into();
        Measurement { taken_at, quantity: TEMPERATURE, origin: "x".into(), value, spread: None }
    }

    /// What comes out of one sample a second, and at which second.
    fn windows(length: u64, values: &[Option<f64>]) -> Vec<(usize, Option<f64>, Option<Spread>)> {
        let mut window = Window::new(Duration::from_secs(length));
        let mut out = Vec::new();
        for (second, value) in values.iter().enumerate() {
            // A tick comes a little late, sometimes.
            let late = Duration::from_millis(second as u64 % 3);
            let whole = window.take(measured(*value), SECOND * second as u32 + late, SECOND);
            out.extend(whole.map(|whole| (second, whole.value, whole.spread)));
        }
        out
    }

    #[test]
    fn a_window_is_one_message_with_mean_least_and_greatest() {
        let values: Vec<_> = (0..6).map(|second| Some(f64::from(second))).collect();
        let spread = |min, max| Some(Spread { min, max, samples: 3 });
        assert_eq!(windows(3, &values), [(2, Some(1.0), spread(0.0, 2.0)), (5, Some(4.0), spread(3.0, 5.0))]);
    }

    #[test]
    fn a_failed_sample_is_left_out_and_a_window_of_failures_is_a_failure() {
        let found = windows(2, &[Some(4.0), None, None, None]);
        assert_eq!(found[0], (1, Some(4.0), Some(Spread { min: 4.0, max: 4.0, samples: 1 })));
        assert_eq!(found[1], (3, None, None));
    }

    #[test]
    fn a_window_shorter_than_the_interval_is_each_sample() {
        assert_eq!(windows(1, &[Some(1.0), Some(2.0)]).len(), 2);
    }

    #[test]
    fn what_is_left_at_the_end_is_told() {
        let mut window = Window::new(60 * SECOND);
        assert!(window.take(measured(Some(2.0)), Duration::ZERO, SECOND).is_none());
        assert_eq!(window.flush().and_then(|whole| whole.value), Some(2.0));
        assert!(window.flush().is_none());
    }
}
