//! Runs a source on a thread of its own and hands its samples to the async side.
//!
//! The thread never ends because of its source: an error is a failed sample, a panic too, and the next tick opens
//! the source anew. (In a release build a panic aborts the process, and systemd starts it again.)

use std::any::Any;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc as sync;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use time::OffsetDateTime;
use tokio::sync::mpsc;

use super::fault::ReadError;
use super::reading::{Reading, Sample, Source, Tally};
use super::schedule::Schedule;
use crate::error::{Error, Result};

/// Samples that wait for the async side; when they are this many, ticks are skipped.
const WAITING: usize = 16;

/// How often to sample, and how many times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// From the begin of one read to the begin of the next; 1 ms at least.
    pub interval: Duration,
    /// End after this many samples, failed ones included; `None` samples until stopped.
    pub count: Option<u64>,
}

/// A source at work. Dropping it ends the thread and waits for it, for the length of one read at most.
#[derive(Debug)]
pub struct Sampler {
    samples: mpsc::Receiver<Sample>,
    stop: Option<sync::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
    tally: Tally,
}

impl Sampler {
    /// Starts sampling `source` by `plan` at once; `clock` dates the samples.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn start(
        source: Box<dyn Source>,
        plan: Plan,
        clock: impl Fn() -> OffsetDateTime + Send + 'static,
    ) -> Result<Self> {
        let (sender, samples) = mpsc::channel(WAITING);
        // Nothing is ever sent: that this end is dropped is the signal.
        let (stop, stopped) = sync::channel();
        let origin = source.origin().into();
        let worker = Worker { source, origin, clock, sender, stopped, open: false, trouble: None };
        let thread = thread::Builder::new()
            .name("sampler".into())
            .spawn(move || worker.run(plan))
            .map_err(|error| Error::failed("cannot start a thread for the sensor").because(error))?;
        Ok(Self { samples, stop: Some(stop), thread: Some(thread), tally: Tally::default() })
    }

    /// The next sample, or `None` once sampling has ended and everything was handed over. Safe to cancel.
    pub async fn next(&mut self) -> Option<Sample> {
        let sample = self.samples.recv().await?;
        self.tally.count(&sample);
        Some(sample)
    }

    /// Tells the thread to end, without waiting: [`Sampler::next`] gives what was sampled before, then `None`.
    pub fn stop(&mut self) {
        self.stop = None;
    }

    /// The samples handed over so far.
    pub fn tally(&self) -> Tally {
        self.tally
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.stop();
        // Frees a thread that waits for room in the channel; without this the join below could wait for ever.
        self.samples.close();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the sampler thread panicked");
        }
    }
}

struct Worker<C> {
    source: Box<dyn Source>,
    origin: Arc<str>,
    clock: C,
    sender: mpsc::Sender<Sample>,
    stopped: sync::Receiver<Infallible>,
    open: bool,
    trouble: Option<ReadError>,
}

impl<C: Fn() -> OffsetDateTime> Worker<C> {
    fn run(mut self, plan: Plan) {
        let mut schedule = Schedule::new(Instant::now(), plan.interval);
        let mut skipped = 0;
        let mut taken = 0;
        while plan.count.is_none_or(|count| taken < count) && self.wait(schedule.due()) {
            let sample = self.sample(skipped);
            if self.sender.blocking_send(sample).is_err() {
                return;
            }
            taken += 1;
            skipped = schedule.advance(Instant::now());
        }
    }

    /// Waits until `due`; false when told to stop.
    fn wait(&self, due: Instant) -> bool {
        let left = due.saturating_duration_since(Instant::now());
        matches!(self.stopped.recv_timeout(left), Err(sync::RecvTimeoutError::Timeout))
    }

    fn sample(&mut self, skipped: u64) -> Sample {
        let taken_at = (self.clock)();
        // Unwind safe: after any failure `open` rebuilds whatever state the source has.
        let outcome = catch_unwind(AssertUnwindSafe(|| self.attempt()))
            .unwrap_or_else(|panic| Err(ReadError::Panicked(panic_text(panic.as_ref()).into())));
        self.open = outcome.is_ok();
        self.report(outcome.as_ref().err());
        Sample { taken_at, origin: self.origin.clone(), skipped, outcome }
    }

    fn attempt(&mut self) -> Result<Vec<Reading>, ReadError> {
        if !self.open {
            self.source.open()?;
        }
        self.source.read()
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

    use time::macros::datetime;

    use super::super::reading::TEMPERATURE;
    use super::*;

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

        fn read(&mut self) -> Result<Vec<Reading>, ReadError> {
            let now = if self.failing == b'?' { self.script.next().unwrap_or(b'.') } else { self.failing };
            self.failing = b'?';
            match now {
                b'r' => Err(ReadError::NoNewData),
                b'!' => panic!("driver bug"),
                _ => Ok(vec![Reading { quantity: TEMPERATURE, value: Some(21.5) }]),
            }
        }
    }

    fn start(source: Box<dyn Source>, interval: Duration, count: Option<u64>) -> Sampler {
        Sampler::start(source, Plan { interval, count }, || NOW).unwrap()
    }

    async fn all(sampler: &mut Sampler) -> Vec<Sample> {
        let mut samples = Vec::new();
        while let Some(sample) = sampler.next().await {
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
        assert!(samples.iter().all(|sample| sample.value(TEMPERATURE) == Some(21.5) && sample.taken_at == NOW));
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
    async fn dropping_the_sampler_joins_a_thread_that_nobody_listens_to() {
        let (source, opened) = Scripted::new("");
        let mut sampler = start(source, QUICK, None);
        assert!(sampler.next().await.is_some());
        while sampler.samples.len() < WAITING {
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
            fn read(&mut self) -> Result<Vec<Reading>, ReadError> {
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
