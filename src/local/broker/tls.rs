//! mTLS as AWS IoT does it: any certificate that is registered and ACTIVE may connect, whoever signed it.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme};

use super::clock;
use crate::error::{Error, Result};
use crate::local::ca::ServerIdentity;
use crate::local::decisions::{Decisions, Event, Record};
use crate::local::registry::Registry;
use crate::local::registry::entry::CertificateStatus;
use crate::pki::certificate::Certificate;
use crate::pki::sha256_hex;

/// The server side of TLS 1.2 and 1.3, without session tickets: a resumed session would skip the verifier.
pub(super) fn config(identity: ServerIdentity, registry: Registry, decisions: Decisions) -> Result<Arc<ServerConfig>> {
    let wrong = |e: rustls::Error| Error::failed("the stand-in's TLS cannot be set up").because(e);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Registered { registry, decisions, algorithms: provider.signature_verification_algorithms };
    let mut config = builder(provider)
        .map_err(wrong)?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_single_cert(identity.chain, identity.key)
        .map_err(wrong)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

fn builder(
    provider: Arc<CryptoProvider>,
) -> Result<rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier>, rustls::Error> {
    ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()
}

/// What is wrong with a certificate, if anything.
pub(super) fn objection(registry: &Registry, certificate_id: &str, now_s: i64) -> Option<String> {
    match registry.certificate_status(certificate_id) {
        None => Some("this certificate is not registered here: provision the device against this stand-in".to_owned()),
        Some((CertificateStatus::Active, not_after)) if now_s > not_after => {
            Some("this certificate has expired".to_owned())
        }
        Some((CertificateStatus::Active, _)) => None,
        Some((status, _)) => Some(format!("this certificate is {}; only ACTIVE ones may connect", status.name())),
    }
}

/// Takes certificates that the registry knows as ACTIVE.
#[derive(Debug)]
struct Registered {
    registry: Registry,
    decisions: Decisions,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Registered {
    fn objection(&self, certificate: &CertificateDer<'_>, id: &str, now: UnixTime) -> Option<String> {
        if let Err(error) = Certificate::from_der("of the client", certificate) {
            return Some(error.to_string());
        }
        objection(&self.registry, id, i64::try_from(now.as_secs()).unwrap_or(i64::MAX))
    }
}

impl ClientCertVerifier for Registered {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let id = sha256_hex(end_entity);
        match self.objection(end_entity, &id, now) {
            None => Ok(ClientCertVerified::assertion()),
            Some(note) => {
                let record =
                    Record { certificate_id: Some(id), note: Some(note), ..Record::of(Event::Tls, clock::now_ms()) };
                self.decisions.record(record);
                Err(rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
