//! The first steps of a connection, one by one: which of them fails.

use std::io;

use rumqttc::NetworkOptions;
use rustls::ProtocolVersion;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::failure;
use super::identity::Identity;
use super::tunnel;
use crate::error::{Error, Kind, Result};
use crate::names::Proxy;

/// Opens a way to the endpoint of `identity` through a proxy.
///
/// Errors: as [`super::connect`] has them for a proxy.
pub async fn tunnel(identity: &Identity, proxy: &Proxy) -> Result<TcpStream> {
    let endpoint = &identity.endpoint;
    let opened = tunnel::open(proxy, &endpoint.to_string(), NetworkOptions::new()).await;
    opened.map_err(|error| failure::no_tunnel(&error, proxy, endpoint))
}

/// Makes the handshake of `identity` on a TCP connection to its endpoint; returns the version of TLS. Whether the server
/// takes our own certificate shows only behind it.
///
/// Errors: as [`super::connect`] has them for TLS.
pub async fn secure(identity: &Identity, stream: TcpStream) -> Result<&'static str> {
    let endpoint = &identity.endpoint;
    let name = ServerName::try_from(endpoint.host.clone())
        .map_err(|e| Error::bad_input(format!("`{}` is no server name", endpoint.host)).because(e))?;
    let handshake = TlsConnector::from(identity.tls_for_port()).connect(name, stream).await;
    let stream = handshake.map_err(|error| said(&error, identity))?;
    Ok(match stream.get_ref().1.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
        _ => "TLS 1.3",
    })
}

fn said(error: &io::Error, identity: &Identity) -> Error {
    let endpoint = &identity.endpoint;
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(tls) => failure::untrusted(tls, endpoint),
        None => Error::new(Kind::Unreachable, format!("`{endpoint}` ended the TLS handshake"))
            .because(io::Error::new(error.kind(), error.to_string()))
            .hint("is it a broker with TLS? AWS IoT has MQTT on port 8883"),
    }
}
