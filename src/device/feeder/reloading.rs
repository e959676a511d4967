//! Other settings while the feeder is at work: checked whole, then in force whole or not at all.

use tokio::sync::{mpsc, oneshot};

use crate::device::intake::Intake;
use crate::device::stream::Streams;
use crate::device::stream::change::Change;
use crate::error::{Error, Result};

use super::steering::Wheel;

/// A change, and who wants to know what became of it.
#[derive(Debug)]
pub struct Reload {
    /// What is to be different.
    pub change: Change,
    /// Hears whether it is in force.
    pub answer: oneshot::Sender<Result<()>>,
}

/// Where changes come from.
pub type Reloads = mpsc::Receiver<Reload>;

/// The next change; never, where none can come. Safe to cancel.
pub(super) async fn next(reloads: &mut Option<Reloads>) -> Reload {
    if let Some(receiver) = reloads
        && let Some(reload) = receiver.recv().await
    {
        return reload;
    }
    *reloads = None;
    std::future::pending().await
}

/// Puts a change in force; whether it is.
pub(super) fn apply(reload: Reload, wheel: &mut Wheel, streams: &mut Streams, intake: &Intake) -> bool {
    let outcome = attempt(&reload.change, wheel, streams, intake);
    let is_in_force = outcome.is_ok();
    // Whoever asked may have given up waiting.
    let _ = reload.answer.send(outcome);
    is_in_force
}

fn attempt(change: &Change, wheel: &mut Wheel, streams: &mut Streams, intake: &Intake) -> Result<()> {
    for (name, _) in change.streams.iter().filter(|(_, change)| change.enabled == Some(true)) {
        let ended = streams.rules().any(|rule| rule.name == *name && intake.has_ended(rule.source));
        if ended {
            return Err(Error::bad_input(format!(
                "`stream.{name}.enabled` needs a restart: its source is not at work"
            )));
        }
    }
    wheel.rebase(change, streams)
}
