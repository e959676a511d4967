//! Private keys of devices, and the CSR each one signs.

use std::fmt;

use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// A private key in PEM form. Its Debug shows nothing, and its memory is wiped when it is dropped.
#[derive(Clone)]
pub struct PrivateKey {
    pem: Zeroizing<String>,
}

impl PrivateKey {
    /// Makes an ECDSA P-256 key (PKCS#8), the smallest that AWS IoT takes in a CSR.
    pub fn generate() -> Result<Self> {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)
            .map_err(|e| Error::failed("failed to make a P-256 key pair").because(e))?;
        Ok(Self { pem: Zeroizing::new(pair.serialize_pem()) })
    }

    /// Reads a PKCS#8, PKCS#1 or SEC1 key; `origin` (a path) goes into the error.
    pub fn from_pem(origin: &str, pem: &str) -> Result<Self> {
        let key = Self { pem: Zeroizing::new(pem.to_owned()) };
        key.der().and_then(|_| key.public_key()).map(|_| ()).map_err(|e| {
            if pem.contains("ENCRYPTED") {
                return Error::bad_input(format!("private key `{origin}` is protected by a passphrase"))
                    .hint(format!("`openssl pkey -in {origin} -out device.key.pem` takes the passphrase off"));
            }
            let hint =
                "a PEM file that begins with `-----BEGIN PRIVATE KEY-----`, `EC PRIVATE KEY` or `RSA PRIVATE KEY`";
            Error::bad_input(format!("`{origin}` holds no private key that can be used")).because(e).hint(hint)
        })?;
        Ok(key)
    }

    /// The PEM text. Write it to a file of mode 0600 and nowhere else.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The key as rustls takes it.
    pub fn der(&self) -> Result<PrivateKeyDer<'static>> {
        PrivateKeyDer::from_pem_slice(self.pem.as_bytes())
            .map_err(|e| Error::bad_input("no private key in PEM").because(e))
    }

    /// The public half as SubjectPublicKeyInfo DER, to compare with a certificate's.
    pub fn public_key(&self) -> Result<Vec<u8>> {
        let unusable = |e: rustls::Error| Error::bad_input("neither an RSA nor an elliptic curve key").because(e);
        let signing = rustls::crypto::ring::sign::any_supported_type(&self.der()?).map_err(unusable)?;
        let public = signing.public_key().ok_or_else(|| Error::bad_input("the key tells no public half"))?;
        Ok(public.as_ref().to_vec())
    }

    /// A certificate signing request (PEM) with `common_name` as its subject, signed by this key.
    pub fn csr(&self, common_name: &str) -> Result<String> {
        let wrong = |e: rcgen::Error| Error::failed("failed to make the certificate signing request").because(e);
        let pair = KeyPair::from_pem(&self.pem).map_err(wrong)?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.serialize_request(&pair).and_then(|csr| csr.pem()).map_err(wrong)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_back_from_its_pem_with_the_same_public_half() {
        let key = PrivateKey::generate().unwrap();
        let again = PrivateKey::from_pem("k", key.pem()).unwrap();
        assert_eq!(key.public_key().unwrap(), again.public_key().unwrap());
        assert_eq!(key.public_key().unwrap().len(), 91, "SubjectPublicKeyInfo of P-256");
    }

    #[test]
    fn debug_shows_nothing_of_the_key() {
        assert_eq!(format!("{:?}", PrivateKey::generate().unwrap()), "PrivateKey(..)");
    }

    #[test]
    fn other_files_are_refused_by_name() {
        let error = PrivateKey::from_pem("a.pem", "hello").unwrap_err();
        assert!(error.message().contains("`a.pem` holds no private key"), "{error}");
        let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n";
        assert!(PrivateKey::from_pem("a.pem", locked).unwrap_err().message().contains("passphrase"));
    }

    #[test]
    fn the_csr_names_the_thing_and_carries_the_key() {
        use x509_parser::prelude::*;
        let key = PrivateKey::generate().unwrap();
        let csr = key.csr("pump-7").unwrap();
        let (_, pem) = parse_x509_pem(csr.as_bytes()).unwrap();
        let (_, request) = X509CertificationRequest::from_der(&pem.contents).unwrap();
        assert_eq!(request.certification_request_info.subject.to_string(), "CN=pump-7");
        assert_eq!(request.certification_request_info.subject_pki.raw, key.public_key().unwrap());
    }
}
