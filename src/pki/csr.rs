//! Certificate signing requests that others made: of keys in a secure element, or on the device itself.

use rustls::pki_types::CertificateSigningRequestDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::prelude::{FromDer, X509CertificationRequest};

use crate::error::{Error, Result};

/// The longest PEM text that AWS IoT takes, in characters (`CreateCertificateFromCsr`).
const MAX_LENGTH: usize = 4096;

/// A signing request that was read once and is well-formed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningRequest {
    pem: String,
    public_key: Vec<u8>,
    common_name: Option<String>,
}

impl SigningRequest {
    /// Reads a PEM text; `origin` (a path) goes into the error.
    pub fn from_pem(origin: &str, pem: &str) -> Result<Self> {
        let unreadable = |e: Box<dyn std::error::Error>| {
            Error::bad_input(format!("`{origin}` holds no certificate signing request"))
                .because(e)
                .hint("make one: openssl req -new -key device.key -subj /CN=NAME -out device.csr")
        };
        if pem.len() > MAX_LENGTH {
            return Err(Error::bad_input(format!(
                "signing request `{origin}` has {} characters; AWS IoT takes at most {MAX_LENGTH}",
                pem.len()
            ))
            .hint("it must hold the request alone, and no text around it"));
        }
        let der = CertificateSigningRequestDer::from_pem_slice(pem.as_bytes()).map_err(|e| unreadable(e.into()))?;
        let (_, request) = X509CertificationRequest::from_der(&der).map_err(|e| unreadable(e.into()))?;
        let info = &request.certification_request_info;
        let common_name = info.subject.iter_common_name().next().and_then(|name| name.as_str().ok());
        Ok(Self {
            public_key: info.subject_pki.raw.to_vec(),
            common_name: common_name.map(str::to_owned),
            pem: pem.to_owned(),
        })
    }

    /// The PEM text.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The key to be certified, as SubjectPublicKeyInfo DER.
    pub fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    /// The common name of its subject, which AWS puts into the certificate.
    pub fn common_name(&self) -> Option<&str> {
        self.common_name.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::key::PrivateKey;

    #[test]
    fn key_and_name_are_read() {
        let key = PrivateKey::generate().unwrap();
        let request = SigningRequest::from_pem("a.csr", &key.csr("pump-7").unwrap()).unwrap();
        assert_eq!(request.public_key(), key.public_key().unwrap());
        assert_eq!(request.common_name(), Some("pump-7"));
    }

    #[test]
    fn what_is_no_request_is_refused_by_name() {
        let key = PrivateKey::generate().unwrap();
        for wrong in
            ["", "hello", key.pem(), "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"]
        {
            let error = SigningRequest::from_pem("a.csr", wrong).unwrap_err();
            assert_eq!(error.message(), "`a.csr` holds no certificate signing request");
        }
        let long = key.csr("pump-7").unwrap() + &"#".repeat(MAX_LENGTH);
        assert!(SigningRequest::from_pem("a.csr", &long).unwrap_err().message().contains("at most 4096"));
    }
}
