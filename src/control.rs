//! The operator's wing: what is done through the control plane of AWS IoT.
//!
//! [`client`] connects with the credentials of the AWS CLI and says what a failed call means; [`stand_in`] asks an
//! `iotctl local` for what AWS does not have; [`provision`] makes one device, [`push`] changes a policy in use.
//! Both tell their [`progress`]. [`shadow`] reads and changes shadows at the data endpoint.

pub mod authorization;
pub mod client;
pub mod live;
pub mod progress;
pub mod provision;
pub mod push;
pub mod shadow;
pub mod stand_in;
