//! The Device Shadow service: one JSON document for each shadow, kept, merged and compared.
//!
//! ```text
//! bytes -> request -> store (merge, version) -> delta -> answer and the messages that AWS publishes
//! ```
//!
//! Pure: the clock is an argument, and messages go to whoever gave an outlet. Source: shadow.md (AWS IoT Developer
//! Guide, "Device Shadow service documents", "Device Shadow MQTT topics", "Device Shadow error messages").

pub mod delta;
pub mod refusal;
pub mod request;
pub mod section;
pub mod service;
pub mod store;
