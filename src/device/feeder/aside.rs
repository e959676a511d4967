//! What a connection says and hears beside the readings: it is not queued, and worth nothing on the next connection.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::error::{Error, Kind, Result};
use crate::mqtt::{Client, Qos};
use crate::topic::{TopicFilter, TopicName};

/// A message of no lasting worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Aside {
    pub(super) topic: TopicName,
    pub(super) payload: Vec<u8>,
}

/// How long a feeder goes without, when policy forbids it: AWS takes up to 8 minutes until a mended policy counts.
const REST: Duration = Duration::from_secs(15 * 60);

/// Subscriptions of every connection, and the asides that wait for their PUBACK. AWS answers what policy forbids by
/// closing the connection; the readings must not suffer from that, so after a denial the feeder does without for a while.
#[derive(Default)]
pub(super) struct Asides {
    filters: Vec<TopicFilter>,
    waiting: JoinSet<Result<()>>,
    rests_until: Option<Instant>,
    /// Whether the present connection has it.
    is_on: bool,
}

impl Asides {
    pub(super) fn new(filters: Vec<TopicFilter>) -> Self {
        Self { filters, ..Self::default() }
    }

    /// A connection is to be made: what it has to listen to. It is decided here whether it says anything at all, so that
    /// one that stands is not put at risk.
    pub(super) fn begin(&mut self) -> Vec<TopicFilter> {
        self.is_on = self.rests_until.is_none_or(|until| Instant::now() >= until);
        if self.is_on { self.filters.clone() } else { Vec::new() }
    }

    /// Sends one; resolves in [`Asides::next`].
    pub(super) fn say(&mut self, client: &Client, aside: Aside) {
        if self.is_on {
            let client = client.clone();
            self.waiting
                .spawn(async move { client.publish(&aside.topic, aside.payload, Qos::AtLeastOnce, false).await });
        }
    }

    /// The next one that is acknowledged, or was not. Safe to cancel.
    pub(super) async fn next(&mut self) -> Result<()> {
        match self.waiting.join_next().await {
            Some(done) => done.unwrap_or_else(|e| Err(Error::failed("a message was abandoned").because(e))),
            None => std::future::pending().await,
        }
    }

    /// The connection has ended. If that was a denial while something was said, nobody can tell whose it was: the less
    /// precious gives way.
    pub(super) fn ended(&mut self, reason: Error) -> Error {
        let was_talking = !std::mem::take(&mut self.waiting).is_empty();
        if was_talking { self.refused(reason) } else { reason }
    }

    /// A subscription or a message was refused.
    pub(super) fn refused(&mut self, reason: Error) -> Error {
        if reason.kind() != Kind::Denied {
            return reason;
        }
        self.rests_until = Some(Instant::now() + REST);
        let minutes = REST.as_secs() / 60;
        reason.hint("what it takes, all of it: iotctl policy render --template sensor-remote").hint(format!(
            "readings go on without shadow and actions, which a connection in {minutes} minutes or later tries again"
        ))
    }
}

/// Makes the subscriptions of a new connection, before anything else is sent on it: what is denied is then theirs.
pub(super) async fn subscribe(client: &Client, filters: &[TopicFilter]) -> Result<()> {
    for filter in filters {
        client.subscribe(filter, Qos::AtLeastOnce).await?;
    }
    Ok(())
}
