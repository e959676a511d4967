//! What happens to a feeder, for whoever watches.

use std::time::Duration;

use super::steering::Order;
use super::turn::Turn;
use crate::device::dead_letters::Parked;
use crate::device::loss::Losses;
use crate::device::queue::Record;
use crate::device::source::reading::Sample;
use crate::device::stream::Streams;
use crate::error::Error;

/// What happened, for whoever watches.
#[derive(Debug)]
pub enum Event<'a> {
    /// The feeder has done all there was to do, and goes to wait.
    Turned(Turn<'a>),
    /// A connection is being made.
    Connecting,
    /// The broker accepted the connection.
    Connected,
    /// A source was read, well or not.
    Sampled(&'a Sample),
    /// The broker acknowledged a message (QoS 1), or it was sent (QoS 0).
    Published(&'a Record),
    /// The sensor gave no value; a message with `null` was queued.
    SampleFailed(&'a Sample),
    /// A line was longer than AWS IoT takes, and left out.
    TooLong {
        /// How many bytes it had.
        bytes: usize,
    },
    /// The streams are others from now on.
    Changed(&'a Streams),
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
