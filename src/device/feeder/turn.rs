//! Where a feeder stands, each time that it goes to wait.

use super::waiting_room::WaitingRoom;
use crate::device::intake::Intake;
use crate::device::queue::Queue;

/// What a watcher cannot add up from the other events.
#[derive(Debug, Clone, Copy)]
pub struct Turn<'a> {
    /// Messages that wait for their acknowledgement.
    pub waiting: u64,
    /// Whether the queue has no room: sources wait, and are right to.
    pub is_blocked: bool,
    intake: &'a Intake,
}

impl<'a> Turn<'a> {
    pub(super) fn of(queue: &impl Queue, room: &WaitingRoom, intake: &'a Intake) -> Self {
        Self { waiting: queue.waiting(), is_blocked: !room.is_empty(), intake }
    }

    /// Whether the source in this place has come to its end: a replay does.
    pub fn has_ended(&self, source: usize) -> bool {
        self.intake.has_ended(source)
    }
}
