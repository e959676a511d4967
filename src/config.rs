//! Settings: the environment, and files that people write.

pub mod duration;
pub mod environment;
pub mod feeder;
pub mod spool;
