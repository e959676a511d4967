//! The roots that sign AWS IoT's servers, compiled in.
//!
//! Which of the two is used depends on the negotiated cipher suite, so a device needs both
//! (AWS IoT Developer Guide, "Server authentication").

/// Amazon Root CA 1 (RSA 2048, valid to 2038-01-17).
pub const AMAZON_ROOT_CA_1: &str = include_str!("../../certs/AmazonRootCA1.pem");
/// Amazon Root CA 3 (EC P-256, valid to 2040-05-26).
pub const AMAZON_ROOT_CA_3: &str = include_str!("../../certs/AmazonRootCA3.pem");

/// Both roots as one PEM file.
pub fn amazon_roots() -> String {
    format!("{AMAZON_ROOT_CA_1}{AMAZON_ROOT_CA_3}")
}
