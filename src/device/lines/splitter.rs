//! Where a line ends. Sees bytes in whatever pieces they come, and keeps no more of a line than AWS IoT would take.

use crate::device::input::Input;
use crate::mqtt::MAX_PAYLOAD;

/// A line that has begun.
#[derive(Debug, Default)]
pub struct Splitter {
    line: Vec<u8>,
    /// What it has by now; more than is kept where it is too long.
    length: usize,
}

impl Splitter {
    /// The next whole line, without its `\n`, and takes it off the front of `bytes`; `None` when all are taken and the line
    /// goes on.
    pub fn next(&mut self, bytes: &mut &[u8]) -> Option<Input> {
        let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
        let (part, rest) = (parts.next().unwrap_or_default(), parts.next());
        self.length += part.len();
        if self.length <= MAX_PAYLOAD {
            self.line.extend_from_slice(part);
        } else {
            self.line = Vec::new();
        }
        *bytes = rest.unwrap_or_default();
        rest.map(|_| self.whole())
    }

    /// The stream has ended: the line that has no end.
    pub fn end(&mut self) -> Option<Input> {
        (self.length > 0).then(|| self.whole())
    }

    fn whole(&mut self) -> Input {
        let (line, bytes) = (std::mem::take(&mut self.line), std::mem::take(&mut self.length));
        if bytes > MAX_PAYLOAD { Input::TooLong { bytes } } else { Input::Payload(line) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The lines of a text that comes in pieces of this size.
    fn split(text: &[u8], piece: usize) -> Vec<Input> {
        let (mut splitter, mut lines) = (Splitter::default(), Vec::new());
        for mut bytes in text.chunks(piece) {
            lines.extend(std::iter::from_fn(|| splitter.next(&mut bytes)));
        }
        lines.extend(splitter.end());
        lines
    }

    fn all(text: &[u8]) -> Vec<Input> {
        split(text, 7)
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
        fn whatever_the_bytes_they_come_out_as_they_went_in(text in prop::collection::vec(any::<u8>(), 0..300), piece in 1_usize..50) {
            let lines: Vec<Vec<u8>> = split(&text, piece).into_iter().map(|input| match input {
                Input::Payload(line) => line,
                other => panic!("{other:?}"),
            }).collect();
            let mut joined = lines.join(&b'\n');
            if text.last() == Some(&b'\n') { joined.push(b'\n'); }
            prop_assert_eq!(joined, text);
        }
    }
}
