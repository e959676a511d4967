//! The fixed header (MQTT 3.1.1 and 5, section 2): where a packet begins and ends.

use super::fault::WireError;
use crate::local::broker::packet::Reason;

/// The largest packet without its fixed header (broker.md, section 4: 146 KB), in bytes.
pub(super) const MOST_BYTES: u32 = 146 * 1024;
/// One packet in a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    /// Packet type and flags.
    pub(super) first_byte: u8,
    header: usize,
    length: usize,
}

impl Frame {
    /// Where the next packet begins.
    pub(super) fn end(self) -> usize {
        self.header + self.length
    }

    /// What follows the fixed header.
    pub(super) fn body(self, buffer: &[u8]) -> &[u8] {
        buffer.get(self.header..self.end()).unwrap_or_default()
    }
}

/// The first packet of `buffer`, once all of it is there. One that announces too much is refused at once.
pub(super) fn first(buffer: &[u8], most: u32) -> Result<Option<Frame>, WireError> {
    let Some((&first_byte, rest)) = buffer.split_first() else { return Ok(None) };
    let mut length = 0u32;
    for (at, byte) in rest.iter().take(4).enumerate() {
        length |= u32::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            if length > most {
                let message = format!("a packet of {length} bytes; AWS IoT takes {most}");
                return Err(WireError::Misuse(message, Reason::ProtocolError));
            }
            let frame = Frame { first_byte, header: at + 2, length: length as usize };
            return Ok((buffer.len() >= frame.end()).then_some(frame));
        }
    }
    match rest.len() {
        0..4 => Ok(None),
        _ => Err(WireError::Malformed("the remaining length has more than four bytes (section 2.2.3)".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_there_when_all_of_it_is() {
        let whole = [0xc0, 0x00, 0xff];
        assert_eq!(first(&whole[..0], 100).unwrap(), None);
        assert_eq!(first(&whole[..1], 100).unwrap(), None);
        assert_eq!(first(&whole, 100).unwrap().unwrap().end(), 2);
        assert_eq!(first(&[0x30, 0x80, 0x01], 200).unwrap(), None, "128 bytes are still to come");
    }

    #[test]
    fn too_long_is_refused_before_it_comes() {
        assert!(matches!(first(&[0x30, 0xff, 0x7f], 100), Err(WireError::Misuse(..))));
        assert!(matches!(first(&[0x30, 0xff, 0xff, 0xff, 0xff], u32::MAX), Err(WireError::Malformed(_))));
    }
}
