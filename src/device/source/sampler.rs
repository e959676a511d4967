//! Runs a source on a thread of its own and hands its samples to the async side.
//!
//! The thread never ends because of its source: an error is a failed sample, a panic too, and the next tick opens
//! the source anew. (In a release build a panic aborts the process, and systemd starts it again.)

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc as sync;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use tokio::sync::mpsc;

use super::agenda::{Agenda, Plan};
use super::fault::ReadError;
use super::reading::{Reading, Sample, Source};
use crate::device::clock::Stamp;
use crate::device::input::Input;
use crate::error::{Error, Result};

/// A source at work. Dropping it ends the thread and waits for it; the receiver of its samples must be closed before.
#[derive(Debug)]
pub struct Sampler {
    /// New plans; that this end is dropped tells the thread to end.
    plans: Option<sync::Sender<Plan>>,
    thread: Option<JoinHandle<()>>,
}

impl Sampler {
    /// Starts sampling `source` by `plan` at once, into `sink`; `clock` dates the samples.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn start<S: Into<Stamp>>(
        source: Box<dyn Source>,
        plan: Plan,
        clock: impl Fn() -> S + Send + 'static,
        sink: mpsc::Sender<Input>,
    ) -> Result<Self> {
        let clock = move || clock().into();
        let (sender, plans) = sync::channel();
        let origin = source.origin().into();
        let started = Instant::now();
        let agenda = Agenda::new(plan, started);
        let worker = Worker { source, origin, clock, sink, plans, agenda, started, open: false, trouble: None };
        let thread = thread::Builder::new()
            .name("sampler".into())
            .spawn(move || worker.run())
            .map_err(|error| Error::failed("cannot start a thread for the sensor").because(error))?;
        Ok(Self { plans: Some(sender), thread: Some(thread) })
    }

    /// Goes on by another plan.
    pub fn replan(&self, plan: Plan) {
        // A thread that has ended has sampled all it was told to, and needs no plan.
        let _ = self.plans.as_ref().map(|plans| plans.send(plan));
    }

    /// Whether the thread has ended: it was told to, or its source or its count was at the end.
    pub fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Tells the thread to end, without waiting.
    pub fn stop(&mut self) {
        self.plans = None;
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.stop();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the sampler thread panicked");
        }
    }
}

struct Worker<C> {
    source: Box<dyn Source>,
    origin: Arc<str>,
    clock: C,
    sink: mpsc::Sender<Input>,
    plans: sync::Receiver<Plan>,
    agenda: Agenda,
    started: Instant,
    open: bool,
    trouble: Option<ReadError>,
}

impl<C: Fn() -> Stamp> Worker<C> {
    fn run(mut self) {
        let mut skipped = 0;
        while !self.agenda.is_done() {
            match self.wait() {
                Err(sync::RecvTimeoutError::Disconnected) => return,
                Ok(plan) => self.agenda.replace(plan, Instant::now()),
                Err(sync::RecvTimeoutError::Timeout) => {
                    let sample = self.sample(skipped);
                    if sample.outcome == Err(ReadError::Ended) {
                        return;
                    }
                    let due = sample.due.clone();
                    if self.sink.blocking_send(Input::Sample(sample)).is_err() {
                        return;
                    }
                    skipped = self.agenda.advance(&due, Instant::now());
                }
            }
        }
    }

    /// Waits for the next tick, a new plan or the end.
    fn wait(&self) -> Result<Plan, sync::RecvTimeoutError> {
        match self.agenda.due() {
            Some(due) => self.plans.recv_timeout(due.saturating_duration_since(Instant::now())),
            None => self.plans.recv().map_err(|_| sync::RecvTimeoutError::Disconnected),
        }
    }

    fn sample(&mut self, skipped: u64) -> Sample {
        let now = Instant::now();
        let (due, wants) = self.agenda.at(now);
        let taken_at = (self.clock)();
        // Unwind safe: after any failure `open` rebuilds whatever state the source has.
        let outcome = catch_unwind(AssertUnwindSafe(|| self.attempt(&wants)))
            .unwrap_or_else(|panic| Err(ReadError::Panicked(panic_text(panic.as_ref()).into())));
        self.open = outcome.is_ok();
        self.report(outcome.as_ref().err().filter(|error| **error != ReadError::Ended));
        Sample { due, taken_at, elapsed: now - self.started, origin: self.origin.clone(), skipped, outcome }
    }

    fn attempt(&mut self, wants: &[String]) -> Result<Vec<Reading>, ReadError> {
        if !self.open {
            self.source.open()?;
        }
        self.source.read(&|name| wants.iter().any(|wanted| wanted == name))
    }

    /// One line when trouble begins, changes or ends: a sensor that is away for a week fills no log.
    fn report(&mut self, error: Option<&ReadError>) {
        if self.trouble.as_ref() == error {
            return;
        }
        match error {
            Some(error) => {
                tracing::warn!(origin = %self.origin, hints = ?error.hints(), "cannot read the sensor: {error}")
            }
            None => tracing::info!(origin = %self.origin, "the sensor answers again"),
        }
        self.trouble = error.cloned();
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    owned.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use time::OffsetDateTime;
    use time::macros::datetime;

    use super::super::agenda::Tick;
    use super::super::reading::{TEMPERATURE, Wanted};
    use super::*;
    use crate::device::intake::{Intake, WAITING};

    const NOW: OffsetDateTime = datetime!(2020-02-15 16:43:16 UTC);
    const QUICK: Duration = Duration::from_millis(1);
    const NEVER: Duration = Duration::from_secs(86_400);

    /// Plays a script, one letter per tick, and then succeeds: `.` good, `o` open fails, `r` read fails, `!` panics.
    struct Scripted {
        script: std::vec::IntoIter<u8>,
        opened: Arc<AtomicU64>,
        failing: u8,
    }

    impl Scripted {
        fn new(script: &str) -> (Box<Self>, Arc<AtomicU64>) {
            let opened = Arc::new(AtomicU64::new(0));
            let script = script.as_bytes().to_vec().into_iter();
            (Box::new(Self { script, opened: opened.clone(), failing: b'?' }), opened)
        }
    }

    impl Source for Scripted {
        fn origin(&self) -> &str {
            "script"
        }

        fn open(&mut self) -> Result<(), ReadError> {
            self.opened.fetch_add(1, Ordering::SeqCst);
            self.failing = self.script.next().unwrap_or(b'.');
            if self.failing == b'o' { Err(ReadError::Timeout) } else { Ok(()) }
        }

        fn read(&mut self, _wanted: Wanted<'_>) -> Result<Vec<Reading>, ReadError> {
            let now = if self.failing == b'?' { self.script.next().unwrap_or(b'.') } else { self.failing };
            self.failing = b'?';
            match now {
                b'r' => Err(ReadError::NoNewData),
                b'!' => panic!("driver bug"),
                _ => Ok(vec![Reading { quantity: TEMPERATURE, value: Some(21.5) }]),
            }
        }
    }

    fn plan(interval: Duration, count: Option<u64>) -> Plan {
        Plan { ticks: vec![Tick { interval, ..Tick::default() }], count }
    }

    fn start(source: Box<dyn Source>, interval: Duration, count: Option<u64>) -> Intake {
        let (sink, inputs) = mpsc::channel(WAITING);
        Intake::new(inputs, vec![Sampler::start(source, plan(interval, count), || NOW, sink).unwrap()])
    }

    async fn all(sampler: &mut Intake) -> Vec<Sample> {
        let mut samples = Vec::new();
        while let Some(Input::Sample(sample)) = sampler.next().await {
            samples.push(sample);
        }
        samples
    }

    #[tokio::test]
    async fn a_count_ends_the_samples_by_itself() {
        let (source, opened) = Scripted::new("");
        let mut sampler = start(source, QUICK, Some(5));
        let samples = all(&mut sampler).await;
        assert_eq!(samples.len(), 5);
        assert!(samples.iter().all(|sample| sample.value(&TEMPERATURE) == Some(21.5) && sample.taken_at == NOW.into()));
        assert_eq!(&*samples[0].origin, "script");
        assert_eq!(opened.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn every_failure_is_a_sample_and_the_next_tick_opens_anew() {
        let (source, opened) = Scripted::new("oor.r!.");
        let mut sampler = start(source, QUICK, Some(7));
        let outcomes: Vec<_> = all(&mut sampler).await.into_iter().map(|sample| sample.outcome.err()).collect();
        let panicked = Some(ReadError::Panicked("driver bug".into()));
        let (timeout, no_data) = (Some(ReadError::Timeout), Some(ReadError::NoNewData));
        assert_eq!(outcomes, [timeout.clone(), timeout, no_data.clone(), None, no_data, panicked, None]);
        assert_eq!(opened.load(Ordering::SeqCst), 6, "once per tick, but not after a good one");
        assert_eq!((sampler.tally().samples, sampler.tally().failed), (7, 5));
    }

    #[tokio::test]
    async fn stop_ends_a_long_wait_at_once_and_keeps_what_was_sampled() {
        let mut sampler = start(Scripted::new("").0, NEVER, None);
        assert!(sampler.next().await.is_some());
        sampler.stop();
        assert!(sampler.next().await.is_none());
    }

    #[tokio::test]
    async fn a_new_plan_is_followed_while_the_old_one_waits() {
        let (sink, inputs) = mpsc::channel(WAITING);
        let sampler = Sampler::start(Scripted::new("").0, plan(NEVER, None), || NOW, sink).unwrap();
        let mut intake = Intake::new(inputs, vec![sampler]);
        assert!(intake.next().await.is_some());
        intake.replan([plan(QUICK, None)]);
        assert!(intake.next().await.is_some() && intake.next().await.is_some());
    }

    #[tokio::test]
    async fn dropping_the_sampler_joins_a_thread_that_nobody_listens_to() {
        let (source, opened) = Scripted::new("");
        let mut sampler = start(source, QUICK, None);
        assert!(sampler.next().await.is_some());
        while opened.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        drop(sampler);
        assert_eq!(Arc::strong_count(&opened), 1, "the source is gone with its thread");
    }

    #[tokio::test]
    async fn a_source_slower_than_its_interval_skips_ticks_and_says_how_many() {
        /// Each read says that it has begun, and then waits for its release.
        struct Slow(sync::Sender<()>, sync::Receiver<()>);
        impl Source for Slow {
            fn origin(&self) -> &str {
                "slow"
            }
            fn open(&mut self) -> Result<(), ReadError> {
                Ok(())
            }
            fn read(&mut self, _wanted: Wanted<'_>) -> Result<Vec<Reading>, ReadError> {
                self.0.send(()).unwrap();
                self.1.recv().map(|()| vec![]).map_err(|_| ReadError::NoNewData)
            }
        }
        let (begin, begun) = sync::channel();
        let (release, gate) = sync::channel();
        let mut sampler = start(Box::new(Slow(begin, gate)), QUICK, Some(2));
        begun.recv().unwrap();
        let since = Instant::now();
        while since.elapsed() < 5 * QUICK {
            tokio::task::yield_now().await;
        }
        release.send(()).unwrap();
        release.send(()).unwrap();
        let samples = all(&mut sampler).await;
        assert_eq!((samples.len(), samples[0].skipped), (2, 0));
        assert!(samples[1].skipped >= 4);
        assert_eq!(sampler.tally().skipped, samples[1].skipped);
    }
}
