//! A client that sends whatever bytes it is told, over mTLS with a bundle, and shows what comes back.
#![allow(unreachable_pub, reason = "a module of one test")]

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use iotctl::pki::key::PrivateKey;
use iotctl::pki::tls;
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

/// A silent broker is a failed test after this; nothing is asserted about speed.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Raw {
    stream: StreamOwned<ClientConnection, TcpStream>,
}

/// What a read came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// One packet: its first byte and what follows the length.
    Packet(u8, Vec<u8>),
    /// The broker closed.
    Closed,
}

impl Raw {
    /// Shakes hands with the certificate of a bundle.
    pub fn with_bundle(folder: &Path, port: u16) -> Self {
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
        Self::new(port, &read("root-ca.pem"), &read("device.cert.pem"), &read("device.key.pem"), "localhost").unwrap()
    }

    /// Shakes hands as told; the error is what TLS says.
    pub fn new(port: u16, root: &str, certificate: &str, key: &str, name: &str) -> Result<Self, String> {
        let key = PrivateKey::from_pem("key", key).unwrap();
        let config = tls::client_config(root, certificate, &key).map_err(|e| e.to_string())?;
        Self::shake(port, config, name)
    }

    pub fn shake(port: u16, config: Arc<rustls::ClientConfig>, name: &str) -> Result<Self, String> {
        let tcp = TcpStream::connect(("127.0.0.1", port)).unwrap();
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let mut stream = StreamOwned::new(ClientConnection::new(config, name).unwrap(), tcp);
        stream.conn.complete_io(&mut stream.sock).map_err(|e| e.to_string())?;
        Ok(Self { stream })
    }

    pub fn send(&mut self, bytes: &[u8]) -> &mut Self {
        // The broker may have closed already; what is read tells.
        let _ = self.stream.write_all(bytes).and_then(|()| self.stream.flush());
        self
    }

    /// The next packet.
    pub fn read(&mut self) -> Answer {
        let Some(first) = self.byte() else { return Answer::Closed };
        let mut length = 0usize;
        for at in 0..4 {
            let byte = self.byte().unwrap();
            length |= usize::from(byte & 0x7f) << (7 * at);
            if byte & 0x80 == 0 {
                break;
            }
        }
        let body = (0..length).map(|_| self.byte().unwrap()).collect();
        Answer::Packet(first, body)
    }

    fn byte(&mut self) -> Option<u8> {
        let mut byte = [0];
        match self.stream.read(&mut byte) {
            Ok(0) => None,
            Ok(_) => Some(byte[0]),
            Err(e) if e.kind() == ErrorKind::WouldBlock || e.kind() == ErrorKind::TimedOut => {
                panic!("the broker neither answered nor closed")
            }
            Err(_) => None,
        }
    }

    /// CONNECT, and the CONNACK that says yes.
    pub fn connected(mut self, connect: &[u8]) -> Self {
        match self.send(connect).read() {
            Answer::Packet(0x20, body) if body[1] == 0 => self,
            other => panic!("no CONNACK: {other:?}"),
        }
    }
}

/// A packet of this first byte.
pub fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    let mut length = body.len();
    loop {
        let digit = u8::try_from(length % 128).unwrap();
        length /= 128;
        bytes.push(if length > 0 { digit | 0x80 } else { digit });
        if length == 0 {
            break;
        }
    }
    bytes.extend(body);
    bytes
}

/// A text with its length in front.
pub fn text(text: &str) -> Vec<u8> {
    let mut bytes = u16::try_from(text.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes
}

/// CONNECT of MQTT 3.1.1 (`level` 4) or 5 with these flags; `rest` follows the client id.
pub fn connect(level: u8, flags: u8, client_id: &str, rest: &[u8]) -> Vec<u8> {
    let mut body = [text("MQTT"), vec![level, flags, 0, 60]].concat();
    if level == 5 {
        body.push(0);
    }
    body.extend(text(client_id));
    body.extend(rest);
    packet(0x10, &body)
}

/// A clean CONNECT without a will.
pub fn hello(level: u8, client_id: &str) -> Vec<u8> {
    connect(level, 2, client_id, &[])
}

/// PUBLISH of QoS 1 with identifier 7; version 5 with these properties.
pub fn publish(level: u8, topic: &str, payload: &[u8], properties: &[u8]) -> Vec<u8> {
    let mut body = [text(topic), vec![0, 7]].concat();
    if level == 5 {
        body.push(u8::try_from(properties.len()).unwrap());
        body.extend(properties);
    }
    body.extend(payload);
    packet(0x32, &body)
}

/// SUBSCRIBE with identifier 9.
pub fn subscribe(level: u8, filters: &[(&str, u8)]) -> Vec<u8> {
    let mut body = vec![0, 9];
    if level == 5 {
        body.push(0);
    }
    for (filter, qos) in filters {
        body.extend(text(filter));
        body.push(*qos);
    }
    packet(0x82, &body)
}
