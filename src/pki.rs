//! Keys, certificates, roots and TLS: everything that is PEM, DER or rustls.

pub mod certificate;
pub mod csr;
pub mod key;
pub mod roots;
pub mod tls;

use sha2::{Digest, Sha256};

/// Lower-case hexadecimal SHA-256, as file hashes in a bundle and certificate ids are written.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
