//! The message broker: MQTT 3.1.1 and 5 over mTLS, every packet decided by the attached policies.
//!
//! ```text
//! tls -> wire (bytes to packets) -> admission (CONNECT) -> connection -> publishing, subscribing -> router -> sessions
//!                                        access: who is it, and what do its policies say now?
//! ```

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use self::access::Peer;
use self::connection::Connection;
use self::packet::{ConnAck, Incoming, Outgoing, Reason, Version};
use self::router::Router;
use self::shadowing::Notices;
use self::wire::Wire;
use super::ca::ServerIdentity;
use super::decisions::{Decisions, Event, Record};
use super::registry::Registry;
use super::shadow::service::Shadows;
use crate::error::{Error, Result};
use crate::pki::sha256_hex;

mod access;
mod admission;
mod clock;
mod connection;
mod ending;
mod packet;
mod publishing;
mod router;
mod session;
pub mod shadowing;
mod subscribing;
mod tls;
mod wire;

/// Connections that shake hands at the same time, and how long each may take.
const HANDSHAKES: usize = 512;
const HANDSHAKE: Duration = Duration::from_secs(10);
/// From the handshake to the CONNECT.
const CONNECT: Duration = Duration::from_secs(10);
/// The name that devices connect to; TLS tells which name they meant.
pub const HOST: &str = "localhost";

/// A broker that listens.
#[derive(Debug)]
pub struct Broker {
    port: u16,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Broker {
    /// Listens on a loopback port, of IPv6 too where there is one; 0 takes a free port.
    pub async fn start(
        port: u16,
        identity: ServerIdentity,
        registry: Registry,
        decisions: Decisions,
        (shadows, notices): (Shadows, Notices),
    ) -> Result<Self> {
        let cannot = |e: std::io::Error| {
            Error::failed(format!("cannot listen on port {port} for the message broker"))
                .because(e)
                .hint("another broker may be running; take a free port: iotctl local --mqtt-port 0")
        };
        let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(cannot)?;
        let port = v4.local_addr().map_err(cannot)?.port();
        let v6 = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await.ok();
        let tls = tls::config(identity, registry.clone(), decisions.clone())?;
        let (stop, stopping) = watch::channel(false);
        let door = Door { tls, registry, decisions, shadows, router: Router::default(), stopping };
        let telling = shadowing::publish(notices, door.router.clone(), door.stopping.clone());
        let task = tokio::spawn(async move {
            tokio::join!(door.keep(v4, v6), telling);
        });
        Ok(Self { port, stop, task })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends every connection, and then itself.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        let _ = self.task.await;
    }
}

/// What every connection starts from.
#[derive(Clone)]
struct Door {
    tls: Arc<ServerConfig>,
    registry: Registry,
    decisions: Decisions,
    shadows: Shadows,
    router: Router,
    stopping: watch::Receiver<bool>,
}

impl Door {
    /// Accepts until it is told to stop; then waits for the connections to end.
    async fn keep(mut self, v4: TcpListener, v6: Option<TcpListener>) {
        let mut connections = JoinSet::new();
        let handshakes = Arc::new(Semaphore::new(HANDSHAKES));
        loop {
            let accepted = tokio::select! {
                _ = self.stopping.wait_for(|stopping| *stopping) => break,
                Some(_) = connections.join_next() => continue,
                accepted = accept(&v4, v6.as_ref()) => accepted,
            };
            match (accepted, handshakes.clone().acquire_owned().await) {
                (Ok((stream, address)), Ok(permit)) => {
                    let door = self.clone();
                    connections.spawn(async move { door.welcome(stream, address, permit).await });
                }
                // Out of file descriptors, most likely: the next attempt must not come at once.
                (Err(_), _) => tokio::time::sleep(Duration::from_millis(50)).await,
                (Ok(_), Err(_)) => {}
            }
        }
        while connections.join_next().await.is_some() {}
    }

    async fn welcome(self, stream: TcpStream, address: SocketAddr, permit: tokio::sync::OwnedSemaphorePermit) {
        // Small packets go at once; a stand-in that is slow by Nagle's algorithm would mislead.
        let _ = stream.set_nodelay(true);
        let mut stopping = self.stopping.clone();
        let shaken = tokio::select! {
            shaken = tokio::time::timeout(HANDSHAKE, TlsAcceptor::from(self.tls.clone()).accept(stream)) => shaken,
            _ = stopping.wait_for(|stopping| *stopping) => return,
        };
        drop(permit);
        let Ok(Ok(stream)) = shaken else {
            if let Ok(Err(error)) = shaken {
                self.handshake_failed(&error);
            }
            return;
        };
        match peer(&stream, address) {
            Ok(peer) => self.converse(Wire::new(stream), peer).await,
            Err(note) => self.refuse(None, note),
        }
    }

    /// The verifier has recorded its own refusals; what is left is a client without a certificate, or one that did not
    /// trust us.
    fn handshake_failed(&self, error: &std::io::Error) {
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let note = match tls {
            Some(rustls::Error::NoCertificatesPresented) => "the client sent no certificate".to_owned(),
            Some(rustls::Error::AlertReceived(alert)) => {
                format!("the client broke off: {alert:?} (does it trust root-ca.pem, and connect to `{HOST}`?)")
            }
            Some(rustls::Error::InvalidCertificate(_)) | None => return,
            Some(other) => other.to_string(),
        };
        self.refuse(None, note);
    }

    fn refuse(&self, certificate_id: Option<String>, note: String) {
        let record = Record { certificate_id, note: Some(note), ..Record::of(Event::Tls, clock::now_ms()) };
        self.decisions.record(record);
    }

    async fn converse(self, mut wire: Wire<TlsStream<TcpStream>>, peer: Peer) {
        // From before the first look, so that no change is missed.
        let changes = self.registry.changes();
        let connect = match tokio::time::timeout(CONNECT, wire.read()).await {
            Ok(Ok(Incoming::Connect(connect))) => connect,
            Ok(Ok(_)) => {
                let note = "the first packet is no CONNECT".to_owned();
                return self.refuse(Some(peer.certificate_id), note);
            }
            Ok(Err(wire::WireError::Lost(_))) | Err(_) => return,
            Ok(Err(error)) => {
                return self.refuse(Some(peer.certificate_id), error.to_string());
            }
        };
        match admission::decide(&self.registry, &self.decisions, &peer, &connect) {
            Ok(admitted) => {
                let connection = Connection::open(wire, self.router, self.shadows, &connect, admitted);
                connection.serve(changes, self.stopping).await;
            }
            Err(reason) => {
                if connect.version == Version::V5 {
                    wire.queue(refusal(reason));
                }
                let _ = tokio::time::timeout(HANDSHAKE, wire.close()).await;
            }
        }
    }
}

async fn accept(v4: &TcpListener, v6: Option<&TcpListener>) -> std::io::Result<(TcpStream, SocketAddr)> {
    match v6 {
        None => v4.accept().await,
        Some(v6) => tokio::select! {
            accepted = v4.accept() => accepted,
            accepted = v6.accept() => accepted,
        },
    }
}

/// Certificate and SNI of a connection. AWS IoT wants SNI, and so does the stand-in (broker.md, section 3).
fn peer(stream: &TlsStream<TcpStream>, address: SocketAddr) -> Result<Peer, String> {
    let (_, tls) = stream.get_ref();
    let certificate = tls.peer_certificates().and_then(|chain| chain.first());
    let certificate = certificate.ok_or("the client sent no certificate")?;
    match tls.server_name() {
        Some(HOST) => {
            Ok(Peer { certificate_id: sha256_hex(certificate), domain: HOST.to_owned(), address: address.ip() })
        }
        Some(other) => Err(format!("the client asked for `{other}`: connect to `{HOST}`")),
        None => Err(format!(
            "the client sent no server name (SNI), which AWS IoT wants: connect to `{HOST}`, not to an address"
        )),
    }
}

fn refusal(reason: Reason) -> Outgoing {
    Outgoing::ConnAck(Box::new(ConnAck {
        reason,
        session_present: false,
        assigned_client_id: None,
        keep_alive_s: None,
        session_expiry_s: None,
    }))
}
