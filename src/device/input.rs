//! What comes in to be published.

use super::source::reading::Sample;

/// One thing that came in.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// What a source measured, for the streams that were due.
    Sample(Sample),
    /// A finished payload, to be published as it is.
    Payload(Vec<u8>),
    /// A line that AWS IoT would not take.
    TooLong {
        /// How many bytes it had.
        bytes: usize,
    },
}
