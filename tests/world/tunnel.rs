//! An HTTP proxy that knows CONNECT and nothing else, and leads everybody to one port.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part of it")]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};

/// The proxy.
pub struct Tunnel {
    pub port: u16,
    /// The head of each request.
    pub asked: Receiver<String>,
}

impl Tunnel {
    /// Leads to `upstream` who says one of the header lines in `wanted`; everybody, if there is none.
    pub fn to(upstream: u16, wanted: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, asked) = channel();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let sender = sender.clone();
                std::thread::spawn(move || lead(client, upstream, wanted, &sender));
            }
        });
        Self { port, asked }
    }

    pub fn url(&self, user: &str) -> String {
        format!("http://{user}127.0.0.1:{}", self.port)
    }
}

fn lead(mut client: TcpStream, upstream: u16, wanted: Option<&str>, asked: &Sender<String>) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let is_welcome = wanted.is_none_or(|wanted| head.lines().any(|line| line == wanted));
    asked.send(head).ok()?;
    if !is_welcome {
        client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n").ok()?;
        return None;
    }
    let cloud = TcpStream::connect(("127.0.0.1", upstream)).ok()?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").ok()?;
    let (back_from, back_to) = (cloud.try_clone().ok()?, client.try_clone().ok()?);
    std::thread::spawn(move || pass(back_from, back_to));
    pass(client, cloud);
    Some(())
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}
