//! The feeder: what comes in becomes records, records become acknowledged messages.
//!
//! One task owns queue, session and connection; everything that happens comes to it as an event. A reading is
//! accepted when the queue has it, and forgotten when the broker acknowledged it.

use std::time::Duration;

use tokio::time::Instant;

use super::input::Input;
use super::intake::Intake;
use super::loss::Losses;
use super::queue::{Moment, Queue};
use super::session::{Session, Step};
use super::source::reading::Sample;
use super::stream::{Rule, Streams};
use crate::error::{Error, Kind, Result};

mod aside;
pub mod event;
pub mod feed;
mod line;
mod parking;
pub mod reloading;
pub mod steering;
pub mod turn;
mod waiting_room;

use event::Event;
use feed::{Feed, Summary};
use line::{Happening, Line};
use parking::Parking;
use reloading::Reload;
use steering::Wheel;
use turn::Turn;
use waiting_room::WaitingRoom;

/// Denials without an acknowledgement in between after which a script ends.
const DENIALS: u32 = 3;
/// How long a feeder that is told to stop waits for the last acknowledgements.
const DRAIN: Duration = Duration::from_secs(5);
/// Losses are reported no more often than this: a queue that is full loses a reading with each new one.
const REPORT_AFTER: Duration = Duration::from_secs(60);

/// Feeds until everything has come in and is acknowledged, or until `stop` resolves.
///
/// `dice` gives numbers between 0 and 1 for the jitter of the back-off.
pub async fn run<Q: Queue>(
    feed: Feed,
    intake: Intake,
    streams: Streams,
    queue: &mut Q,
    dice: impl FnMut() -> f64,
    observer: &mut dyn FnMut(Event<'_>),
    stop: impl Future<Output = ()>,
) -> Result<Summary> {
    let session = Session::new(feed.limits);
    let may_publish = |rule: &&Rule| rule.enabled || feed.steering.enables();
    let topics = streams.rules().filter(may_publish).map(|rule| rule.topic.clone());
    let parking = Parking::new(topics.chain([feed.topic.clone()]), feed.dead_letters.as_deref(), queue);
    let wheel = Wheel::new(&feed.steering, &streams);
    let line = Line::new(feed.identity.clone(), feed.settings, feed.qos, wheel.filters()?);
    let feeder = Feeder {
        feed,
        streams,
        queue,
        session,
        line,
        parking,
        wheel,
        has_new_plans: false,
        dice,
        observer,
        started: Instant::now(),
        summary: Summary::default(),
        was_online: false,
        denials: 0,
        is_open: true,
        room: WaitingRoom::default(),
        failure: None,
        losses: Losses::default(),
        reported: None,
    };
    feeder.run(intake, stop).await
}

struct Feeder<'a, Q, D> {
    feed: Feed,
    streams: Streams,
    queue: &'a mut Q,
    session: Session,
    line: Line,
    parking: Parking,
    wheel: Wheel,
    /// Whether the sources do not know yet what was changed.
    has_new_plans: bool,
    dice: D,
    observer: &'a mut dyn FnMut(Event<'_>),
    started: Instant,
    summary: Summary,
    was_online: bool,
    /// Since the last acknowledgement.
    denials: u32,
    /// Whether something may come in.
    is_open: bool,
    /// What has come in and is not in the queue.
    room: WaitingRoom,
    failure: Option<Error>,
    /// What had been lost at the last report, and when that was.
    losses: Losses,
    reported: Option<Duration>,
}

impl<Q: Queue, D: FnMut() -> f64> Feeder<'_, Q, D> {
    async fn run(mut self, mut intake: Intake, stop: impl Future<Output = ()>) -> Result<Summary> {
        let mut stop = std::pin::pin!(stop);
        let mut deadline = None;
        self.losses = self.queue.losses();
        while self.failure.is_none() && (self.has_input() || self.queue.waiting() > 0) {
            let due = self.advance();
            // Who is to stop does not sit out a back-off.
            let ends = deadline.is_some() && self.session.is_resting() && !self.has_input();
            let wake = if ends { Some(self.now()) } else { earliest(due, deadline) };
            if std::mem::take(&mut self.has_new_plans) {
                intake.replan(self.streams.plans());
            }
            (self.observer)(Event::Turned(Turn::of(self.queue, &self.room, &intake)));
            tokio::select! {
                () = &mut stop, if deadline.is_none() => {
                    deadline = Some(self.now() + DRAIN);
                    intake.stop();
                }
                input = intake.next(), if self.is_open && self.room.is_empty() => self.came_in(input),
                happening = self.line.next() => self.happened(happening),
                reload = reloading::next(&mut self.feed.reloads) => self.reload(reload, &intake),
                () = sleep_until(self.started, wake) => {
                    let late = deadline.is_some_and(|deadline| self.now() >= deadline);
                    if late || (deadline.is_some() && !self.session.is_online() && !self.has_input()) {
                        break;
                    }
                }
            }
        }
        self.finish().await
    }

    /// Whether something is not in the queue yet, or may still come in.
    fn has_input(&self) -> bool {
        self.is_open || !self.room.is_empty()
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn moment(&self) -> Moment {
        Moment { elapsed: self.now(), utc: self.feed.clock.utc() }
    }

    /// Does whatever queue and session want now; returns when they want to be asked again.
    fn advance(&mut self) -> Option<Duration> {
        let moment = self.moment();
        self.room.hand_over(self.queue, self.feed.form, moment, &self.feed.clock);
        let tend = self.queue.tend(moment);
        if self.session.is_online() {
            self.queue.announce(self.feed.form, moment);
        }
        self.report_losses();
        let tend = earliest(tend, self.say_asides(moment.elapsed));
        loop {
            match self.session.step(self.now(), self.queue.first(), self.queue.end()) {
                Step::Connect => {
                    self.line.connect();
                    (self.observer)(Event::Connecting);
                }
                Step::Submit(number) => self.submit(number, moment),
                Step::Wait(until) => return earliest(until, tend),
            }
        }
    }

    fn submit(&mut self, number: u64, now: Moment) {
        let Some(record) = self.queue.get(number) else { return self.session.left_out() };
        if !self.parking.lets_pass(record, now.elapsed) && self.park(number, 0, now) {
            self.session.left_out();
        } else if let Some(record) = self.queue.get(number) {
            self.line.publish(number, record);
        }
    }

    /// What is not a reading and not queued; returns when there is more of it.
    fn say_asides(&mut self, now: Duration) -> Option<Duration> {
        if !self.session.is_online() {
            return None;
        }
        self.wheel.asides(now).into_iter().for_each(|aside| self.line.say(aside));
        self.wheel.due()
    }

    fn came_in(&mut self, input: Option<Input>) {
        match input {
            Some(Input::Sample(sample)) => self.sampled(&sample),
            Some(Input::Payload(payload)) => self.room.payload(self.feed.topic.clone(), payload),
            Some(Input::TooLong { bytes }) => {
                self.summary.too_long += 1;
                (self.observer)(Event::TooLong { bytes });
            }
            None => {
                self.is_open = false;
                self.room.publications(self.streams.flush());
            }
        }
    }

    fn sampled(&mut self, sample: &Sample) {
        (self.observer)(Event::Sampled(sample));
        let publications = self.streams.take(sample);
        self.wheel.measured(&publications);
        self.summary.failed_samples += publications.iter().filter(|p| p.measurement.value.is_none()).count() as u64;
        if sample.outcome.is_err() && !publications.is_empty() {
            (self.observer)(Event::SampleFailed(sample));
        }
        self.room.publications(publications);
    }

    fn reload(&mut self, reload: Reload, intake: &Intake) {
        let is_in_force = reloading::apply(reload, &mut self.wheel, &mut self.streams, intake);
        self.changed(is_in_force);
    }

    /// The streams are others, if something is in force that was not.
    fn changed(&mut self, is_in_force: bool) {
        if is_in_force {
            self.has_new_plans = true;
            (self.observer)(Event::Changed(&self.streams));
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
                self.wheel.connected();
                (self.observer)(Event::Connected);
            }
            Happening::Acknowledged(sequence) => self.acknowledged(sequence),
            Happening::Received(message) => {
                if let Some(order) = self.wheel.received(&message, &mut self.streams) {
                    (self.observer)(Event::Steered(&order));
                    self.changed(order.refused.is_none());
                }
            }
            Happening::Said => {}
            Happening::Ended { reason, by_broker } => self.lost(reason, by_broker),
        }
    }

    fn acknowledged(&mut self, sequence: u64) {
        self.denials = 0;
        if let Some(record) = self.queue.get(sequence) {
            self.parking.acknowledged(record);
            self.summary.published += 1;
            (self.observer)(Event::Published(record));
        }
        self.queue.acknowledge(sequence);
    }

    fn lost(&mut self, reason: Error, by_broker: bool) {
        let (now, mut convicted) = (self.moment(), None);
        let contested = self.session.contested(now.elapsed, self.queue.first(), by_broker);
        if reason.kind() == Kind::Denied {
            self.denials += 1;
            let under_way = self.session.denied(self.queue.first());
            convicted = self.parking.denied(self.queue, &under_way, now.elapsed);
        }
        if convicted.is_some() && self.parking.has_neighbours() {
            self.session.forgive();
        }
        let retry_in = self.session.lost(now.elapsed, (self.dice)());
        if self.feed.gives_up && (!self.was_online || self.denials >= DENIALS || convicted.is_some()) {
            self.failure = Some(reason);
            return;
        }
        (self.observer)(Event::Disconnected { reason: &reason, retry_in, waiting: self.queue.waiting() });
        if let Some(connections) = contested {
            (self.observer)(Event::Contested { connections });
        }
        if let Some(tries) = convicted {
            self.park(self.queue.first(), tries, now);
        }
    }

    /// Sets a record aside that policy forbids; returns whether that was possible.
    fn park(&mut self, number: u64, tries: u32, now: Moment) -> bool {
        let Some(record) = self.queue.get(number) else { return true };
        let Some(parked) = self.parking.park(record, number, tries, now.utc) else { return false };
        self.summary.parked += 1;
        (self.observer)(Event::Parked(parked));
        self.queue.acknowledge(number);
        true
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
