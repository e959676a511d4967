//! What steers a feeder while it runs: the shadow with its settings, and the action topic. What it says on the side: the
//! settings in force, and the latest readings for the classic shadow.

use std::time::Duration;

use serde_json::{Map, Value};

use super::aside::Aside;
use crate::device::remote::conversation::{Conversation, Heard};
use crate::device::remote::level::LogLevel;
use crate::device::remote::readings::Readings;
use crate::device::remote::{action, document, report};
use crate::device::stream::change::Change;
use crate::device::stream::{Publication, Rule, Streams};
use crate::error::{Error, Result};
use crate::mqtt::Message;
use crate::names::ShadowAddress;
use crate::topic::{TopicFilter, TopicName};

/// What a feeder may be steered by. The default is nothing.
#[derive(Debug, Clone, Default)]
pub struct Steering {
    /// The shadow whose desired document has the settings.
    pub settings: Option<ShadowAddress>,
    /// Where actions are published.
    pub actions: Option<TopicName>,
    /// The shadow that gets the latest readings.
    pub readings: Option<ShadowAddress>,
}

impl Steering {
    /// Whether a stream that is off can be switched on.
    pub(super) fn enables(&self) -> bool {
        self.settings.is_some() || self.actions.is_some()
    }
}

/// Something from afar that was carried out, or refused.
#[derive(Debug)]
pub struct Order {
    /// The version of the shadow; an action has none.
    pub version: Option<u64>,
    /// Why nothing was changed, if it is so.
    pub refused: Option<Error>,
    /// The level of the log from now on; `None` is that of the command line.
    pub log_level: Option<LogLevel>,
}

/// The hands on the wheel.
pub(super) struct Wheel {
    conversation: Option<Conversation>,
    actions: Option<TopicName>,
    readings: Option<Readings>,
    /// The rules that a run begins with; a desired document stands over them.
    base: Vec<Rule>,
    /// The desired document that was last looked at.
    seen: Option<Map<String, Value>>,
    accepted: Map<String, Value>,
    config_error: Option<String>,
    log_level: Option<LogLevel>,
    /// What is to be said.
    outbox: Vec<(String, Vec<u8>)>,
}

impl Wheel {
    pub(super) fn new(steering: &Steering, streams: &Streams) -> Self {
        Self {
            conversation: steering.settings.clone().map(Conversation::new),
            actions: steering.actions.clone(),
            readings: steering.readings.clone().map(|address| Readings::new(address, streams)),
            base: streams.rules().cloned().collect(),
            seen: None,
            accepted: Map::new(),
            config_error: None,
            log_level: None,
            outbox: Vec::new(),
        }
    }

    /// What each connection listens to.
    pub(super) fn filters(&self) -> Result<Vec<TopicFilter>> {
        let topics = self.conversation.iter().flat_map(Conversation::topics);
        topics.chain(self.actions.as_ref().map(ToString::to_string)).map(|topic| topic.parse()).collect()
    }

    /// A connection stands and listens: what is to be asked.
    pub(super) fn connected(&mut self) {
        self.outbox.clear();
        if let Some(conversation) = &mut self.conversation {
            conversation.begin();
            self.outbox.push(conversation.question());
        }
    }

    /// Does what a message asks for; nothing if it asks for nothing.
    pub(super) fn received(&mut self, message: &Message, streams: &mut Streams) -> Option<Order> {
        if self.actions.as_ref().is_some_and(|topic| topic.as_str() == message.topic) {
            return Some(self.act(&message.payload, streams));
        }
        match self.conversation.as_mut()?.hear(&message.topic, &message.payload) {
            Ok(Some(Heard::Desired(version, desired))) => {
                let order = self.configure(version, desired, streams);
                self.report(streams);
                order
            }
            Ok(Some(Heard::NoShadow)) => {
                self.report(streams);
                None
            }
            Ok(None) => None,
            Err(error) => Some(self.order(None, Err(error))),
        }
    }

    fn act(&mut self, payload: &[u8], streams: &mut Streams) -> Order {
        let done = action::change(payload, streams).and_then(|change| streams.apply(&change));
        self.report(streams);
        self.order(None, done)
    }

    /// Puts a desired document in force, whole or not at all. The same one again, as after a reconnect and after each
    /// report of our own, is no news.
    fn configure(&mut self, version: u64, desired: Map<String, Value>, streams: &mut Streams) -> Option<Order> {
        let is_first = self.seen.is_none();
        if self.seen.as_ref() == Some(&desired) {
            return None;
        }
        let done = document::parse(&desired).and_then(|wanted| {
            streams.apply_over(self.base.clone(), &wanted.change)?;
            self.log_level = wanted.log_level;
            Ok(())
        });
        self.config_error = done.as_ref().err().map(ToString::to_string);
        if done.is_ok() {
            self.accepted.clone_from(&desired);
        }
        let says_nothing = is_first && desired.is_empty();
        self.seen = Some(desired);
        (!says_nothing).then(|| self.order(Some(version), done))
    }

    /// Changes the rules that a desired document stands over, which then stands over the changed ones.
    pub(super) fn rebase(&mut self, change: &Change, streams: &mut Streams) -> Result<()> {
        let mut base = Streams::new(self.base.clone());
        base.apply(change)?;
        let base: Vec<Rule> = base.rules().cloned().collect();
        streams.apply_over(base.clone(), &document::parse(&self.accepted)?.change)?;
        self.base = base;
        self.report(streams);
        Ok(())
    }

    fn order(&self, version: Option<u64>, done: Result<()>) -> Order {
        Order { version, refused: done.err(), log_level: self.log_level }
    }

    fn report(&mut self, streams: &Streams) {
        let settings = report::in_force(streams, self.log_level, &self.accepted);
        let report = self.conversation.as_mut().and_then(|talk| talk.report(settings, self.config_error.as_deref()));
        self.outbox.extend(report);
    }

    /// Takes what was measured, for the shadow that shows it.
    pub(super) fn measured(&mut self, publications: &[Publication]) {
        if let Some(readings) = &mut self.readings {
            readings.take(publications);
        }
    }

    /// When there is something to say, if nothing happens before.
    pub(super) fn due(&self) -> Option<Duration> {
        self.readings.as_ref().and_then(Readings::due)
    }

    /// What is to be said now, on a connection that stands.
    pub(super) fn asides(&mut self, now: Duration) -> Vec<Aside> {
        let report = self.readings.as_mut().and_then(|readings| readings.report(now));
        let said = self.outbox.drain(..).chain(report);
        said.filter_map(|(topic, payload)| Some(Aside { topic: topic.parse().ok()?, payload })).collect()
    }
}
