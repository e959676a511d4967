//! Who connects, and where to.

use std::sync::Arc;

use crate::bundle::folder::Bundle;
use crate::error::Result;
use crate::names::{ClientId, DataEndpoint};
use crate::pki::tls;

/// Endpoint, client id and TLS settings of a device.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Host and port of the broker.
    pub endpoint: DataEndpoint,
    /// The MQTT client id.
    pub client_id: ClientId,
    /// Certificate, key and trusted roots.
    pub tls: Arc<rustls::ClientConfig>,
}

impl Identity {
    /// The identity of a bundle.
    pub fn of(bundle: &Bundle) -> Result<Self> {
        Ok(Self {
            endpoint: bundle.manifest.data_endpoint()?,
            client_id: bundle.manifest.client_id.clone(),
            tls: tls::client_config(&bundle.roots_pem, &bundle.certificate_pem, &bundle.key)?,
        })
    }
}
