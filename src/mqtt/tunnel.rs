//! A tunnel through an HTTP proxy: CONNECT, and after its answer the bytes are ours (RFC 9110, section 9.3.6).

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rumqttc::NetworkOptions;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use zeroize::Zeroizing;

use crate::names::Proxy;

/// The longest answer of a proxy: what is longer is none.
const MOST: usize = 16 * 1024;

/// Why there is no tunnel.
#[derive(Debug, thiserror::Error)]
pub(super) enum Blocked {
    /// The proxy is not reached.
    #[error("{0}")]
    Unreachable(io::Error),
    /// The proxy answered, and did not open a tunnel.
    #[error("the proxy answered {status} {reason}")]
    Refused { status: u16, reason: String },
    /// It answered something else, or not to the end.
    #[error("the answer is not HTTP")]
    NoProxy,
}

/// Connects to `target`, `HOST:PORT`, through a proxy.
///
/// # Errors
/// [`Blocked`] inside of an I/O error, so that it passes through the MQTT client.
pub(super) async fn open(proxy: &Proxy, target: &str, options: NetworkOptions) -> io::Result<TcpStream> {
    let connecting = rumqttc::default_socket_connect(proxy.address(), options);
    let mut stream = connecting.await.map_err(|error| io::Error::other(Blocked::Unreachable(error)))?;
    ask(&mut stream, proxy, target).await.map_err(io::Error::other)?;
    Ok(stream)
}

async fn ask<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, proxy: &Proxy, target: &str) -> Result<(), Blocked> {
    stream.write_all(request(proxy, target).as_bytes()).await.map_err(Blocked::Unreachable)?;
    stream.flush().await.map_err(Blocked::Unreachable)?;
    match status(&head(stream).await?) {
        Some((200..300, _)) => Ok(()),
        Some((status, reason)) => Err(Blocked::Refused { status, reason }),
        None => Err(Blocked::NoProxy),
    }
}

fn request(proxy: &Proxy, target: &str) -> Zeroizing<String> {
    let user = proxy.user().map_or_else(Zeroizing::default, |user| {
        let encoded = Zeroizing::new(STANDARD.encode(user));
        Zeroizing::new(format!("Proxy-Authorization: Basic {}\r\n", *encoded))
    });
    Zeroizing::new(format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{}\r\n", *user))
}

/// Reads to the empty line and not a byte further: what follows belongs to TLS.
async fn head<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Vec<u8>, Blocked> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) if head.len() < MOST => head.push(byte),
            Ok(_) => return Err(Blocked::NoProxy),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(Blocked::NoProxy),
            Err(error) => return Err(Blocked::Unreachable(error)),
        }
    }
    Ok(head)
}

/// Status and reason of the first line.
fn status(head: &[u8]) -> Option<(u16, String)> {
    let line = head.split(|byte| *byte == b'\r').next()?;
    let line = std::str::from_utf8(line).ok()?.strip_prefix("HTTP/1.")?;
    let mut words = line.splitn(3, ' ').skip(1);
    let status = words.next()?.parse().ok()?;
    let reason = words.next().unwrap_or_default().chars().filter(|c| !c.is_control()).take(80).collect();
    Some((status, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a proxy hears that answers this, what is made of it, and what is left to read.
    async fn asked(proxy: &str, answer: &[u8]) -> (String, Result<(), String>, Vec<u8>) {
        let (mut ours, mut theirs) = tokio::io::duplex(64 * 1024);
        theirs.write_all(answer).await.unwrap();
        let outcome = ask(&mut ours, &proxy.parse().unwrap(), "broker:443").await.map_err(|error| error.to_string());
        let mut rest = vec![0; 64 * 1024];
        theirs.shutdown().await.unwrap();
        let heard = theirs.read(&mut rest).await.unwrap();
        let text = String::from_utf8(rest[..heard].to_vec()).unwrap();
        let left = ours.read(&mut rest).await.unwrap();
        (text, outcome, rest[..left].to_vec())
    }

    #[tokio::test]
    async fn a_proxy_is_asked_for_the_broker_and_what_follows_its_answer_is_left_alone() {
        let (heard, outcome, left) =
            asked("http://p:1", b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n\x16\x03").await;
        assert_eq!(heard, "CONNECT broker:443 HTTP/1.1\r\nHost: broker:443\r\n\r\n");
        assert_eq!((outcome, left.as_slice()), (Ok(()), &b"\x16\x03"[..]));
    }

    #[tokio::test]
    async fn a_user_is_told_to_the_proxy() {
        let (heard, _, _) = asked("http://Aladdin:open%20sesame@p:1", b"HTTP/1.0 200\r\n\r\n").await;
        assert!(heard.contains("\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"), "RFC 7617: {heard}");
    }

    #[tokio::test]
    async fn a_proxy_that_says_no_or_nonsense_is_an_error() {
        for (answer, wanted) in [
            (
                &b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"[..],
                "the proxy answered 407 Proxy Authentication Required",
            ),
            (b"HTTP/1.1 503\r\n\r\n", "the proxy answered 503 "),
            (b"HTTP/1.1 ok\r\n\r\n", "the answer is not HTTP"),
            (b"SSH-2.0-OpenSSH\r\n\r\n", "the answer is not HTTP"),
            (&[b'x'; MOST + 1], "the answer is not HTTP"),
        ] {
            assert_eq!(asked("http://p:1", answer).await.1, Err(wanted.to_owned()));
        }
    }
}
