//! Certificates that others made, read for what this program needs of them.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer, X509Certificate, X509Version};

use super::sha256_hex;
use crate::error::{Error, Result};

/// An X.509 certificate: its PEM text and the facts that matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The first certificate of the PEM text, as DER.
    der: Vec<u8>,
    /// SubjectPublicKeyInfo DER.
    public_key: Vec<u8>,
    /// The subject, as `CN=...`.
    pub subject: String,
    /// The issuer.
    pub issuer: String,
    /// Valid from this second on.
    pub not_before: OffsetDateTime,
    /// Valid up to and including this second.
    pub not_after: OffsetDateTime,
}

impl Certificate {
    /// Reads the first certificate of a PEM text; `origin` (a path) goes into the error.
    pub fn from_pem(origin: &str, pem: &str) -> Result<Self> {
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|e| unreadable(origin, e))?;
        Self::from_der(origin, &der)
    }

    /// Reads a certificate; `origin` goes into the error.
    ///
    /// X.509 v1 certificates are refused by name: rustls refuses them too, with a message that nobody understands.
    pub fn from_der(origin: &str, der: &[u8]) -> Result<Self> {
        let (_, parsed) = X509Certificate::from_der(der).map_err(|e| unreadable(origin, e))?;
        if parsed.version() != X509Version::V3 {
            return Err(Error::bad_input(format!("certificate `{origin}` is X.509 v1; TLS needs v3"))
                .hint("`openssl x509 -req` makes v1 unless it gets extensions: add `-extfile <(echo basicConstraints=CA:FALSE)`")
                .hint("or let AWS sign it: iotctl provision --thing NAME"));
        }
        Ok(Self {
            public_key: parsed.public_key().raw.to_vec(),
            subject: parsed.subject().to_string(),
            issuer: parsed.issuer().to_string(),
            not_before: parsed.validity().not_before.to_datetime(),
            not_after: parsed.validity().not_after.to_datetime(),
            der: der.to_vec(),
        })
    }

    /// The id under which AWS IoT knows it: lower-case hex SHA-256 of the DER.
    pub fn id(&self) -> String {
        sha256_hex(&self.der)
    }

    /// The certificate itself, as DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The certified key as SubjectPublicKeyInfo DER.
    pub fn public_key(&self) -> &[u8] {
        &self.public_key
    }
}

fn unreadable(origin: &str, error: impl Into<Box<dyn std::error::Error>>) -> Error {
    Error::bad_input(format!("`{origin}` holds no certificate that can be read"))
        .because(error)
        .hint("a PEM file that begins with `-----BEGIN CERTIFICATE-----`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::roots::{AMAZON_ROOT_CA_1, AMAZON_ROOT_CA_3};

    #[test]
    fn the_amazon_roots_are_the_published_ones() {
        // broker.md, "Server roots": SHA-256 read from the certificates themselves.
        let id = |pem| Certificate::from_pem("root", pem).unwrap().id();
        assert_eq!(id(AMAZON_ROOT_CA_1), "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e");
        assert_eq!(id(AMAZON_ROOT_CA_3), "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4");
    }

    #[test]
    fn validity_and_names_are_read() {
        let root = Certificate::from_pem("root", AMAZON_ROOT_CA_1).unwrap();
        assert_eq!(root.subject, "C=US, O=Amazon, CN=Amazon Root CA 1");
        assert_eq!(root.not_after.year(), 2038);
    }

    #[test]
    fn what_is_no_certificate_is_refused_by_name() {
        let error = Certificate::from_pem("x.pem", "nothing").unwrap_err();
        assert_eq!(error.message(), "`x.pem` holds no certificate that can be read");
    }
}
