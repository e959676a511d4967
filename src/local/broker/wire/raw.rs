//! What the codec does not look at, checked in the bytes.

use super::fault::WireError;
use crate::local::broker::packet::{Reason, Version};

const CONNECT: u8 = 1;
const PUBLISH: u8 = 3;
const PUBACK: u8 = 4;
const SUBSCRIBE: u8 = 8;
const UNSUBSCRIBE: u8 = 10;
const PINGREQ: u8 = 12;
const DISCONNECT: u8 = 14;

/// Checks one packet from a client.
pub(super) fn check(first_byte: u8, body: &[u8], version: Version) -> Result<(), WireError> {
    let flags = first_byte & 0x0f;
    let wanted_flags = match first_byte >> 4 {
        SUBSCRIBE | UNSUBSCRIBE => 0b0010,
        PUBLISH => return publish(flags),
        CONNECT | PUBACK | PINGREQ | DISCONNECT => 0,
        5..=7 => return Err(WireError::Misuse("AWS IoT has no QoS 2".to_owned(), Reason::QosNotSupported)),
        other => {
            let message = format!("a client must not send packets of type {other} (section 2.2.1)");
            return Err(WireError::Misuse(message, Reason::ProtocolError));
        }
    };
    if flags != wanted_flags {
        return malformed("reserved flags of the fixed header are set (section 2.2.2)");
    }
    match (first_byte >> 4, version) {
        (CONNECT, version) => connect(body, version),
        (PINGREQ, _) if !body.is_empty() => malformed("PINGREQ has a body (section 3.12)"),
        (DISCONNECT, Version::V3) if !body.is_empty() => malformed("DISCONNECT has a body (3.1.1, section 3.14)"),
        (PUBACK, Version::V3) if body.len() != 2 => malformed("PUBACK must have two bytes (3.1.1, section 3.4)"),
        (SUBSCRIBE, version) => subscribe(body, version),
        _ => Ok(()),
    }
}

fn malformed<T>(what: &str) -> Result<T, WireError> {
    Err(WireError::Malformed(what.to_owned()))
}

fn publish(flags: u8) -> Result<(), WireError> {
    match (flags & 0b1000 != 0, (flags & 0b0110) >> 1) {
        (_, 3) => malformed("a PUBLISH with both bits of QoS set (section 3.3.1.2)"),
        (true, 0) => malformed("a PUBLISH of QoS 0 with DUP (section 3.3.1.1)"),
        _ => Ok(()),
    }
}

/// Option bytes of each filter: reserved bits, and a QoS that is none.
fn subscribe(body: &[u8], version: Version) -> Result<(), WireError> {
    let mut rest = Bytes(body);
    rest.skip(2)?;
    if version == Version::V5 {
        rest.properties()?;
    }
    let reserved = if version == Version::V5 { 0b1100_0000 } else { 0b1111_1100 };
    while !rest.0.is_empty() {
        rest.binary()?;
        let options = rest.byte()?;
        if options & reserved != 0 || options & 0b11 == 0b11 || options & 0b0011_0000 == 0b0011_0000 {
            return malformed("reserved bits of a subscription's options are set (section 3.8.3)");
        }
    }
    Ok(())
}

/// The flags of a CONNECT say what its payload has, and it has nothing else.
fn connect(body: &[u8], version: Version) -> Result<(), WireError> {
    let mut rest = Bytes(body);
    rest.binary()?;
    rest.byte()?;
    let flags = rest.byte()?;
    let has = |bit: u8| flags & bit != 0;
    let (user, password, will) = (has(0x80), has(0x40), has(0x04));
    if has(0x01) {
        return malformed("the reserved flag of CONNECT is set (section 3.1.2.3)");
    }
    if password && !user && version == Version::V3 {
        return malformed("CONNECT has a password without a user name (3.1.1, section 3.1.2.9)");
    }
    if (!will && flags & 0x38 != 0) || flags & 0x18 == 0x18 {
        return malformed("the will flags of CONNECT contradict each other (section 3.1.2.6)");
    }
    rest.skip(2)?;
    if version == Version::V5 {
        rest.properties()?;
    }
    rest.binary()?;
    if will {
        if version == Version::V5 {
            rest.properties()?;
        }
        rest.binary()?;
        rest.binary()?;
    }
    for _ in 0..u8::from(user) + u8::from(password) {
        rest.binary()?;
    }
    match rest.0.is_empty() {
        true => Ok(()),
        false => malformed("CONNECT has bytes behind its last field (section 3.1.3)"),
    }
}

/// What is left of a packet.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn skip(&mut self, count: usize) -> Result<(), WireError> {
        match self.0.get(count..) {
            Some(rest) => {
                self.0 = rest;
                Ok(())
            }
            None => malformed("a field ends behind its packet"),
        }
    }

    fn byte(&mut self) -> Result<u8, WireError> {
        let first = self.0.first().copied();
        self.skip(1).map(|()| first.unwrap_or_default())
    }

    /// A field with its length in front (sections 1.5.3 and 1.5.4).
    fn binary(&mut self) -> Result<(), WireError> {
        let length = usize::from(self.byte()?) << 8 | usize::from(self.byte()?);
        self.skip(length)
    }

    /// Properties with their length in front (MQTT 5, section 2.2.2).
    fn properties(&mut self) -> Result<(), WireError> {
        let mut length = 0usize;
        for at in 0..4 {
            let byte = self.byte()?;
            length |= usize::from(byte & 0x7f) << (7 * at);
            if byte & 0x80 == 0 {
                return self.skip(length);
            }
        }
        malformed("a length has more than four bytes (section 1.5.5)")
    }
}
