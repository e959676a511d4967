//! Why nothing more can be read from a connection.

use std::io;

use thiserror::Error as ThisError;

use crate::local::broker::packet::Reason;

/// Why nothing more can be read.
#[derive(Debug, ThisError)]
pub(crate) enum WireError {
    /// The peer closed, or the network failed.
    #[error("the connection was lost")]
    Lost(#[from] io::Error),
    /// The bytes are no MQTT; the sentence says what is wrong and which section says so.
    #[error("{0}")]
    Malformed(String),
    /// A well-formed packet that a client must not send now.
    #[error("{0}")]
    Misuse(String, Reason),
}

impl WireError {
    /// What an MQTT 5 client is told.
    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::Misuse(_, reason) => *reason,
            Self::Lost(_) | Self::Malformed(_) => Reason::MalformedPacket,
        }
    }
}
