//! The device wing: from the sensor on the bus to the acknowledged message.
//!
//! ```text
//! source -> sampler (own thread) -> message -> spool -> session decides -> mqtt -> forget on PUBACK
//! ```

pub mod feeder;
pub mod loss;
pub mod message;
pub mod queue;
pub mod session;
pub mod source;
pub mod spool;
