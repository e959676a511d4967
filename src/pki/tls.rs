//! The TLS settings of a device: its own certificate and key, and the roots it trusts.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::key::PrivateKey;
use crate::error::{Error, Result};

/// Builds the client side of mTLS from PEM texts.
///
/// The crypto provider is passed explicitly: a process default would be ambiguous in a build that also links the
/// AWS SDK's aws-lc-rs.
pub fn client_config(roots_pem: &str, certificate_pem: &str, key: &PrivateKey) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    for root in chain(roots_pem, "root certificate")? {
        roots.add(root).map_err(|e| Error::bad_input("a root certificate cannot be used").because(e))?;
    }
    let own = chain(certificate_pem, "device certificate")?;
    let refused = |e: rustls::Error| {
        Error::bad_input("certificate and private key cannot be used together")
            .because(e)
            .hint("check them with: iotctl bundle verify DIR")
    };
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(refused)?
        .with_root_certificates(roots)
        .with_client_auth_cert(own, key.der()?)
        .map_err(refused)?;
    Ok(Arc::new(config))
}

/// Every certificate of a PEM text, at least one.
fn chain(pem: &str, what: &str) -> Result<Vec<CertificateDer<'static>>> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<std::result::Result<_, _>>()
        .map_err(|e| Error::bad_input(format!("the {what} is not PEM")).because(e))?;
    match found.is_empty() {
        true => Err(Error::bad_input(format!("the {what} file holds no certificate"))),
        false => Ok(found),
    }
}
