//! The device wing: from the sensor on the bus to the acknowledged message.
//!
//! ```text
//! source -> sampler (own thread) -> stream -> message -> spool -> session decides -> mqtt -> forget on PUBACK
//! lines, socket -----------------------------------------^
//! ```

pub mod check;
pub mod clock;
pub mod dead_letters;
pub mod doctor;
pub mod feeder;
pub mod gaps;
pub mod health;
pub mod input;
pub mod intake;
pub mod lines;
pub mod loss;
pub mod message;
pub mod queue;
pub mod remote;
pub mod scrape;
pub mod session;
pub mod socket;
pub mod source;
pub mod spool;
pub mod stream;
pub mod unit;
