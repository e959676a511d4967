//! The evidence that a policy is learned from.

/// One thing that was done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Observation {
    /// The client id it was done under.
    pub client_id: String,
    /// The thing that the connection was associated with.
    pub thing: Option<String>,
    /// Such as `iot:Publish`.
    pub action: String,
    /// The ARN that it was done to.
    pub resource: String,
}
