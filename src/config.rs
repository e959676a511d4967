//! Settings: the environment, and files that people write.

pub mod environment;
