//! Lines as payloads: each line of a stream of bytes is one message, published unchanged.

use std::io::{BufRead, BufReader, Read};
use std::thread;

use tokio::sync::mpsc;

use super::input::Input;
use crate::error::{Error, Result};
use crate::mqtt::MAX_PAYLOAD;

/// Reads lines on a thread of its own until the end of the stream, or until nobody listens.
///
/// The thread is not waited for: a read of standard input cannot be ended from outside.
///
/// # Errors
/// The operating system gives no thread.
pub fn read(stream: impl Read + Send + 'static, sink: mpsc::Sender<Input>) -> Result<()> {
    let work = move || {
        let mut stream = BufReader::new(stream);
        loop {
            match next(&mut stream) {
                Ok(None) => return,
                Ok(Some(input)) => {
                    if sink.blocking_send(input).is_err() {
                        return;
                    }
                }
                Err(error) => return tracing::error!("cannot read lines any more: {error}"),
            }
        }
    };
    let thread = thread::Builder::new().name("lines".into()).spawn(work);
    thread.map(drop).map_err(|error| Error::failed("cannot start a thread for the lines").because(error))
}

/// The next line without its end, `\n`; `None` at the end. A line that is too long is passed over in pieces, so that
/// it costs no memory.
fn next(stream: &mut impl BufRead) -> std::io::Result<Option<Input>> {
    let mut line = Vec::new();
    let most = MAX_PAYLOAD as u64 + 1;
    let read = stream.by_ref().take(most).read_until(b'\n', &mut line)?;
    if read == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        return Ok(Some(Input::Payload(line)));
    }
    if line.len() <= MAX_PAYLOAD {
        return Ok(Some(Input::Payload(line)));
    }
    let mut bytes = line.len();
    while line.last() != Some(&b'\n') {
        line.clear();
        bytes += stream.by_ref().take(most).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(Some(Input::TooLong { bytes }));
        }
    }
    Ok(Some(Input::TooLong { bytes: bytes - 1 }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(text: &[u8]) -> Vec<Input> {
        let mut stream = BufReader::with_capacity(7, text);
        std::iter::from_fn(|| next(&mut stream).unwrap()).collect()
    }

    fn payload(text: &str) -> Input {
        Input::Payload(text.as_bytes().to_vec())
    }

    #[test]
    fn each_line_is_a_payload_as_it_is() {
        assert_eq!(all(b"a\n\n b \r\n{\"c\":1}"), [payload("a"), payload(""), payload(" b \r"), payload("{\"c\":1}")]);
        assert_eq!(all(b""), []);
        assert_eq!(all(b"a\n"), [payload("a")]);
    }

    #[test]
    fn the_longest_line_goes_and_one_byte_more_does_not() {
        let line = |bytes: usize| vec![b'x'; bytes];
        let text = [line(MAX_PAYLOAD), b"\n".to_vec(), line(MAX_PAYLOAD + 1), b"\nz\n".to_vec(), line(3 * MAX_PAYLOAD)];
        let wanted = [
            Input::Payload(line(MAX_PAYLOAD)),
            Input::TooLong { bytes: MAX_PAYLOAD + 1 },
            payload("z"),
            Input::TooLong { bytes: 3 * MAX_PAYLOAD },
        ];
        assert!(all(&text.concat()) == wanted);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(7), ..ProptestConfig::default() })]
        #[test]
        fn whatever_the_bytes_they_come_out_as_they_went_in(text in prop::collection::vec(any::<u8>(), 0..300)) {
            let lines: Vec<Vec<u8>> = all(&text).into_iter().map(|input| match input {
                Input::Payload(line) => line,
                other => panic!("{other:?}"),
            }).collect();
            let mut joined = lines.join(&b'\n');
            if text.last() == Some(&b'\n') { joined.push(b'\n'); }
            prop_assert_eq!(joined, text);
        }
    }
}
