//! What a feeder tells of its work.

use std::time::Duration;

use super::steering::Order;
use crate::device::dead_letters::Parked;
use crate::device::loss::Losses;
use crate::device::queue::Record;
use crate::device::source::reading::Sample;
use crate::error::Error;

/// What happened, for whoever watches.
#[derive(Debug)]
pub enum Event<'a> {
    /// The broker accepted the connection.
    Connected,
    /// The broker acknowledged a message (QoS 1), or it was sent (QoS 0).
    Published(&'a Record),
    /// The sensor gave no value; a message with `null` was queued.
    SampleFailed(&'a Sample),
    /// A line was longer than AWS IoT takes, and left out.
    TooLong {
        /// How many bytes it had.
        bytes: usize,
    },
    /// Readings were lost, and the receiver will be told.
    Lost(Losses),
    /// Policy forbids a message, so it left the queue.
    Parked(Parked<'a>),
    /// The broker closed so many connections in a row soon after they stood: somebody else uses the client id, probably.
    Contested {
        /// How many.
        connections: u32,
    },
    /// Settings or an action from afar were put in force, or refused.
    Steered(&'a Order),
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
    /// Lines that were too long.
    pub too_long: u64,
    /// Connections after the first.
    pub reconnects: u64,
    /// Messages that were still waiting at the end.
    pub unacknowledged: u64,
    /// Whether those survive the process.
    pub kept: bool,
    /// Readings that were lost.
    pub lost: u64,
    /// Messages that policy forbids.
    pub parked: u64,
}
