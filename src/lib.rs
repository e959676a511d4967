//! `iotctl` takes people from an AWS account to a fleet of trusted devices whose readings arrive.
//!
//! Three wings over one pure core. A module imports only from floors below its own, and no wing imports
//! another: `control`, `device` and `local` meet over HTTP and MQTT alone. `tests/house.rs` holds that.
//!
//! | floor | modules |
//! |---|---|
//! | 6 | the binary |
//! | 5 | [`cli`] |
//! | 4 | `control`, [`device`], `local` |
//! | 3 | [`policy`], [`bundle`], [`template`], [`config`], [`mqtt`] |
//! | 2 | [`names`], [`topic`], [`pki`], [`ui`] |
//! | 1 | [`error`] |

pub mod bundle;
pub mod cli;
pub mod config;
#[cfg(feature = "control")]
pub mod control;
pub mod device;
pub mod error;
#[cfg(feature = "local")]
pub mod local;
pub mod mqtt;
pub mod names;
pub mod pki;
pub mod policy;
pub mod template;
pub mod topic;
pub mod ui;
