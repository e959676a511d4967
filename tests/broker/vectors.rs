//! Packets by the letter of MQTT 3.1.1: what a server must refuse, and what it must take.
#![allow(unreachable_pub, reason = "a module of one test")]

use super::raw::{connect, hello, packet, publish, subscribe, text};

/// Name with its section, whether a good CONNECT comes first, the bytes.
pub type Vector = (&'static str, bool, Vec<u8>);

/// A client id that the policy allows.
pub const ID: &str = "lab-1";
const TOPIC: &str = "lab/lab-1/up";

fn raw(name: &'static str, after_connect: bool, bytes: &[u8]) -> Vector {
    (name, after_connect, bytes.to_vec())
}

/// The CONNECT of `flags` with a payload of its own making.
fn connect_body(protocol: &str, level: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    packet(0x10, &[text(protocol), vec![level, flags, 0, 60], payload.to_vec()].concat())
}

pub fn malformed() -> Vec<Vector> {
    let id = text(ID);
    let will = [id.clone(), text(TOPIC), text("gone")].concat();
    let subscribe_options = |options: u8| packet(0x82, &[vec![0, 9], text(TOPIC), vec![options]].concat());
    let publish_on = |topic: &[u8]| packet(0x30, &[topic.to_vec(), b"x".to_vec()].concat());
    vec![
        ("2.2.1 first packet is a PUBLISH", false, packet(0x30, &text(TOPIC))),
        raw("2.2.1 first packet is a PINGREQ", false, &[0xc0, 0]),
        raw("2.2.1 type 0", true, &[0x00, 0]),
        raw("2.2.1 type 15", true, &[0xf0, 0]),
        raw("2.2.1 a client sends CONNACK", true, &[0x20, 2, 0, 0]),
        raw("2.2.1 a client sends SUBACK", true, &[0x90, 3, 0, 1, 0]),
        raw("2.2.1 a client sends UNSUBACK", true, &[0xb0, 2, 0, 1]),
        raw("2.2.1 a client sends PINGRESP", true, &[0xd0, 0]),
        raw("2.2.2 PINGREQ with flags", true, &[0xc1, 0]),
        raw("2.2.2 DISCONNECT with flags", true, &[0xe1, 0]),
        ("2.2.2 SUBSCRIBE without its flags", true, packet(0x80, &[vec![0, 9], text(TOPIC), vec![1]].concat())),
        ("2.2.2 UNSUBSCRIBE without its flags", true, packet(0xa0, &[vec![0, 9], text(TOPIC)].concat())),
        raw("2.2.2 PUBACK with flags", true, &[0x41, 2, 0, 1]),
        ("2.2.2 CONNECT with flags", false, [vec![0x11], hello(4, ID)[1..].to_vec()].concat()),
        raw("2.2.3 length of five bytes", true, &[0xc0, 0x80, 0x80, 0x80, 0x80, 0x01]),
        raw("2.3.1 SUBSCRIBE with identifier 0", true, &packet(0x82, &[vec![0, 0], text(TOPIC), vec![1]].concat())),
        raw("2.3.1 PUBLISH with identifier 0", true, &packet(0x32, &[text(TOPIC), vec![0, 0]].concat())),
        raw("2.3.1 PUBACK with identifier 0", true, &[0x40, 2, 0, 0]),
        ("3.1.0 a second CONNECT", true, hello(4, ID)),
        ("3.1.2.1 another protocol name", false, connect_body("MQTX", 4, 2, &id)),
        ("3.1.2.2 another protocol level", false, connect_body("MQTT", 6, 2, &id)),
        ("3.1.2.3 the reserved flag", false, connect_body("MQTT", 4, 3, &id)),
        ("3.1.2.6 will QoS without a will", false, connect_body("MQTT", 4, 0b0000_1010, &id)),
        ("3.1.2.6 will QoS 3", false, connect_body("MQTT", 4, 0b0001_1110, &will)),
        ("3.1.2.7 will retain without a will", false, connect_body("MQTT", 4, 0b0010_0010, &id)),
        (
            "3.1.2.9 password without user name",
            false,
            connect_body("MQTT", 4, 0b0100_0010, &[id.clone(), text("p")].concat()),
        ),
        ("3.1.3 bytes behind the last field", false, connect_body("MQTT", 4, 2, &[id.clone(), vec![1, 2, 3]].concat())),
        ("3.1.3 no client id at all", false, connect_body("MQTT", 4, 2, &[])),
        ("3.1.3 the client id ends behind the packet", false, connect_body("MQTT", 4, 2, &[0, 99, b'a'])),
        ("3.1.3 a will without its topic", false, connect_body("MQTT", 4, 6, &id)),
        ("3.1.3.1 empty client id without clean session", false, connect(4, 0, "", &[])),
        ("3.1.3.2 a wildcard in the will topic", false, connect(4, 6, ID, &[text("lab/+"), text("x")].concat())),
        ("3.1.3.2 an empty will topic", false, connect(4, 6, ID, &[text(""), text("x")].concat())),
        ("1.5.3 U+0000 in the client id", false, hello(4, "lab\0-1")),
        ("1.5.3 a client id that is no UTF-8", false, connect_body("MQTT", 4, 2, &[0, 2, 0xc3, 0x28])),
        ("1.5.3 a topic that is no UTF-8", true, publish_on(&[0, 2, 0xc3, 0x28])),
        ("1.5.3 U+0000 in a topic", true, publish_on(&text("lab/lab-1/\0"))),
        ("3.3.1.1 DUP with QoS 0", true, packet(0x38, &[text(TOPIC), b"x".to_vec()].concat())),
        ("3.3.1.2 QoS 3", true, packet(0x36, &[text(TOPIC), vec![0, 1]].concat())),
        ("3.3.1.2 QoS 2, which AWS does not have", true, packet(0x34, &[text(TOPIC), vec![0, 1]].concat())),
        ("3.3.2.1 + in a topic", true, publish_on(&text("lab/lab-1/+"))),
        ("3.3.2.1 # in a topic", true, publish_on(&text("lab/lab-1/#"))),
        ("3.3.2.1 an empty topic", true, publish_on(&text(""))),
        ("3.3.2 a topic that ends behind the packet", true, publish_on(&[0, 200, b'a'])),
        ("3.4 PUBACK of one byte", true, packet(0x40, &[0])),
        ("3.4 PUBACK of three bytes", true, packet(0x40, &[0, 1, 0])),
        ("3.5 PUBREC, which belongs to QoS 2", true, packet(0x50, &[0, 1])),
        ("3.6 PUBREL, which belongs to QoS 2", true, packet(0x62, &[0, 1])),
        ("3.8.3 SUBSCRIBE without a filter", true, packet(0x82, &[0, 9])),
        ("3.8.3 reserved bits of the options", true, subscribe_options(0b0000_0101)),
        ("3.8.3 QoS 3", true, subscribe_options(3)),
        ("3.8.3 no options", true, packet(0x82, &[vec![0, 9], text(TOPIC)].concat())),
        ("4.7.1.2 # in the middle", true, subscribe(4, &[("lab/#/up", 1)])),
        ("4.7.1.2 # behind a letter", true, subscribe(4, &[("lab/lab-1#", 1)])),
        ("4.7.1.3 + behind a letter", true, subscribe(4, &[("lab/lab-1+", 1)])),
        ("4.7.3 an empty filter", true, subscribe(4, &[("", 1)])),
        ("3.10.3 UNSUBSCRIBE without a filter", true, packet(0xa2, &[0, 9])),
        raw("3.12 PINGREQ with a body", true, &[0xc0, 1, 0]),
        raw("3.14 DISCONNECT with a body", true, &[0xe0, 1, 0]),
    ]
}

/// What must be taken, and the first byte of the answer.
pub fn valid() -> Vec<(Vector, u8)> {
    let user = [text("user"), text("password")].concat();
    let will = [text(TOPIC), text("gone")].concat();
    vec![
        (("3.1 clean session", false, hello(4, ID)), 0x20),
        (("3.1 persistent session", false, connect(4, 0, ID, &[])), 0x20),
        (("3.1 user name and password", false, connect(4, 0b1100_0010, ID, &user)), 0x20),
        (("3.1 user name alone", false, connect(4, 0b1000_0010, ID, &text("user"))), 0x20),
        (("3.1 a will of QoS 1", false, connect(4, 0b0000_1110, ID, &will)), 0x20),
        (("3.1 an empty will message", false, connect(4, 6, ID, &[text(TOPIC), text("")].concat())), 0x20),
        (("3.3 QoS 1", true, publish(4, TOPIC, b"x", &[])), 0x40),
        (("3.3 QoS 1 with DUP", true, [vec![0x3a], publish(4, TOPIC, b"x", &[])[1..].to_vec()].concat()), 0x40),
        (("3.3 an empty payload", true, publish(4, TOPIC, b"", &[])), 0x40),
        (("3.3 128 KB", true, publish(4, TOPIC, &vec![b'x'; 128 * 1024], &[])), 0x40),
        (("3.8 QoS 0", true, subscribe(4, &[(TOPIC, 0)])), 0x90),
        (("3.8 wildcards", true, subscribe(4, &[("lab/lab-1/+", 1), ("lab/lab-1/#", 1)])), 0x90),
        (("3.10 what was never subscribed to", true, packet(0xa2, &[vec![0, 9], text("x")].concat())), 0xb0),
        (("3.12 PINGREQ", true, vec![0xc0, 0]), 0xd0),
        (("4.7.3 a leading slash", true, subscribe(4, &[("lab/lab-1//x", 1)])), 0x90),
    ]
}
