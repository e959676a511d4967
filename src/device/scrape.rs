//! `GET /metrics` on loopback: as much of HTTP/1.1 as a scrape needs, and no more.
//!
//! A device opens no port unless it is told to, and then only to itself. One request a connection, a head of 4 KiB, five
//! seconds, four at a time.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::error::{Error, Kind, Result};

const MOST_HEAD: usize = 4096;
const MOST_TIME: Duration = Duration::from_secs(5);
const MOST_CONNECTIONS: usize = 4;

/// Makes the text of an answer.
pub type Page = Arc<dyn Fn() -> String + Send + Sync>;

/// A port that is listened on.
#[derive(Debug)]
pub struct Scrape {
    listener: TcpListener,
}

impl Scrape {
    /// Listens on `address`, which must be one of this machine's own.
    ///
    /// Errors: usage (64) for an address that others can reach; configuration (78) if it is taken.
    pub async fn bind(address: SocketAddr) -> Result<Self> {
        if !address.ip().is_loopback() {
            return Err(Error::usage(format!("`{address}` can be reached from outside; metrics are for this machine"))
                .hint("--metrics 127.0.0.1:9464, and let a proxy or an agent carry them on"));
        }
        let listener = TcpListener::bind(address).await.map_err(|e| {
            Error::new(Kind::Configuration, format!("cannot listen on `{address}`"))
                .because(e)
                .hint("--metrics 127.0.0.1:0 takes a free port")
        })?;
        Ok(Self { listener })
    }

    /// Where it listens.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.local_addr().ok()
    }

    /// Answers for as long as it is polled.
    pub async fn serve(self, content_type: &'static str, page: Page) {
        let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        loop {
            let Ok(permit) = room.clone().acquire_owned().await else { return };
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let page = page.clone();
                    tokio::spawn(async move {
                        // Whoever is too slow, or gone, gets no answer.
                        let _ = tokio::time::timeout(MOST_TIME, answer(stream, content_type, page)).await;
                        drop(permit);
                    });
                }
                // Out of files, most likely: the next attempt must not come at once.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }
}

async fn answer(mut stream: TcpStream, content_type: &str, page: Page) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() <= MOST_HEAD {
        let mut piece = [0; 1024];
        match stream.read(&mut piece).await? {
            0 => return Ok(()),
            count => head.extend_from_slice(piece.get(..count).unwrap_or_default()),
        }
    }
    let status = judge(&head);
    let (text, kind) = match status {
        Status::Found { .. } => (page(), content_type),
        Status::Refused(reason) => (format!("{reason}\n"), "text/plain; charset=utf-8"),
    };
    let (line, body) = match status {
        Status::Found { with_body } => ("200 OK", if with_body { text.as_str() } else { "" }),
        Status::Refused(reason) => (reason, text.as_str()),
    };
    let allow = if line.starts_with("405") { "Allow: GET, HEAD\r\n" } else { "" };
    let length = text.len();
    let head = format!(
        "HTTP/1.1 {line}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{allow}X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Found { with_body: bool },
    Refused(&'static str),
}

/// What the head of a request gets.
fn judge(head: &[u8]) -> Status {
    if head.len() > MOST_HEAD {
        return Status::Refused("431 Request Header Fields Too Large");
    }
    let text = String::from_utf8_lossy(head);
    let mut lines = text.split("\r\n");
    let mut request = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (request.next(), request.next(), request.next(), request.next())
    else {
        return Status::Refused("400 Bad Request");
    };
    let is_own = lines.filter_map(|line| line.split_once(':')).all(|(name, value)| {
        // A page in a browser that a foreign name leads here is not this machine.
        !name.eq_ignore_ascii_case("host") || is_loopback(value.trim())
    });
    match (method, target.split('?').next()) {
        _ if !version.starts_with("HTTP/1.") => Status::Refused("400 Bad Request"),
        _ if !is_own => Status::Refused("421 Misdirected Request"),
        ("GET", Some("/metrics")) => Status::Found { with_body: true },
        ("HEAD", Some("/metrics")) => Status::Found { with_body: false },
        ("GET" | "HEAD", _) => Status::Refused("404 Not Found"),
        _ => Status::Refused("405 Method Not Allowed"),
    }
}

/// Whether a Host field names this machine.
fn is_loopback(host: &str) -> bool {
    let bracketed = host.strip_prefix('[').and_then(|rest| rest.split(']').next());
    let name = bracketed.unwrap_or_else(|| host.split(':').next().unwrap_or_default());
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scrape_is_answered_and_everything_else_is_refused_by_its_name() {
        let found = Status::Found { with_body: true };
        let cases = [
            ("GET /metrics HTTP/1.1\r\nHost: localhost:9464\r\n\r\n", found),
            ("GET /metrics?x=1 HTTP/1.0\r\n\r\n", found),
            ("GET /metrics HTTP/1.1\r\nhost: [::1]:9464\r\n\r\n", found),
            ("HEAD /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", Status::Found { with_body: false }),
            ("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", Status::Refused("404 Not Found")),
            ("POST /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", Status::Refused("405 Method Not Allowed")),
            ("GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n", Status::Refused("421 Misdirected Request")),
            ("GET /metrics HTTP/2\r\n\r\n", Status::Refused("400 Bad Request")),
            ("\x16\x03\x01\r\n\r\n", Status::Refused("400 Bad Request")),
        ];
        for (head, wanted) in cases {
            assert_eq!(judge(head.as_bytes()), wanted, "{head}");
        }
        let long = [b"GET /metrics HTTP/1.1\r\nX: ".to_vec(), vec![b'x'; MOST_HEAD]].concat();
        assert_eq!(judge(&long), Status::Refused("431 Request Header Fields Too Large"));
    }
}
