//! Whether somebody else uses the client id: AWS IoT keeps the newest connection of an id and closes the one before
//! (AWS IoT Developer Guide, "MQTT", DUPLICATE_CLIENTID). Two that both come back take it from each other for ever.

use std::time::Duration;

/// So many short connections in a row are no coincidence; it is said again after each so many.
const SUSPICIOUS: u32 = 3;

/// A connection that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// How long it stood; `None` if it did not come about.
    pub stood: Option<Duration>,
    /// Whether the broker closed it.
    pub by_broker: bool,
    /// Whether it did what it was asked for: a message was acknowledged, or none was under way. A denied publish ends a
    /// connection too, and that one is not good for anything.
    pub was_good: bool,
}

/// The short connections in a row.
#[derive(Debug, Default)]
pub struct Contest {
    in_a_row: u32,
}

impl Contest {
    /// A connection ended that would be stable after `stable_after`. Returns how many short ones there were in a row,
    /// when it is time to say so.
    pub fn ended(&mut self, ended: Ended, stable_after: Duration) -> Option<u32> {
        let is_short = ended.stood.is_some_and(|stood| stood < stable_after);
        self.in_a_row = if is_short && ended.by_broker && ended.was_good { self.in_a_row + 1 } else { 0 };
        (self.in_a_row > 0 && self.in_a_row.is_multiple_of(SUSPICIOUS)).then_some(self.in_a_row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STABLE: Duration = Duration::from_secs(20);
    const KICKED: Ended = Ended { stood: Some(Duration::from_secs(1)), by_broker: true, was_good: true };

    fn said(ends: &[Ended]) -> Vec<Option<u32>> {
        let mut contest = Contest::default();
        ends.iter().map(|ended| contest.ended(*ended, STABLE)).collect()
    }

    #[test]
    fn every_third_short_connection_in_a_row_is_said() {
        let wanted = [None, None, Some(3), None, None, Some(6)];
        assert_eq!(said(&[KICKED; 6]), wanted);
    }

    #[test]
    fn whatever_has_another_cause_begins_anew() {
        for other in [
            Ended { stood: Some(STABLE), ..KICKED },
            Ended { stood: None, ..KICKED },
            Ended { by_broker: false, ..KICKED },
            Ended { was_good: false, ..KICKED },
        ] {
            assert_eq!(said(&[KICKED, KICKED, other, KICKED, KICKED]), [None; 5], "{other:?}");
        }
    }
}
