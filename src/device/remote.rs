//! Settings and orders from afar: a shadow document, or a message on the action topic, becomes a change of the streams.
//!
//! ```text
//! desired -> document (checked whole) -> Change -> streams, all or nothing
//!                                                    |
//! reported <- report (what is in force, and what was wrong with what was desired)
//! ```
//!
//! Pure: sees no clock, no network. Endpoint, keys and topics are not to be changed from here: who can write a shadow
//! must not be able to lead a device away. The shadow keeps the settings; the device keeps none of them, and asks anew
//! with each connection.

pub mod action;
pub mod conversation;
pub mod document;
pub mod level;
pub mod readings;
pub mod report;
