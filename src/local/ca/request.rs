//! Certificate signing requests: what they ask for, once their signature was checked.

use rcgen::{DistinguishedName, DnType, DnValue, SubjectPublicKeyInfo};
use rustls::pki_types::CertificateSigningRequestDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::asn1_rs::Tag;
use x509_parser::prelude::{AttributeTypeAndValue, FromDer, X509CertificationRequest, X509Name};
use x509_parser::public_key::PublicKey;

use crate::error::{Error, Result};

/// The shortest RSA key, in bits, that AWS IoT takes.
const SHORTEST_RSA: usize = 2048;
/// The largest curve, in bits, that the broker's TLS knows.
const LARGEST_CURVE: usize = 384;

/// The subject and the key that a request is for.
pub(super) struct SigningRequest {
    pub(super) subject: DistinguishedName,
    pub(super) key: SubjectPublicKeyInfo,
}

impl SigningRequest {
    pub(super) fn from_pem(pem: &str) -> Result<Self> {
        let der = CertificateSigningRequestDer::from_pem_slice(pem.as_bytes())
            .map_err(|e| Error::bad_input("the certificate signing request is not PEM").because(e))?;
        Self::from_der(&der)
    }

    fn from_der(der: &[u8]) -> Result<Self> {
        let (_, csr) = X509CertificationRequest::from_der(der)
            .map_err(|e| Error::bad_input("the certificate signing request cannot be read").because(e))?;
        let info = &csr.certification_request_info;
        check_key(info.subject_pki.parsed().ok())?;
        csr.verify_signature()
            .map_err(|_| Error::bad_input("the certificate signing request was not signed by its own key"))?;
        let key = SubjectPublicKeyInfo::from_der(info.subject_pki.raw).map_err(|_| wrong_key())?;
        Ok(Self { subject: subject(&info.subject)?, key })
    }
}

fn check_key(key: Option<PublicKey<'_>>) -> Result<()> {
    let sentence = match key {
        Some(PublicKey::RSA(key)) if key.key_size() >= SHORTEST_RSA => return Ok(()),
        // The curve is checked by who reads the key next.
        Some(PublicKey::EC(key)) if key.key_size() <= LARGEST_CURVE => return Ok(()),
        Some(PublicKey::EC(_)) => "AWS IoT takes P-521 keys, `iotctl local` does not: its TLS has no P-521",
        _ => return Err(wrong_key()),
    };
    Err(Error::bad_input(sentence))
}

fn wrong_key() -> Error {
    Error::bad_input("the key of a certificate signing request is RSA of 2048 bits or more, P-256 or P-384")
}

/// The subject, attribute by attribute. AWS lets policies ask for the second and third value of one
/// (`iot:Certificate.Subject.CommonName.1`), so what cannot be kept is refused instead of lost.
fn subject(name: &X509Name<'_>) -> Result<DistinguishedName> {
    let mut subject = DistinguishedName::new();
    for attribute in name.iter_attributes() {
        let unreadable = || Error::bad_input("the subject of the certificate signing request cannot be read");
        let oid: Vec<u64> = attribute.attr_type().iter().ok_or_else(unreadable)?.collect();
        let value = value(attribute).ok_or_else(unreadable)?;
        // rcgen keeps one value of a kind; by its bare number, an attribute that has a name is of a second kind.
        let kinds = [DnType::from_oid(&oid), DnType::CustomDnType(oid)];
        let free = kinds.into_iter().find(|kind| subject.get(kind).is_none());
        let kind = free.ok_or_else(|| {
            Error::bad_input(format!("the subject `{name}` has too many values of one attribute for `iotctl local`"))
        })?;
        subject.push(kind, value);
    }
    Ok(subject)
}

/// Countries and serial numbers must stay printable strings (RFC 5280, appendix A.1).
fn value(attribute: &AttributeTypeAndValue<'_>) -> Option<DnValue> {
    let text = attribute.as_str().ok()?;
    match attribute.attr_value().tag() {
        Tag::PrintableString => text.try_into().map(DnValue::PrintableString).ok(),
        _ => Some(DnValue::Utf8String(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{
        CertificateParams, KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA512, PKCS_ED25519, PKCS_RSA_SHA256,
    };

    use super::*;

    fn csr(key: &KeyPair, change: impl FnOnce(&mut CertificateParams)) -> String {
        let mut params = CertificateParams::default();
        change(&mut params);
        params.serialize_request(key).unwrap().pem().unwrap()
    }

    fn refusal(result: Result<SigningRequest>) -> String {
        result.map(|_| ()).unwrap_err().message().to_owned()
    }

    #[test]
    fn keys_that_no_device_could_use_are_refused_by_name() {
        let taken = |algorithm| {
            let key = KeyPair::generate_for(algorithm).unwrap();
            SigningRequest::from_pem(&csr(&key, |_| {}))
        };
        assert!(taken(&PKCS_ECDSA_P384_SHA384).is_ok() && taken(&PKCS_RSA_SHA256).is_ok());
        assert!(refusal(taken(&PKCS_ECDSA_P521_SHA512)).contains("no P-521"));
        assert!(refusal(taken(&PKCS_ED25519)).contains("RSA of 2048 bits"));
    }

    #[test]
    fn a_tampered_request_is_refused() {
        let key = KeyPair::generate().unwrap();
        let mut der = CertificateParams::default().serialize_request(&key).unwrap().der().to_vec();
        assert!(SigningRequest::from_der(&der).is_ok());
        let at = der.windows(5).position(|bytes| bytes == b"rcgen").unwrap();
        der[at] = b'R';
        assert!(refusal(SigningRequest::from_der(&der)).contains("not signed by its own key"));
        assert!(refusal(SigningRequest::from_der(&der[..at])).contains("cannot be read"));
        assert!(refusal(SigningRequest::from_pem("hello")).contains("not PEM"));
    }

    #[test]
    fn extensions_that_are_asked_for_do_not_count() {
        let key = KeyPair::generate().unwrap();
        let pem = csr(&key, |params| params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained));
        assert!(SigningRequest::from_pem(&pem).is_ok());
    }

    #[test]
    fn two_values_of_an_attribute_are_kept() {
        let key = KeyPair::generate().unwrap();
        let common_names = |count: usize| {
            csr(&key, |params| {
                let kinds = [DnType::CommonName, DnType::CustomDnType(vec![2, 5, 4, 3])];
                params.distinguished_name = DistinguishedName::new();
                kinds.into_iter().take(count).for_each(|kind| params.distinguished_name.push(kind, "a"));
            })
        };
        let kept = |pem: &str| SigningRequest::from_pem(pem).unwrap().subject.iter().count();
        assert_eq!((kept(&common_names(1)), kept(&common_names(2))), (1, 2));
    }
}
