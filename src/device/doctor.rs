//! What is wrong with a device, looked at in the order in which a reading needs it: each finding with its cure.
//!
//! [`findings`] collects; the other rooms each look at one thing.

pub mod disk;
pub mod findings;
pub mod identity;
pub mod network;
pub mod permission;
pub mod sensors;
