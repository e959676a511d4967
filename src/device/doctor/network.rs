//! From the name of the endpoint to a connection that the broker has accepted.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::error::{Error, Kind, Result};
use crate::mqtt::{self, Client, Identity, Inbox, Settings};
use crate::names::{DataEndpoint, Proxy};

/// As long as a person waits for one answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The addresses of the endpoint.
pub async fn resolve(endpoint: &DataEndpoint) -> Result<(Vec<SocketAddr>, String)> {
    let host = &endpoint.host;
    let silent = || unreachable(format!("no answer for the name `{host}` within {} s", PATIENCE.as_secs()));
    let found = timeout(PATIENCE, lookup_host((host.as_str(), endpoint.port))).await.map_err(|_| silent().hint(DNS))?;
    let found: Vec<_> =
        found.map_err(|e| unreachable(format!("the name `{host}` is not known")).because(e).hint(DNS))?.collect();
    let shown: Vec<_> = found.iter().map(|address| address.ip().to_string()).collect();
    match found.is_empty() {
        true => Err(unreachable(format!("the name `{host}` has no address")).hint(DNS)),
        false => Ok((found, format!("`{host}` is {}", shown.join(", ")))),
    }
}

const DNS: &str = "is the network up, and the endpoint in bundle.json right? getent hosts HOST; resolvectl status";

/// Connects to the first address that answers.
pub async fn reach(endpoint: &DataEndpoint, addresses: &[SocketAddr]) -> Result<(TcpStream, String)> {
    let mut last = unreachable(format!("`{endpoint}` has no address"));
    for address in addresses {
        match timeout(PATIENCE, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok((stream, format!("{address} answers"))),
            Ok(Err(error)) => {
                last = unreachable(format!("`{endpoint}`: nobody answers at {address}")).because(error).hint(REFUSED);
            }
            Err(_) => {
                let waited = PATIENCE.as_secs();
                last = unreachable(format!("`{endpoint}`: no answer from {address} within {waited} s")).hint(FIREWALL);
            }
        }
    }
    Err(last)
}

const REFUSED: &str = "is the port right (AWS: 8883)? it stands in bundle.json";
const FIREWALL: &str = "a firewall that drops packets looks like this; ask for TCP 8883 to be let out, or go by 443: iotctl run --port 443";

/// Connects through a proxy, which looks the name up itself.
pub async fn tunnel(identity: &Identity, proxy: &Proxy) -> Result<(TcpStream, String)> {
    let silent = |_| unreachable(format!("no answer from the proxy `{proxy}` within {} s", PATIENCE.as_secs()));
    let stream = timeout(PATIENCE, mqtt::probe::tunnel(identity, proxy)).await.map_err(silent)??;
    Ok((stream, format!("the proxy `{proxy}` leads to `{}`", identity.endpoint)))
}

/// Makes the TLS handshake.
pub async fn secure(identity: &Identity, stream: TcpStream) -> Result<((), String)> {
    let silent = |_| unreachable(format!("no TLS answer from `{}` within {} s", identity.endpoint, PATIENCE.as_secs()));
    let version = timeout(PATIENCE, mqtt::probe::secure(identity, stream)).await.map_err(silent)??;
    Ok(((), format!("{version}; the server's certificate is signed by a root of the bundle")))
}

/// Connects as the device does.
pub async fn connect(identity: &Identity) -> Result<((Client, Inbox), String)> {
    let connection = mqtt::connect(identity, Settings::default()).await?;
    Ok((connection, format!("accepted as `{}`", identity.client_id)))
}

fn unreachable(message: String) -> Error {
    Error::new(Kind::Unreachable, message)
}
