//! A message that was delivered to us.

/// Topic and payload, as published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The topic it was published to.
    pub topic: String,
    /// Its content.
    pub payload: Vec<u8>,
    /// Whether it is a retained message, sent because of the subscription.
    pub retain: bool,
}
