//! The feeder: samples become records, records become acknowledged messages.
//!
//! One task owns queue, session and connection; everything that happens comes to it as an event. A reading is
//! accepted when the queue has it, and forgotten when the broker acknowledged it.

use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::Instant;

use super::loss::Losses;
use super::message;
use super::queue::{Accepted, Moment, Queue, Record};
use super::session::{Limits, Session, Step};
use super::source::reading::{Quantity, Sample};
use super::source::sampler::Sampler;
use crate::error::{Error, Kind, Result};
use crate::mqtt::{Identity, Qos, Settings};
use crate::topic::TopicName;

mod line;

use line::{Happening, Line};

/// What a feeder is told to do.
#[derive(Debug, Clone)]
pub struct Feed {
    /// Who connects, and where to.
    pub identity: Identity,
    /// What it publishes to.
    pub topic: TopicName,
    /// Delivery guarantee.
    pub qos: Qos,
    /// Which of the sensor's quantities it publishes.
    pub quantity: Quantity,
    /// Patience of the connection.
    pub settings: Settings,
    /// Eagerness of the session.
    pub limits: Limits,
    /// Whether to give up when the first connection does not come about, or when policy forbids what it publishes again
    /// and again. A service keeps trying, because policies are mended; a script must end.
    pub gives_up: bool,
    /// The clock on the wall.
    pub clock: fn() -> OffsetDateTime,
}

/// What happened, for whoever watches.
#[derive(Debug)]
pub enum Event<'a> {
    /// The broker accepted the connection.
    Connected,
    /// The broker acknowledged a message (QoS 1), or it was sent (QoS 0).
    Published(&'a Record),
    /// The sensor gave no value; a message with `null` was queued.
    SampleFailed(&'a Sample),
    /// Readings were lost, and the receiver will be told.
    Lost(Losses),
    /// There is no connection; the next attempt follows.
    Disconnected {
        /// Why.
        reason: &'a Error,
        /// How long until the next attempt.
        retry_in: Duration,
        /// Records that wait.
        waiting: u64,
    },
}

/// How it went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Messages acknowledged.
    pub published: u64,
    /// Samples without a value.
    pub failed_samples: u64,
    /// Connections after the first.
    pub reconnects: u64,
    /// Messages that were still waiting at the end.
    pub unacknowledged: u64,
    /// Whether those survive the process.
    pub kept: bool,
    /// Readings that were lost.
    pub lost: u64,
}

/// Denials without an acknowledgement in between after which a script ends.
const DENIALS: u32 = 3;
/// How long a feeder that is told to stop waits for the last acknowledgements.
const DRAIN: Duration = Duration::from_secs(5);
/// Losses are reported no more often than this: a queue that is full loses a reading with each new one.
const REPORT_AFTER: Duration = Duration::from_secs(60);

/// Feeds until the sampler has ended and everything is acknowledged, or until `stop` resolves.
///
/// `dice` gives numbers between 0 and 1 for the jitter of the back-off.
pub async fn run<Q: Queue>(
    feed: Feed,
    sampler: Sampler,
    queue: &mut Q,
    dice: impl FnMut() -> f64,
    observer: &mut dyn FnMut(Event<'_>),
    stop: impl Future<Output = ()>,
) -> Result<Summary> {
    let session = Session::new(feed.limits, Duration::ZERO);
    let line = Line::new(feed.identity.clone(), feed.settings, feed.qos);
    let feeder = Feeder {
        feed,
        queue,
        session,
        line,
        dice,
        observer,
        started: Instant::now(),
        summary: Summary::default(),
        was_online: false,
        denials: 0,
        sampling: true,
        held: None,
        failure: None,
        losses: Losses::default(),
        reported: None,
    };
    feeder.run(sampler, stop).await
}

struct Feeder<'a, Q, D> {
    feed: Feed,
    queue: &'a mut Q,
    session: Session,
    line: Line,
    dice: D,
    observer: &'a mut dyn FnMut(Event<'_>),
    started: Instant,
    summary: Summary,
    was_online: bool,
    /// Since the last acknowledgement.
    denials: u32,
    sampling: bool,
    /// A sample that the queue has no room for.
    held: Option<Sample>,
    failure: Option<Error>,
    /// What had been lost at the last report, and when that was.
    losses: Losses,
    reported: Option<Duration>,
}

impl<Q: Queue, D: FnMut() -> f64> Feeder<'_, Q, D> {
    async fn run(mut self, mut sampler: Sampler, stop: impl Future<Output = ()>) -> Result<Summary> {
        let mut stop = std::pin::pin!(stop);
        let mut deadline = None;
        self.losses = self.queue.losses();
        while self.failure.is_none() && (self.sampling || self.held.is_some() || self.queue.waiting() > 0) {
            let wake = earliest(self.advance(), deadline);
            tokio::select! {
                () = &mut stop, if deadline.is_none() => {
                    deadline = Some(self.now() + DRAIN);
                    sampler.stop();
                }
                sample = sampler.next(), if self.sampling && self.held.is_none() => self.sampled(sample),
                happening = self.line.next() => self.happened(happening),
                () = sleep_until(self.started, wake) => {
                    let late = deadline.is_some_and(|deadline| self.now() >= deadline);
                    if late || (deadline.is_some() && !self.session.is_online()) {
                        break;
                    }
                }
            }
        }
        self.finish().await
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn moment(&self) -> Moment {
        Moment { elapsed: self.now(), utc: (self.feed.clock)() }
    }

    /// Does whatever queue and session want now; returns when they want to be asked again.
    fn advance(&mut self) -> Option<Duration> {
        if let Some(sample) = self.held.take() {
            self.offer(sample);
        }
        let moment = self.moment();
        let tend = self.queue.tend(moment);
        if self.session.is_online() {
            self.queue.announce(&self.feed.topic, moment);
        }
        self.report_losses();
        loop {
            match self.session.step(self.now(), self.queue.first(), self.queue.end()) {
                Step::Connect => self.line.connect(),
                Step::Submit(sequence) => {
                    if let Some(record) = self.queue.get(sequence) {
                        self.line.publish(sequence, record);
                    }
                }
                Step::Wait(until) => return earliest(until, tend),
            }
        }
    }

    fn sampled(&mut self, sample: Option<Sample>) {
        match sample {
            Some(sample) => self.offer(sample),
            None => self.sampling = false,
        }
    }

    /// Gives a sample to the queue, or holds it until there is room.
    fn offer(&mut self, sample: Sample) {
        let payload = message::encode(self.queue.next(&self.feed.topic), &sample, self.feed.quantity);
        let record = Record { topic: self.feed.topic.clone(), payload };
        if self.queue.accept(record, self.moment()) == Accepted::Full {
            self.held = Some(sample);
            return;
        }
        if sample.value(self.feed.quantity).is_none() {
            self.summary.failed_samples += 1;
            (self.observer)(Event::SampleFailed(&sample));
        }
    }

    fn report_losses(&mut self) {
        let due = self.reported.is_none_or(|last| self.now() >= last + REPORT_AFTER);
        let lost = self.queue.losses().since(&self.losses);
        if due && lost.total() > 0 {
            self.summary.lost += lost.total();
            self.losses = self.queue.losses();
            self.reported = Some(self.now());
            (self.observer)(Event::Lost(lost));
        }
    }

    fn happened(&mut self, happening: Happening) {
        match happening {
            Happening::Connected => {
                self.summary.reconnects += u64::from(self.was_online);
                self.was_online = true;
                self.session.connected(self.now(), self.queue.first());
                (self.observer)(Event::Connected);
            }
            Happening::Acknowledged(sequence) => self.acknowledged(sequence),
            Happening::Ended(reason) => self.lost(reason),
        }
    }

    fn acknowledged(&mut self, sequence: u64) {
        self.denials = 0;
        if let Some(record) = self.queue.get(sequence) {
            self.summary.published += 1;
            (self.observer)(Event::Published(record));
        }
        self.queue.acknowledge(sequence);
    }

    fn lost(&mut self, reason: Error) {
        let retry_in = self.session.lost(self.now(), (self.dice)());
        self.denials += u32::from(reason.kind() == Kind::Denied);
        if self.feed.gives_up && (!self.was_online || self.denials >= DENIALS) {
            self.failure = Some(reason);
            return;
        }
        (self.observer)(Event::Disconnected { reason: &reason, retry_in, waiting: self.queue.waiting() });
    }

    async fn finish(mut self) -> Result<Summary> {
        self.line.close().await;
        self.queue.close();
        self.reported = None;
        self.report_losses();
        self.summary.unacknowledged = self.queue.waiting();
        self.summary.kept = self.queue.is_durable();
        match self.failure {
            Some(error) => Err(error),
            None => Ok(self.summary),
        }
    }
}

fn earliest(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    a.into_iter().chain(b).min()
}

async fn sleep_until(started: Instant, wake: Option<Duration>) {
    match wake {
        Some(wake) => tokio::time::sleep_until(started + wake).await,
        None => std::future::pending().await,
    }
}
