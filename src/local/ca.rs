//! The certificate authority of the stand-in: made anew at each start, it signs devices and the servers themselves.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, RsaKeySize, SerialNumber,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

use self::request::SigningRequest;
use crate::error::{Error, Result};

mod request;

/// When certificates that AWS IoT signs end (broker.md, section 3).
const NOT_AFTER: OffsetDateTime = datetime!(2049-12-31 23:59:59 UTC);
/// How far back validity begins, so that a device whose clock is late can use its certificate at once.
const BACKDATED: Duration = Duration::hours(1);
/// Names that the servers are reached by.
const SERVER_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The authority. Its key never leaves it.
pub struct Ca {
    issuer: Issuer<'static, KeyPair>,
    root_pem: String,
    /// When it was made; every certificate is valid from a little before.
    made: OffsetDateTime,
}

/// Certificate chain and key of the stand-in's TLS servers.
pub struct ServerIdentity {
    /// The server certificate.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its key.
    pub key: PrivateKeyDer<'static>,
}

/// A certificate and the key that was made with it.
pub struct KeysAndCertificate {
    /// The certificate, PEM.
    pub certificate_pem: String,
    /// The public key, PEM.
    pub public_key_pem: String,
    /// The private key, PEM; given out once.
    pub private_key_pem: Zeroizing<String>,
}

impl Ca {
    /// Makes an authority at `now`.
    pub fn new(now: OffsetDateTime) -> Result<Self> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(cannot)?;
        let mut params = dated("iotctl local root", now);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let root_pem = params.self_signed(&key).map_err(cannot)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), root_pem, made: now })
    }

    /// The root certificate that devices trust, PEM.
    pub fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// A server certificate for the names of this machine.
    pub fn server_identity(&self) -> Result<ServerIdentity> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(cannot)?;
        let names = CertificateParams::new(SERVER_NAMES.map(str::to_owned)).map_err(cannot)?;
        let mut params = dated("localhost", self.made);
        params.subject_alt_names = names.subject_alt_names;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.signed_by(&key, &self.issuer).map_err(cannot)?;
        let key = PrivateKeyDer::from_pem_slice(Zeroizing::new(key.serialize_pem()).as_bytes())
            .map_err(|e| Error::failed("the key that was just made cannot be read").because(e))?;
        Ok(ServerIdentity { chain: vec![certificate.der().clone()], key })
    }

    /// Signs a certificate signing request (PEM): the certificate has its key and its subject; a request without a
    /// subject gets the one that AWS gives. Extensions that are asked for do not count.
    ///
    /// # Errors
    /// The request is none, was not signed by its own key, or has a key that no device could use.
    pub fn sign(&self, csr_pem: &str) -> Result<String> {
        let SigningRequest { subject, key } = SigningRequest::from_pem(csr_pem)?;
        let mut params = self.device()?;
        if subject.iter().next().is_some() {
            params.distinguished_name = subject;
        }
        params.signed_by(&key, &self.issuer).map(|certificate| certificate.pem()).map_err(cannot)
    }

    /// Makes an RSA-2048 key and its certificate, as `CreateKeysAndCertificate` does.
    pub fn keys_and_certificate(&self) -> Result<KeysAndCertificate> {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).map_err(cannot)?;
        let certificate = self.device()?.signed_by(&key, &self.issuer).map_err(cannot)?;
        Ok(KeysAndCertificate {
            certificate_pem: certificate.pem(),
            public_key_pem: key.public_key_pem(),
            private_key_pem: Zeroizing::new(key.serialize_pem()),
        })
    }

    fn device(&self) -> Result<CertificateParams> {
        let mut serial = [0; 16];
        getrandom::fill(&mut serial).map_err(|e| Error::failed("the system gives no random numbers").because(e))?;
        let mut params = dated("AWS IoT Certificate", self.made);
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        Ok(params)
    }
}

fn dated(common_name: &str, now: OffsetDateTime) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    (params.not_before, params.not_after) = (now - BACKDATED, NOT_AFTER);
    params
}

fn cannot(error: rcgen::Error) -> Error {
    Error::failed("the stand-in cannot make a certificate").because(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::certificate::Certificate;
    use crate::pki::key::PrivateKey;

    fn ca() -> Ca {
        Ca::new(datetime!(2026-11-25 12:00 UTC)).unwrap()
    }

    #[test]
    fn a_signed_request_keeps_its_key_and_its_subject_and_lasts_as_long_as_aws_has_it() {
        let key = PrivateKey::generate().unwrap();
        let pem = ca().sign(&key.csr("pump-7").unwrap()).unwrap();
        let certificate = Certificate::from_pem("c", &pem).unwrap();
        assert_eq!(certificate.public_key(), key.public_key().unwrap());
        assert_eq!((certificate.subject.as_str(), certificate.issuer.as_str()), ("CN=pump-7", "CN=iotctl local root"));
        assert_eq!(certificate.not_after, NOT_AFTER);
    }

    #[test]
    fn the_same_request_twice_is_two_certificates() {
        let (ca, csr) = (ca(), PrivateKey::generate().unwrap().csr("pump-7").unwrap());
        assert_ne!(ca.sign(&csr).unwrap(), ca.sign(&csr).unwrap());
    }

    #[test]
    fn a_request_that_was_tampered_with_is_refused() {
        let csr = PrivateKey::generate().unwrap().csr("pump-7").unwrap();
        let at = csr.find('\n').unwrap() + 40;
        let other = if csr.as_bytes()[at] == b'A' { "B" } else { "A" };
        let tampered = format!("{}{other}{}", &csr[..at], &csr[at + 1..]);
        assert!(ca().sign(&tampered).is_err());
        assert!(ca().sign("hello").is_err());
    }

    #[test]
    fn a_key_made_here_belongs_to_its_certificate() {
        let made = ca().keys_and_certificate().unwrap();
        let key = PrivateKey::from_pem("k", &made.private_key_pem).unwrap();
        assert_eq!(Certificate::from_pem("c", &made.certificate_pem).unwrap().public_key(), key.public_key().unwrap());
    }
}
