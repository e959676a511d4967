//! What every operation works on.

use std::sync::Arc;

use serde_json::Value;
use time::OffsetDateTime;

use super::input::Input;
use crate::local::ca::Ca;
use crate::local::registry::Registry;
use crate::local::registry::entry::Epoch;
use crate::local::registry::fault::Fault;
use crate::local::shadow::service::Shadows;

/// An operation: its input, checked, to its answer.
pub(super) type Operation = fn(&Context, &Input) -> Result<Value, Fault>;

/// State, authority and clock.
#[derive(Clone)]
pub struct Context {
    /// The state.
    pub registry: Registry,
    /// Signs device certificates.
    pub ca: Arc<Ca>,
    /// Shadows, which the broker serves too.
    pub shadows: Shadows,
    /// The time of day.
    pub clock: fn() -> OffsetDateTime,
    /// What `DescribeEndpoint` answers: a bare host name.
    pub data_host: &'static str,
}

impl Context {
    /// Now, as AWS writes times.
    pub(super) fn now(&self) -> Epoch {
        epoch(u64::try_from((self.clock)().unix_timestamp_nanos() / 1_000_000).unwrap_or(0))
    }
}

/// Milliseconds since 1970 as AWS writes times.
pub(super) fn epoch(milliseconds: u64) -> Epoch {
    milliseconds as Epoch / 1000.0
}
