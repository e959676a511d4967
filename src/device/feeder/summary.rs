//! What a feeder says at its end.

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
