//! The message broker of `iotctl local`, byte by byte: what it takes, what it refuses, and how it says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]
#![cfg(all(feature = "control", feature = "local"))]

#[path = "broker/raw.rs"]
mod raw;
#[path = "broker/vectors.rs"]
mod vectors;
#[path = "world/world.rs"]
mod world;

use std::fs;

use raw::{Answer, Raw, connect, hello, packet, publish, subscribe, text};
use world::World;

const TOPIC: &str = "lab/lab-1/up";

/// A stand-in with `lab-1`, which may do everything below `lab/lab-1/`.
fn lab() -> World {
    let world = World::start();
    provision(&world, "lab-1");
    world
}

fn provision(world: &World, thing: &str) {
    let template = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/pubsub.json");
    let topic = format!("lab/{thing}/up");
    world.provision(&["--thing", thing, "--template", template, "--policy-name", "lab", "--topic", &topic]);
}

fn shaken(world: &World, thing: &str) -> Raw {
    Raw::with_bundle(&world.bundle(thing), world.mqtt_port)
}

fn client(world: &World, level: u8) -> Raw {
    shaken(world, "lab-1").connected(&hello(level, "lab-1"))
}

fn certificate_id(world: &World, thing: &str) -> String {
    let manifest: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(world.bundle(thing).join("bundle.json")).unwrap()).unwrap();
    manifest["certificate_id"].as_str().unwrap().to_owned()
}

fn set_status(world: &World, id: &str, status: &str) {
    assert_eq!(world.call("PUT", &format!("/certificates/{id}?newStatus={status}"), "", "").0, 200);
}

#[test]
fn malformed_packets_end_the_connection_without_an_answer() {
    let world = lab();
    for (name, after_connect, bytes) in vectors::malformed() {
        let mut raw = if after_connect { client(&world, 4) } else { shaken(&world, "lab-1") };
        assert_eq!(raw.send(&bytes).read(), Answer::Closed, "{name}");
    }
}

#[test]
fn well_formed_packets_are_answered() {
    let world = lab();
    for ((name, after_connect, bytes), wanted) in vectors::valid() {
        let mut raw = if after_connect { client(&world, 4) } else { shaken(&world, "lab-1") };
        match raw.send(&bytes).read() {
            Answer::Packet(first, _) => assert_eq!(first, wanted, "{name}"),
            Answer::Closed => panic!("{name}: closed"),
        }
    }
}

/// One line of `tests/data/mqtt-packets.txt`.
struct Line {
    name: String,
    is_taken: bool,
    state: &'static str,
    bytes: Vec<u8>,
}

fn table() -> Vec<Line> {
    let lines = include_str!("data/mqtt-packets.txt").lines();
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let columns: Vec<&'static str> = line.split('|').map(str::trim).collect();
            let [verdict, state, section, what, bytes] = columns[..] else { panic!("not five columns: {line}") };
            assert!(["taken", "refused"].contains(&verdict), "{line}");
            Line { name: format!("{section}, {what}"), is_taken: verdict == "taken", state, bytes: bytes_of(bytes) }
        })
        .collect()
}

/// Hexadecimal, "text", and `*` for the remaining length.
fn bytes_of(text: &str) -> Vec<u8> {
    let tokens = |text: &str| -> Vec<u8> {
        let token = |token: &str| match token.strip_prefix('"') {
            Some(text) => text.strip_suffix('"').unwrap().as_bytes().to_vec(),
            None => hex::decode(token).unwrap(),
        };
        text.split_whitespace().flat_map(token).collect()
    };
    match text.split_once('*') {
        None => tokens(text),
        Some((head, body)) => {
            let body = tokens(body);
            [tokens(head), vec![u8::try_from(body.len()).unwrap()], body].concat()
        }
    }
}

/// Whether the broker says no, at once or before it answers a PINGREQ.
fn is_refused(raw: &mut Raw, bytes: &[u8], is_new: bool) -> bool {
    raw.send(bytes);
    if !is_new {
        raw.send(&[0xc0, 0]);
    }
    loop {
        match raw.read() {
            Answer::Closed | Answer::Packet(0xe0, _) => return true,
            Answer::Packet(0x20, body) => return body[1] != 0,
            Answer::Packet(0xd0, _) => return false,
            Answer::Packet(0x40, body) if body.get(2).is_some_and(|reason| *reason >= 128) => return true,
            Answer::Packet(0x90, body) if body.last().is_some_and(|reason| *reason >= 128) => return true,
            Answer::Packet(..) => {}
        }
    }
}

#[test]
fn every_packet_of_the_table_is_taken_or_refused_as_it_says() {
    let world = lab();
    drop(world_watcher(&world));
    let mut wrong = Vec::new();
    for Line { name, is_taken, state, bytes } in table() {
        let mut raw = shaken(&world, "watcher");
        raw = match state {
            "3" => raw.connected(&hello(4, "table")),
            "5" => raw.connected(&hello(5, "table")),
            _ => raw,
        };
        // A goodbye that is taken looks like one that is refused: the broker closes.
        let is_goodbye = bytes[0] == 0xe0 && is_taken;
        if is_refused(&mut raw, &bytes, state == "new") == is_taken && !is_goodbye {
            wrong.push(format!("{state} {name}: should be {}", if is_taken { "taken" } else { "refused" }));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_denial_of_3_1_1_is_a_closed_connection_and_nothing_else() {
    let world = lab();
    assert_eq!(shaken(&world, "lab-1").send(&hello(4, "stranger")).read(), Answer::Closed);
    assert_eq!(client(&world, 4).send(&publish(4, "other/topic", b"x", &[])).read(), Answer::Closed);
    assert_eq!(client(&world, 4).send(&subscribe(4, &[(TOPIC, 1), ("other/#", 1)])).read(), Answer::Closed);
}

#[test]
fn a_denial_of_5_says_not_authorized() {
    let world = lab();
    let refused = shaken(&world, "lab-1").send(&hello(5, "stranger")).read();
    assert!(matches!(&refused, Answer::Packet(0x20, body) if body[1] == 135), "{refused:?}");
    let mut raw = client(&world, 5);
    let puback = raw.send(&publish(5, "other/topic", b"x", &[])).read();
    assert!(matches!(&puback, Answer::Packet(0x40, body) if body[2] == 135), "{puback:?}");
    let suback = raw.send(&subscribe(5, &[(TOPIC, 1), ("other/#", 1)])).read();
    assert!(matches!(&suback, Answer::Packet(0x90, body) if body[3..] == [1, 135]), "{suback:?}");
    let qos_0 = packet(0x30, &[text("other/topic"), vec![0], b"x".to_vec()].concat());
    let last = raw.send(&qos_0).read();
    assert!(matches!(&last, Answer::Packet(0xe0, body) if body[0] == 135), "{last:?}");
    assert_eq!(raw.read(), Answer::Closed);
}

#[test]
fn a_will_that_policy_forbids_keeps_its_client_out() {
    let world = lab();
    let will = [text("other/topic"), text("gone")].concat();
    assert_eq!(shaken(&world, "lab-1").send(&connect(4, 6, "lab-1", &will)).read(), Answer::Closed);
}

#[test]
fn what_receive_does_not_allow_is_not_delivered_and_the_connection_stays() {
    let world = lab();
    let document = r#"{\"Version\":\"2012-10-17\",\"Statement\":[
        {\"Effect\":\"Allow\",\"Action\":[\"iot:Connect\",\"iot:Publish\",\"iot:Subscribe\"],\"Resource\":\"*\"},
        {\"Effect\":\"Allow\",\"Action\":\"iot:Receive\",\"Resource\":\"arn:aws:iot:us-east-1:123456789012:topic/open\"}]}"#
        .replace('\n', "");
    let body = format!(r#"{{"policyDocument":"{document}"}}"#);
    assert_eq!(world.call("POST", "/policies/lab/version?setAsDefault=true", "", &body).0, 200);
    let mut raw = client(&world, 4);
    raw.send(&subscribe(4, &[("#", 0)])).read();
    raw.send(&packet(0x30, &[text("closed"), b"x".to_vec()].concat()));
    raw.send(&packet(0x30, &[text("open"), b"y".to_vec()].concat()));
    assert_eq!(raw.read(), Answer::Packet(0x30, [text("open"), b"y".to_vec()].concat()));
}

#[test]
fn only_a_registered_active_certificate_with_its_own_key_comes_in() {
    let world = lab();
    let read = |name: &str| fs::read_to_string(world.bundle("lab-1").join(name)).unwrap();
    let (root, key) = (read("root-ca.pem"), read("device.key.pem"));
    let stranger = {
        let key = rcgen::KeyPair::from_pem(&key).unwrap();
        rcgen::CertificateParams::new(["lab-1".to_owned()]).unwrap().self_signed(&key).unwrap().pem()
    };
    // In TLS 1.3 the client hears of the refusal after its own handshake is done.
    let closed = |certificate: &str| {
        Raw::new(world.mqtt_port, &root, certificate, &key, "localhost")
            .map_or(Answer::Closed, |mut raw| raw.send(&hello(4, "lab-1")).read())
    };
    assert_eq!(closed(&stranger), Answer::Closed, "unknown");
    let id = certificate_id(&world, "lab-1");
    let mut connected = client(&world, 4);
    set_status(&world, &id, "INACTIVE");
    assert_eq!(connected.read(), Answer::Closed, "deactivated while it was connected");
    assert_eq!(closed(&read("device.cert.pem")), Answer::Closed, "inactive");
    set_status(&world, &id, "ACTIVE");
    client(&world, 4);
    set_status(&world, &id, "REVOKED");
    assert_eq!(closed(&read("device.cert.pem")), Answer::Closed, "revoked");
}

#[test]
fn without_a_certificate_or_the_servers_name_nobody_comes_in() {
    let world = lab();
    let mut roots = rustls::RootCertStore::empty();
    let root = fs::read_to_string(world.bundle("lab-1").join("root-ca.pem")).unwrap();
    use rustls::pki_types::pem::PemObject;
    roots.add(rustls::pki_types::CertificateDer::from_pem_slice(root.as_bytes()).unwrap()).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let without = Raw::shake(world.mqtt_port, config.into(), "localhost");
    assert_eq!(without.map_or(Answer::Closed, |mut raw| raw.send(&hello(4, "lab-1")).read()), Answer::Closed);
    let read = |name: &str| fs::read_to_string(world.bundle("lab-1").join(name)).unwrap();
    let by_address = Raw::new(world.mqtt_port, &root, &read("device.cert.pem"), &read("device.key.pem"), "127.0.0.1");
    assert_eq!(by_address.map_or(Answer::Closed, |mut raw| raw.send(&hello(4, "lab-1")).read()), Answer::Closed);
}

#[test]
fn a_second_connection_of_a_client_id_ends_the_first_and_sends_its_will() {
    let world = lab();
    provision(&world, "lab-2");
    let mut watcher = world_watcher(&world);
    let will = [text("lab/lab-1/will"), text("gone")].concat();
    let mut first = shaken(&world, "lab-1").connected(&connect(4, 6, "lab-1", &will));
    let mut second = client(&world, 5);
    assert_eq!(first.read(), Answer::Closed);
    assert_eq!(watcher.read(), Answer::Packet(0x30, [text("lab/lab-1/will"), b"gone".to_vec()].concat()));
    let mut third = client(&world, 5);
    let taken_over = second.read();
    assert!(matches!(&taken_over, Answer::Packet(0xe0, body) if body[0] == 142), "{taken_over:?}");
    third.send(&[0xe0, 0]);
    assert_eq!(third.read(), Answer::Closed);
}

/// A client that hears everything below `lab/`.
fn world_watcher(world: &World) -> Raw {
    let template = world.path().join("watcher.json");
    let text = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:*","Resource":"*"}]}"#;
    fs::write(&template, text).unwrap();
    world.provision(&["--thing", "watcher", "--template", template.to_str().unwrap(), "--policy-name", "all"]);
    let mut raw = shaken(world, "watcher").connected(&hello(4, "watcher"));
    raw.send(&subscribe(4, &[("lab/#", 0)])).read();
    raw
}

#[test]
fn a_goodbye_sends_no_will_and_a_lost_connection_does() {
    let world = lab();
    let mut watcher = world_watcher(&world);
    let will = [text("lab/lab-1/will"), text("lost")].concat();
    let mut polite = shaken(&world, "lab-1").connected(&connect(4, 6, "lab-1", &will));
    polite.send(&[0xe0, 0]);
    assert_eq!(polite.read(), Answer::Closed);
    drop(shaken(&world, "lab-1").connected(&connect(4, 6, "lab-1", &will)));
    assert_eq!(watcher.read(), Answer::Packet(0x30, [text("lab/lab-1/will"), b"lost".to_vec()].concat()));
    client(&world, 4).send(&publish(4, TOPIC, b"after", &[])).read();
    assert_eq!(watcher.read(), Answer::Packet(0x30, [text(TOPIC), b"after".to_vec()].concat()), "one will, not two");
}

#[test]
fn a_persistent_session_sends_again_what_was_not_acknowledged() {
    let world = lab();
    let mut watcher = world_watcher(&world);
    let mut away = shaken(&world, "lab-1").connected(&connect(4, 0, "lab-1", &[]));
    away.send(&subscribe(4, &[(TOPIC, 1)])).read();
    let message = |payload: &[u8]| publish(4, TOPIC, payload, &[]);
    watcher.send(&message(b"one")).read();
    watcher.read();
    assert!(matches!(away.read(), Answer::Packet(0x32, body) if body.ends_with(b"one")), "and no PUBACK for it");
    drop(away);
    watcher.send(&message(b"two")).read();
    let mut back = shaken(&world, "lab-1");
    assert_eq!(back.send(&connect(4, 0, "lab-1", &[])).read(), Answer::Packet(0x20, vec![1, 0]), "session present");
    for wanted in [b"one", b"two"] {
        assert!(matches!(back.read(), Answer::Packet(0x32, body) if body.ends_with(wanted)));
    }
}

#[test]
fn a_retained_message_needs_its_own_permission_and_an_exact_filter() {
    let world = lab();
    let retained = [vec![0x33], publish(4, TOPIC, b"kept", &[])[1..].to_vec()].concat();
    assert_eq!(client(&world, 4).send(&retained).read(), Answer::Closed, "no iot:RetainPublish");
    let mut watcher = world_watcher(&world);
    watcher.send(&retained).read();
    let mut raw = client(&world, 4);
    raw.send(&subscribe(4, &[("lab/lab-1/+", 1)])).read();
    assert_eq!(raw.send(&[0xc0, 0]).read(), Answer::Packet(0xd0, vec![]), "a wildcard brings no retained message");
    raw.send(&subscribe(4, &[(TOPIC, 1)])).read();
    assert!(matches!(raw.read(), Answer::Packet(0x33, body) if body.ends_with(b"kept")), "with RETAIN");
}

#[test]
fn limits_of_aws_hold() {
    let world = lab();
    let too_long = format!("lab/lab-1/{}", "x".repeat(247));
    let too_deep = "lab/lab-1/a/b/c/d/e/f/g";
    for topic in [too_long.as_str(), too_deep] {
        assert_eq!(client(&world, 4).send(&publish(4, topic, b"x", &[])).read(), Answer::Closed, "{topic}");
        let puback = client(&world, 5).send(&publish(5, topic, b"x", &[])).read();
        assert!(matches!(&puback, Answer::Packet(0x40, body) if body[2] == 144), "{puback:?}");
    }
    let big = publish(4, TOPIC, &vec![b'x'; 128 * 1024 + 1], &[]);
    assert_eq!(client(&world, 4).send(&big).read(), Answer::Closed);
    let nine: Vec<String> = (0..9).map(|n| format!("lab/lab-1/{n}")).collect();
    let nine: Vec<(&str, u8)> = nine.iter().map(|filter| (filter.as_str(), 1)).collect();
    assert_eq!(client(&world, 4).send(&subscribe(4, &nine)).read(), Answer::Closed);
    let suback = client(&world, 5).send(&subscribe(5, &nine)).read();
    assert!(matches!(&suback, Answer::Packet(0x90, body) if body[3..] == [151; 9]), "{suback:?}");
}

#[test]
fn version_5_has_what_aws_has_of_it() {
    let world = lab();
    let mut raw = client(&world, 5);
    let alias = publish(5, TOPIC, b"one", &[0x23, 0, 3]);
    raw.send(&subscribe(5, &[(TOPIC, 0)])).read();
    raw.send(&alias).read();
    assert!(matches!(raw.read(), Answer::Packet(0x30, body) if body.ends_with(b"one")));
    raw.send(&publish(5, "", b"two", &[0x23, 0, 3])).read();
    let second = raw.read();
    assert!(matches!(&second, Answer::Packet(0x30, body) if body.starts_with(&text(TOPIC)) && body.ends_with(b"two")));
    let wrong = raw.send(&publish(5, "", b"x", &[0x23, 0, 9])).read();
    assert!(matches!(&wrong, Answer::Packet(0xe0, body) if body[0] == 148), "{wrong:?}");
    let qos_2 = packet(0x34, &[text(TOPIC), vec![0, 1, 0]].concat());
    let refused = client(&world, 5).send(&qos_2).read();
    assert!(matches!(&refused, Answer::Packet(0xe0, body) if body[0] == 155), "{refused:?}");
    let identifier = packet(0x82, &[vec![0, 9, 2, 0x0b, 1], text(TOPIC), vec![1]].concat());
    let refused = client(&world, 5).send(&identifier).read();
    assert!(matches!(&refused, Answer::Packet(0xe0, body) if body[0] == 161), "{refused:?}");
}

#[test]
fn the_control_plane_tells_who_is_connected_and_why_somebody_is_not() {
    let world = lab();
    let shown = || world.call("POST", "/things/lab-1/connectivity-data", "", "{}").1;
    let mut raw = client(&world, 4);
    assert_eq!(shown()["connected"], true);
    raw.send(&[0xe0, 0]);
    assert_eq!(raw.read(), Answer::Closed);
    let gone = loop {
        // The goodbye is noted when the connection is gone, which its client cannot see.
        let shown = shown();
        if shown["connected"] == false {
            break shown;
        }
    };
    assert_eq!(gone["disconnectReason"], "CLIENT_INITIATED_DISCONNECT");
}

#[test]
fn reserved_topics_are_aws_s_own() {
    let world = lab();
    let mut watcher = world_watcher(&world);
    assert!(matches!(watcher.send(&publish(4, "$aws/rules/none/x", b"{}", &[])).read(), Answer::Packet(0x40, _)));
    assert!(matches!(
        watcher.send(&publish(4, "$aws/things/watcher/shadow/get", b"", &[])).read(),
        Answer::Packet(0x40, _)
    ));
    let answer = publish(4, "$aws/things/watcher/shadow/get/accepted", b"{}", &[]);
    assert_eq!(watcher.send(&answer).read(), Answer::Closed, "only the service answers");
    let mut again = shaken(&world, "watcher").connected(&hello(4, "watcher"));
    assert_eq!(again.send(&subscribe(4, &[("$aws/rules/x/#", 1)])).read(), Answer::Closed);
}

#[test]
fn a_fast_publisher_loses_nothing_to_a_slow_subscriber() {
    const MESSAGES: u16 = 5_000;
    let world = lab();
    let mut slow = world_watcher(&world);
    slow.send(&subscribe(4, &[("lab/#", 1)])).read();
    let port = world.mqtt_port;
    let bundle = world.bundle("lab-1");
    let publisher = std::thread::spawn(move || {
        let mut raw = Raw::with_bundle(&bundle, port).connected(&hello(4, "lab-1"));
        for number in 1..=MESSAGES {
            let body = [text(TOPIC), number.to_be_bytes().to_vec(), number.to_be_bytes().to_vec()].concat();
            raw.send(&packet(0x32, &body));
            if number % 50 == 0 {
                (0..50).for_each(|_| assert!(matches!(raw.read(), Answer::Packet(0x40, _))));
            }
        }
    });
    for number in 1..=MESSAGES {
        let Answer::Packet(0x32, body) = slow.read() else { panic!("no message {number}") };
        assert_eq!(body[body.len() - 2..], number.to_be_bytes(), "in their order");
        let id = [body[2 + TOPIC.len()], body[3 + TOPIC.len()]];
        slow.send(&packet(0x40, &id));
    }
    publisher.join().unwrap();
}
