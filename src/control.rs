//! The operator's wing: what is done through the control plane of AWS IoT.
//!
//! [`client`] connects with the credentials of the AWS CLI and says what a failed call means; [`stand_in`] asks an
//! `iotctl local` for what AWS does not have; [`provision`] makes one device.

pub mod client;
pub mod provision;
pub mod stand_in;
