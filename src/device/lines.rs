//! Lines as payloads: each line of a stream of bytes is one message, published unchanged.

pub mod splitter;

use std::io::{ErrorKind, Read};
use std::thread;

use tokio::sync::mpsc;

use super::input::Input;
use crate::error::{Error, Result};
use splitter::Splitter;

/// Reads lines on a thread of its own until the end of the stream, or until nobody listens.
///
/// The thread is not waited for: a read of standard input cannot be ended from outside.
///
/// # Errors
/// The operating system gives no thread.
pub fn read(stream: impl Read + Send + 'static, sink: mpsc::Sender<Input>) -> Result<()> {
    let work = move || {
        let mut sink = |input| sink.blocking_send(input).is_ok();
        if let Err(error) = pump(stream, &mut sink) {
            tracing::error!("cannot read lines any more: {error}");
        }
    };
    let thread = thread::Builder::new().name("lines".into()).spawn(work);
    thread.map(drop).map_err(|error| Error::failed("cannot start a thread for the lines").because(error))
}

/// Hands over line by line while `sink` takes them; the last one needs no end.
fn pump(mut stream: impl Read, sink: &mut dyn FnMut(Input) -> bool) -> std::io::Result<()> {
    let (mut splitter, mut buffer) = (Splitter::default(), [0; 8192]);
    loop {
        let mut bytes = match stream.read(&mut buffer) {
            Ok(0) => {
                splitter.end().map(sink);
                return Ok(());
            }
            Ok(read) => buffer.get(..read).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        while let Some(line) = splitter.next(&mut bytes) {
            if !sink(line) {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_read_to_its_end_or_until_nobody_takes_the_next_line() {
        let text = "a\nb\nc";
        for most in 1..=4 {
            let mut lines = Vec::new();
            let sink = &mut |line| {
                lines.push(line);
                lines.len() < most
            };
            pump(text.as_bytes(), sink).unwrap();
            assert_eq!(lines.len(), most.min(3));
            assert_eq!(lines[0], Input::Payload(b"a".to_vec()));
        }
    }
}
