//! Everything that comes in, through one bounded channel: who is not listened to waits, and nothing is thrown away.

use tokio::sync::mpsc;

use super::input::Input;
use super::source::agenda::Plan;
use super::source::reading::Tally;
use super::source::sampler::Sampler;

/// Inputs that wait for the feeder; when they are this many, ticks are skipped and writers wait.
pub const WAITING: usize = 16;

/// The receiving end. Dropping it ends the samplers and waits for each, for the length of one read at most.
#[derive(Debug)]
pub struct Intake {
    inputs: mpsc::Receiver<Input>,
    samplers: Vec<Sampler>,
    tally: Tally,
}

impl Intake {
    /// The end of a channel that these samplers, and maybe others, write to.
    pub fn new(inputs: mpsc::Receiver<Input>, samplers: Vec<Sampler>) -> Self {
        Self { inputs, samplers, tally: Tally::default() }
    }

    /// The next input, or `None` when all that write have ended and everything was handed over. Safe to cancel.
    pub async fn next(&mut self) -> Option<Input> {
        let input = self.inputs.recv().await?;
        if let Input::Sample(sample) = &input {
            self.tally.count(sample);
        }
        Some(input)
    }

    /// Takes nothing new: [`Intake::next`] gives what came before, then `None`.
    pub fn stop(&mut self) {
        self.samplers.iter_mut().for_each(Sampler::stop);
        self.inputs.close();
    }

    /// Gives each source a new plan, in the order of the sources.
    pub fn replan(&mut self, plans: impl IntoIterator<Item = Plan>) {
        self.samplers.iter().zip(plans).for_each(|(sampler, plan)| sampler.replan(plan));
    }

    /// Whether the sampler of the source in this place has ended by itself.
    pub fn has_ended(&self, source: usize) -> bool {
        self.samplers.get(source).is_some_and(Sampler::has_ended)
    }

    /// The samples handed over so far.
    pub fn tally(&self) -> Tally {
        self.tally
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        // Frees a thread that waits for room in the channel; without this joining it could take for ever.
        self.stop();
        self.samplers.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use time::macros::datetime;

    use super::super::source::agenda::Tick;
    use super::super::source::sim::Sim;
    use super::*;

    fn sampler(sender: mpsc::Sender<Input>, stream: usize, count: u64) -> Sampler {
        let tick = Tick { stream, interval: Duration::from_millis(1), ..Tick::default() };
        let plan = Plan { ticks: vec![tick], count: Some(count) };
        Sampler::start(Box::new(Sim::new(7)), plan, || datetime!(2026-11-25 12:00 UTC), sender).unwrap()
    }

    #[tokio::test]
    async fn the_samples_of_all_sources_come_through_one_door_until_the_last_has_ended() {
        let (sender, inputs) = mpsc::channel(WAITING);
        let samplers = vec![sampler(sender.clone(), 0, 40), sampler(sender, 1, 2)];
        let mut intake = Intake::new(inputs, samplers);
        let mut taken = [0, 0];
        while let Some(Input::Sample(sample)) = intake.next().await {
            taken[sample.due[0]] += 1;
        }
        assert_eq!((taken, intake.tally().samples), ([40, 2], 42));
    }

    #[tokio::test]
    async fn a_stop_hands_over_what_came_before_although_a_writer_stays() {
        let (sender, inputs) = mpsc::channel(WAITING);
        sender.send(Input::Payload(b"before".to_vec())).await.unwrap();
        let mut intake = Intake::new(inputs, Vec::new());
        intake.stop();
        assert!(sender.send(Input::Payload(b"behind".to_vec())).await.is_err());
        assert_eq!(intake.next().await, Some(Input::Payload(b"before".to_vec())));
        assert_eq!(intake.next().await, None);
    }
}
