//! The embedded AWS IoT Core.
//!
//! [`registry`] is the state, [`api`] changes it over HTTP, [`broker`] decides by it over MQTT, [`ca`] signs.

pub mod api;
pub mod broker;
pub mod ca;
pub mod decisions;
pub mod registry;
