//! What is not worth a message: a value that hardly moved.

use std::time::Duration;

/// How far a value must move. Without any bound every value passes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Deadband {
    /// In the unit of the value.
    pub absolute: Option<f64>,
    /// In percent of the value that was published last.
    pub percent: Option<f64>,
    /// After so long a silence the next value passes, however little it moved.
    pub max_silence: Option<Duration>,
}

/// The memory of one stream.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Gate {
    last: Option<(Option<f64>, Duration)>,
}

impl Gate {
    /// Whether `value`, taken at `elapsed`, is worth a message; `None` is a failed reading. A stream that begins to
    /// fail, or ends to, always says so.
    pub(super) fn lets_pass(&mut self, deadband: &Deadband, value: Option<f64>, elapsed: Duration) -> bool {
        let passes = self.last.is_none_or(|(last, at)| {
            let silence = elapsed.saturating_sub(at);
            deadband.max_silence.is_some_and(|most| silence >= most) || deadband.is_moved(last, value)
        });
        if passes {
            self.last = Some((value, elapsed));
        }
        passes
    }
}

impl Deadband {
    fn is_moved(&self, last: Option<f64>, value: Option<f64>) -> bool {
        if self.absolute.is_none() && self.percent.is_none() {
            return true;
        }
        match (last, value) {
            (None, None) => false,
            (Some(last), Some(value)) => {
                let moved = (value - last).abs();
                self.absolute.is_some_and(|bound| moved >= bound)
                    || self.percent.is_some_and(|bound| moved >= last.abs() * bound / 100.0 && moved > 0.0)
            }
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of the values pass, one a second.
    fn passing(deadband: Deadband, values: &[Option<f64>]) -> Vec<usize> {
        let mut gate = Gate::default();
        let passes = |(second, value): (usize, &Option<f64>)| {
            gate.lets_pass(&deadband, *value, Duration::from_secs(second as u64)).then_some(second)
        };
        values.iter().enumerate().filter_map(passes).collect()
    }

    #[test]
    fn without_a_deadband_everything_passes() {
        assert_eq!(passing(Deadband::default(), &[Some(1.0), Some(1.0), None, None]), [0, 1, 2, 3]);
    }

    #[test]
    fn a_value_passes_when_it_has_moved_far_enough_from_the_last_one_that_did() {
        let deadband = Deadband { absolute: Some(0.5), ..Deadband::default() };
        let creeping: Vec<_> = (0..10).map(|step| Some(20.0 + f64::from(step) * 0.2)).collect();
        assert_eq!(passing(deadband, &creeping), [0, 3, 6, 9], "slow drift adds up and is seen");
    }

    #[test]
    fn a_percentage_is_of_the_last_value_that_passed() {
        let deadband = Deadband { percent: Some(10.0), ..Deadband::default() };
        assert_eq!(passing(deadband, &[Some(100.0), Some(109.0), Some(110.0), Some(120.9), Some(121.0)]), [0, 2, 4]);
        assert_eq!(passing(deadband, &[Some(0.0), Some(0.0), Some(0.1)]), [0, 2], "from zero any move is one");
    }

    #[test]
    fn a_failure_is_told_once_and_its_end_too() {
        let deadband = Deadband { absolute: Some(5.0), ..Deadband::default() };
        assert_eq!(passing(deadband, &[Some(1.0), None, None, Some(1.0), Some(1.0)]), [0, 1, 3]);
    }

    #[test]
    fn silence_has_an_end() {
        let deadband = Deadband { absolute: Some(5.0), max_silence: Some(Duration::from_secs(3)), percent: None };
        assert_eq!(passing(deadband, &[Some(1.0); 8]), [0, 3, 6]);
    }
}
