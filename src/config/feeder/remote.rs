//! `[remote]`: what steers a feeder while it runs. Nothing of it is on unless it is asked for.

use serde::Deserialize;

use crate::names::ShadowName;
use crate::topic::TopicName;

/// The shadow that settings are taken from when it is not named.
pub const SHADOW: &str = "iotctl";

/// The settings of `[remote]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RemoteSettings {
    /// The named shadow with the settings.
    pub shadow: Option<ShadowName>,
    /// Where actions are published, as `{"action": "pressure"}`.
    pub action_topic: Option<TopicName>,
    /// Whether the latest readings go to the classic shadow.
    pub report_to_shadow: bool,
}

impl RemoteSettings {
    /// Whether streams can be switched on from afar.
    pub fn steers(&self) -> bool {
        self.shadow.is_some() || self.action_topic.is_some()
    }
}
