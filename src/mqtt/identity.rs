//! Who connects, and where to.

use std::sync::Arc;

use crate::bundle::folder::Bundle;
use crate::error::Result;
use crate::names::{ClientId, DataEndpoint, Proxy};
use crate::pki::tls;

/// Where AWS IoT tells protocols apart by ALPN.
const HTTPS_PORT: u16 = 443;
/// MQTT with a client certificate.
pub(super) const ALPN: &str = "x-amzn-mqtt-ca";

/// Endpoint, client id and TLS settings of a device.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Host and port of the broker.
    pub endpoint: DataEndpoint,
    /// The MQTT client id.
    pub client_id: ClientId,
    /// Certificate, key and trusted roots.
    pub tls: Arc<rustls::ClientConfig>,
    /// The proxy in between, if there is one.
    pub proxy: Option<Proxy>,
}

impl Identity {
    /// The identity of a bundle.
    pub fn of(bundle: &Bundle) -> Result<Self> {
        Ok(Self {
            endpoint: bundle.manifest.data_endpoint()?,
            client_id: bundle.manifest.client_id.clone(),
            tls: tls::client_config(&bundle.roots_pem, &bundle.certificate_pem, &bundle.key)?,
            proxy: None,
        })
    }

    /// The TLS settings for the endpoint's port. On 443 AWS IoT serves other protocols too and goes by ALPN; on 8883
    /// there is none (AWS IoT Developer Guide, "Device communication protocols").
    pub(super) fn tls_for_port(&self) -> Arc<rustls::ClientConfig> {
        if self.endpoint.port != HTTPS_PORT {
            return self.tls.clone();
        }
        let mut tls = (*self.tls).clone();
        tls.alpn_protocols = vec![ALPN.into()];
        Arc::new(tls)
    }
}
