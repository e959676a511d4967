//! What a feeder is told to do, and how it went.

use std::path::PathBuf;

use super::reloading::Reloads;
use super::steering::Steering;
use crate::device::clock::Clock;
use crate::device::message::Form;
use crate::device::session::Limits;
use crate::mqtt::{Identity, Qos, Settings};
use crate::topic::TopicName;

/// What a feeder is told to do.
#[derive(Debug)]
pub struct Feed {
    /// Who connects, and where to.
    pub identity: Identity,
    /// Where finished payloads go, and what is said of lost ones.
    pub topic: TopicName,
    /// How measurements are written.
    pub form: Form,
    /// Delivery guarantee.
    pub qos: Qos,
    /// Patience of the connection.
    pub settings: Settings,
    /// Eagerness of the session.
    pub limits: Limits,
    /// Whether to give up when the first connection does not come about, or when policy forbids what it publishes again
    /// and again. A service keeps trying, because policies are mended; a script must end.
    pub gives_up: bool,
    /// The folder for messages that policy forbids; without one they are given up.
    pub dead_letters: Option<PathBuf>,
    /// What it is steered by while it runs.
    pub steering: Steering,
    /// Changes of the streams while it runs.
    pub reloads: Option<Reloads>,
    /// The clock on the wall.
    pub clock: Clock,
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
