//! A proxy between the program and its control plane, which somebody meddles with.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

/// What happens to a request.
pub enum Verdict {
    /// It is passed on, and so is its answer.
    Pass,
    /// It is passed on and carried out; the connection breaks before the answer.
    LoseTheAnswer,
    /// It is not passed on; this is answered: status, error type, body.
    Answer(&'static str, &'static str, &'static str),
}

/// Who meddles.
pub trait Meddler: Send + Sync + 'static {
    /// A request came.
    fn judge(&self, _request: &[u8]) -> Verdict {
        Verdict::Pass
    }
    /// Its answer is about to be passed on.
    fn before_the_answer(&self, _request: &[u8]) {}
    /// Its answer was passed on.
    fn after_the_answer(&self, _request: &[u8]) {}
}

/// Passes HTTP on, one exchange at a time for each connection; returns its address, `127.0.0.1:PORT`.
pub fn start(upstream: &str, meddler: Arc<impl Meddler>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let upstream = upstream.to_owned();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let (upstream, meddler) = (upstream.clone(), meddler.clone());
            std::thread::spawn(move || serve(client, &upstream, &*meddler));
        }
    });
    address
}

fn serve(mut client: TcpStream, upstream: &str, meddler: &impl Meddler) -> Option<()> {
    let mut cloud = TcpStream::connect(upstream).ok()?;
    let mut from_client = BufReader::new(client.try_clone().ok()?);
    let mut from_cloud = BufReader::new(cloud.try_clone().ok()?);
    loop {
        let request = message(&mut from_client)?;
        let verdict = meddler.judge(&request);
        if let Verdict::Answer(status, error_type, body) = verdict {
            let length = body.len();
            let head =
                format!("HTTP/1.1 {status}\r\nx-amzn-ErrorType: {error_type}\r\nContent-Length: {length}\r\n\r\n");
            client.write_all(format!("{head}{body}").as_bytes()).ok()?;
            continue;
        }
        cloud.write_all(&request).ok()?;
        let answer = message(&mut from_cloud)?;
        if let Verdict::LoseTheAnswer = verdict {
            return None;
        }
        meddler.before_the_answer(&request);
        client.write_all(&answer).ok()?;
        meddler.after_the_answer(&request);
    }
}

/// One HTTP/1.1 message with a Content-Length.
fn message(from: &mut impl BufRead) -> Option<Vec<u8>> {
    let (mut whole, mut length) = (Vec::new(), 0);
    loop {
        let mut line = Vec::new();
        if from.read_until(b'\n', &mut line).ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&line).to_lowercase();
        if let Some(value) = text.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        whole.extend(&line);
        if line == b"\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).ok()?;
    whole.extend(body);
    Some(whole)
}
