//! The line to the broker: at most one connection, being made or standing, and the publishes that wait on it.

use tokio::task::{JoinHandle, JoinSet};

use crate::device::queue::Record;
use crate::error::{Error, Kind, Result};
use crate::mqtt::{self, Client, Identity, Inbox, Message, Qos, Settings};
use crate::topic::TopicFilter;

use super::aside::{self, Aside, Asides};

/// What happened on the line.
#[derive(Debug)]
pub(super) enum Happening {
    /// The CONNACK came.
    Connected,
    /// The record of this number is acknowledged.
    Acknowledged(u64),
    /// A message came.
    Received(Message),
    /// An aside is acknowledged.
    Said,
    /// There is no connection any more, or it did not come about.
    Ended {
        /// Why.
        reason: Error,
        /// Whether there was one, and the broker closed it.
        by_broker: bool,
    },
}

type Connecting = JoinHandle<Result<(Client, Inbox), Refusal>>;

/// Why there is no connection.
enum Refusal {
    /// It did not come about.
    Connection(Error),
    /// It stood, and its subscriptions were refused.
    Subscription(Error),
}

/// A connection and what waits on it.
pub(super) struct Line {
    identity: Identity,
    settings: Settings,
    qos: Qos,
    connecting: Option<Connecting>,
    connection: Option<(Client, Inbox)>,
    waiting: JoinSet<(u64, Result<()>)>,
    asides: Asides,
}

impl Line {
    /// No connection yet; each one will listen to `filters`.
    pub(super) fn new(identity: Identity, settings: Settings, qos: Qos, filters: Vec<TopicFilter>) -> Self {
        let (waiting, asides) = (JoinSet::new(), Asides::new(filters));
        Self { identity, settings, qos, connecting: None, connection: None, waiting, asides }
    }

    /// Begins to connect. In a task of its own, because a connect that is polled in a `select!` and dropped never
    /// comes to an end.
    pub(super) fn connect(&mut self) {
        let (identity, settings) = (self.identity.clone(), self.settings);
        let filters = self.asides.begin();
        self.connecting = Some(tokio::spawn(async move {
            let (client, inbox) = mqtt::connect(&identity, settings).await.map_err(Refusal::Connection)?;
            aside::subscribe(&client, &filters).await.map_err(Refusal::Subscription)?;
            Ok((client, inbox))
        }));
    }

    /// Submits a record; does nothing without a connection.
    pub(super) fn publish(&mut self, sequence: u64, record: &Record) {
        let Some((client, _)) = &self.connection else { return };
        let (client, record, qos) = (client.clone(), record.clone(), self.qos);
        self.waiting.spawn(async move { (sequence, client.publish(&record.topic, record.payload, qos, false).await) });
    }

    /// Says something beside the readings; does nothing without a connection.
    pub(super) fn say(&mut self, aside: Aside) {
        if let Some((client, _)) = &self.connection {
            self.asides.say(client, aside);
        }
    }

    /// The next thing that happens. Safe to cancel.
    pub(super) async fn next(&mut self) -> Happening {
        if let Some(connecting) = &mut self.connecting {
            let outcome = flat(connecting.await);
            self.connecting = None;
            return match outcome {
                Ok(connection) => {
                    self.connection = Some(connection);
                    Happening::Connected
                }
                Err(Refusal::Connection(reason)) => Happening::Ended { reason, by_broker: false },
                Err(Refusal::Subscription(reason)) => {
                    Happening::Ended { reason: self.asides.refused(reason), by_broker: false }
                }
            };
        }
        let Some((_, inbox)) = &mut self.connection else { return std::future::pending().await };
        tokio::select! {
            biased;
            Some(done) = self.waiting.join_next() => match done {
                Ok((sequence, Ok(()))) => Happening::Acknowledged(sequence),
                Ok((_, Err(error))) => self.ended(error),
                Err(error) => self.ended(Error::failed("a publish was abandoned").because(error)),
            },
            said = self.asides.next() => match said {
                Ok(()) => Happening::Said,
                Err(error) => {
                    let error = self.asides.refused(error);
                    self.ended(error)
                }
            },
            message = inbox.next() => match message {
                Ok(message) => Happening::Received(message),
                Err(error) => self.last_words(error).await,
            },
        }
    }

    /// The connection has ended: publishes that wait know better than the socket why. An acknowledgement that came
    /// with the end is worth no more than a duplicate, which QoS 1 allows.
    async fn last_words(&mut self, error: Error) -> Happening {
        while let Some(done) = self.waiting.join_next().await {
            match done {
                Ok((_, Err(reason))) if reason.kind() == Kind::Denied => return self.ended(reason),
                _ => {}
            }
        }
        self.ended(error)
    }

    fn ended(&mut self, reason: Error) -> Happening {
        let by_broker = self.connection.take().is_some_and(|(client, _)| client.was_closed_by_broker());
        self.waiting = JoinSet::new();
        Happening::Ended { reason: self.asides.ended(reason), by_broker }
    }

    /// Says goodbye, if there is anybody to say it to.
    pub(super) async fn close(&mut self) {
        if let Some(connecting) = self.connecting.take() {
            connecting.abort();
        }
        self.waiting = JoinSet::new();
        if let Some((client, inbox)) = self.connection.take() {
            client.close(inbox).await;
        }
    }
}

fn flat<T>(joined: Result<Result<T, Refusal>, tokio::task::JoinError>) -> Result<T, Refusal> {
    let abandoned = |error| Refusal::Connection(Error::failed("connecting was abandoned").because(error));
    joined.unwrap_or_else(|error| Err(abandoned(error)))
}
