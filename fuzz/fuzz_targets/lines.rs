//! Bytes of a socket in pieces of any size: the same lines come out as if they had come in one piece.
//!
//! The first byte of an input is the size of the pieces; 0xff and a byte behind it stand for that many KiB of `x`, so that
//! a small input makes lines that are too long.
#![no_main]

use iotctl::device::input::Input;
use iotctl::device::lines::splitter::Splitter;
use iotctl::mqtt::MAX_PAYLOAD;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((piece, packed)) = input.split_first() else { return };
    let text = unpacked(packed);
    let piece = usize::from(*piece).max(1) * if text.len() > 65_536 { 257 } else { 1 };
    assert!(split(&text, piece) == naive(&text));
});

fn unpacked(packed: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut bytes = packed.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            0xff => text.resize(text.len() + 1024 * usize::from(*bytes.next().unwrap_or(&0)), b'x'),
            byte => text.push(*byte),
        }
    }
    text
}

fn split(text: &[u8], piece: usize) -> Vec<Input> {
    let (mut splitter, mut lines) = (Splitter::default(), Vec::new());
    for mut bytes in text.chunks(piece) {
        while let Some(line) = splitter.next(&mut bytes) {
            lines.push(line);
        }
        assert!(bytes.is_empty());
    }
    lines.extend(splitter.end());
    lines
}

fn naive(text: &[u8]) -> Vec<Input> {
    let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    lines.pop_if(|last| last.is_empty());
    let input = |line: &[u8]| match line.len() {
        bytes if bytes > MAX_PAYLOAD => Input::TooLong { bytes },
        _ => Input::Payload(line.to_vec()),
    };
    lines.into_iter().map(input).collect()
}
