//! A TLS listener that speaks as much MQTT as a feeder needs, and tells what was said to it: nothing of ours in it.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part of it")]

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::Acceptor;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::world::sealed;

/// A name of the listener that nobody resolves.
pub const FAR: &str = "broker.invalid";

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// The protocols of the ClientHello's ALPN extension, and its server name.
    Hello { alpn: Vec<String>, name: Option<String> },
    /// Client id and keep-alive of the CONNECT.
    Connect { client_id: String, keep_alive: u16 },
    /// Topic of a PUBLISH.
    Publish(String),
}

pub struct Listener {
    pub port: u16,
    pub folder: tempfile::TempDir,
    pub heard: Receiver<Heard>,
}

impl Listener {
    pub fn start() -> Self {
        Self::speaking("x-amzn-mqtt-ca")
    }

    /// One that knows this ALPN protocol and no other; who offers none is served as well.
    pub fn speaking(protocol: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = certificates(folder.path());
        config.alpn_protocols = vec![protocol.into()];
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, heard) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, sender) = (config.clone(), sender.clone());
                std::thread::spawn(move || serve(stream, config, &sender));
            }
        });
        Self { port, folder, heard }
    }

    /// `iotctl` as `pump-7`, with the tutorial's flags, at this port.
    pub fn iotctl(&self, verb: &str, port: u16, more: &[&str]) -> Command {
        self.iotctl_at(&format!("localhost:{port}"), verb, more)
    }

    /// The same, at this endpoint.
    pub fn iotctl_at(&self, endpoint: &str, verb: &str, more: &[&str]) -> Command {
        let identity =
            [verb, "-e", endpoint, "-r", "ca.pem", "-c", "device.pem", "-k", "device.key", "--client-id", "pump-7"];
        sealed(self.folder.path(), &[&identity, more].concat())
    }
}

/// Answers until the client goes.
fn serve(mut stream: TcpStream, config: Arc<ServerConfig>, heard: &Sender<Heard>) -> Option<()> {
    let mut acceptor = Acceptor::default();
    let accepted = loop {
        acceptor.read_tls(&mut stream).ok().filter(|read| *read > 0)?;
        if let Some(accepted) = acceptor.accept().ok()? {
            break accepted;
        }
    };
    let hello = accepted.client_hello();
    let alpn = hello.alpn().into_iter().flatten().map(|p| String::from_utf8_lossy(p).into_owned()).collect();
    heard.send(Heard::Hello { alpn, name: hello.server_name().map(str::to_owned) }).ok()?;
    let refused = |(_, mut alert): (_, rustls::server::AcceptedAlert)| drop(alert.write(&mut stream));
    let connection = accepted.into_connection(config).map_err(refused).ok()?;
    let mut stream = StreamOwned::new(connection, stream);
    loop {
        let (kind, body) = packet(&mut stream)?;
        match kind >> 4 {
            1 => {
                let (keep_alive, length) = (number(&body, 8), usize::from(number(&body, 10)));
                let client_id = String::from_utf8_lossy(&body[12..12 + length]).into_owned();
                heard.send(Heard::Connect { client_id, keep_alive }).ok()?;
                stream.write_all(&[0x20, 2, 0, 0]).ok()?;
            }
            3 => {
                let length = 2 + usize::from(number(&body, 0));
                heard.send(Heard::Publish(String::from_utf8_lossy(&body[2..length]).into_owned())).ok()?;
                if kind & 0b110 != 0 {
                    stream.write_all(&[0x40, 2, body[length], body[length + 1]]).ok()?;
                }
            }
            8 => stream.write_all(&[0x90, 3, body[0], body[1], 1]).ok()?,
            12 => stream.write_all(&[0xd0, 0]).ok()?,
            _ => return None,
        }
    }
}

/// First byte and body of an MQTT packet.
fn packet(stream: &mut StreamOwned<ServerConnection, TcpStream>) -> Option<(u8, Vec<u8>)> {
    let mut byte = [0];
    let mut next = |stream: &mut StreamOwned<_, _>| stream.read_exact(&mut byte).ok().map(|()| byte[0]);
    let kind = next(stream)?;
    let (mut length, mut shift) = (0, 0);
    loop {
        let part = next(stream)?;
        length |= usize::from(part & 0x7f) << shift;
        shift += 7;
        if part & 0x80 == 0 {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some((kind, body))
}

fn number(body: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([body[at], body[at + 1]])
}

/// Writes the files of the device, and gives the settings of the listener, which takes that device only.
fn certificates(folder: &Path) -> ServerConfig {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::default();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.distinguished_name.push(DnType::CommonName, "test root");
    let root = ca.self_signed(&ca_key).unwrap();
    fs::write(folder.join("ca.pem"), root.pem()).unwrap();
    let issuer = Issuer::new(ca, ca_key);
    let issue = |hosts: &[&str]| {
        let key = KeyPair::generate().unwrap();
        let hosts: Vec<_> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let certificate = CertificateParams::new(hosts).unwrap().signed_by(&key, &issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    };
    let (certificate, key) = issue(&["pump-7"]);
    fs::write(folder.join("device.pem"), certificate).unwrap();
    iotctl::bundle::atomic::create(&folder.join("device.key"), key.as_bytes(), 0o600).unwrap();
    let (certificate, key) = issue(&["localhost", FAR]);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(root.der().clone()).unwrap();
    let devices = rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(devices.build().unwrap())
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
        )
        .unwrap()
}
