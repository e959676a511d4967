//! The device bundle: a folder that holds all a device needs to connect, and says of itself whether it is whole.
//!
//! ```text
//! certs/NAME/
//!   bundle.json       what this is: thing, client id, endpoint, topics, SHA-256 of every file, pending | ready
//!   device.key.pem    the private key: mode 0600, never overwritten
//!   device.cert.pem   root-ca.pem   policy.json (as attached)   feeder.toml (what `iotctl run` reads)
//! ```
//!
//! [`folder`] finds, makes and opens one; [`manifest`] is `bundle.json`; [`verify`] names what is wrong with one.
//! All writing goes through [`atomic`].

pub mod atomic;
pub mod folder;
pub mod manifest;
pub mod verify;

/// The private key.
pub const KEY_FILE: &str = "device.key.pem";
/// The device certificate.
pub const CERTIFICATE_FILE: &str = "device.cert.pem";
/// The roots that the server certificate is checked against.
pub const ROOT_FILE: &str = "root-ca.pem";
/// The policy as attached.
pub const POLICY_FILE: &str = "policy.json";
/// The settings of `iotctl run`.
pub const FEEDER_FILE: &str = "feeder.toml";
/// The manifest.
pub const MANIFEST_FILE: &str = "bundle.json";
