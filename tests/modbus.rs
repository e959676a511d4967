//! Modbus sources against real devices: a server on a socket, a server on a pty, pymodbus on both, and liars.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

#[path = "world/broker.rs"]
mod broker;
#[path = "modbus/device.rs"]
mod device;
#[path = "world/world.rs"]
mod world;

use std::collections::BTreeMap;

use broker::Broker;
use device::{Pymodbus, over_serial, over_tcp, parrot};
use iotctl::config::feeder::FeederSettings;
use iotctl::config::feeder::source::SourceKind;
use iotctl::device::source::fault::ReadError;
use iotctl::device::source::modbus::Modbus;
use iotctl::device::source::reading::{Source, everything};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_serial::{SerialPort, SerialStream};

type Values = BTreeMap<String, Option<f64>>;

/// The source of a table with this address, over TCP or a serial line.
fn source(address: &str, more: &str) -> Modbus {
    let line = if address.starts_with('/') {
        format!("kind = \"modbus-rtu\"\ndevice = {address:?}\nparity = \"none\"\nstop_bits = 1")
    } else {
        format!("kind = \"modbus-tcp\"\naddress = {address:?}")
    };
    let settings = FeederSettings::parse("feeder.toml", &format!("[source.s]\n{line}\n{more}\n")).unwrap();
    match &settings.source["s"].value.kind {
        SourceKind::Modbus(settings) => Modbus::new(settings.clone()),
        kind => panic!("{kind:?}"),
    }
}

fn read(source: &mut Modbus) -> Result<Values, ReadError> {
    source.open()?;
    let readings = source.read(&everything)?;
    Ok(readings.into_iter().map(|reading| (reading.quantity.name.into_owned(), reading.value)).collect())
}

fn values(all: &[(&str, Option<f64>)]) -> Values {
    all.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
}

const EVERY_TABLE: &str = r#"
point.a = { register = "holding:40" }
point.b = { register = "holding:41", scale = 0.1, offset = -40 }
point.c = { register = "input:3", type = "u32" }
point.d = { register = "coil:1" }
point.e = { register = "coil:2" }
point.f = { register = "discrete:7", unit_id = 2 }
"#;

fn every_table() -> Values {
    let c = f64::from(30 * 65_536 + 40);
    values(&[
        ("a", Some(400.0)),
        ("b", Some(1.0)),
        ("c", Some(c)),
        ("d", Some(1.0)),
        ("e", Some(0.0)),
        ("f", Some(1.0)),
    ])
}

#[test]
fn every_table_is_read_over_tcp_and_over_a_serial_line_and_neighbours_share_a_request() {
    for serving in [over_tcp("127.0.0.1:0"), over_serial()] {
        let mut source = source(&serving.address, EVERY_TABLE);
        assert_eq!(read(&mut source).unwrap(), every_table());
        let asked = serving.device.log.lock().unwrap().clone();
        assert_eq!(asked, [(1, 1, 1, 2), (1, 3, 40, 2), (1, 4, 3, 2), (2, 2, 7, 1)]);
        assert_eq!(source.origin(), serving.address);
        assert_eq!(read(&mut source).unwrap(), every_table());
    }
}

#[test]
fn only_what_is_wanted_is_asked_for() {
    let serving = over_tcp("127.0.0.1:0");
    let mut source = source(&serving.address, EVERY_TABLE);
    source.open().unwrap();
    assert_eq!(source.read(&|name| name == "c").unwrap().len(), 1);
    assert_eq!(*serving.device.log.lock().unwrap(), [(1, 4, 3, 2)]);
}

#[test]
fn an_exception_names_its_point_and_the_neighbours_have_their_values() {
    let serving = over_tcp("127.0.0.1:0");
    let points = "point.last = { register = \"holding:99\" }\npoint.beyond = { register = \"holding:100\" }\n";
    let found = read(&mut source(&serving.address, points)).unwrap();
    assert_eq!(found, values(&[("last", Some(990.0)), ("beyond", None)]));
    let error = read(&mut source(&serving.address, "point.beyond = { register = \"input:100\" }")).unwrap_err();
    assert_eq!(error.to_string(), "`beyond`: the device answers with Modbus exception 2, illegal data address");
}

#[test]
fn a_silent_device_costs_its_own_points_only_and_is_asked_once() {
    for serving in [over_tcp("127.0.0.1:0"), over_serial()] {
        let points = "timeout = \"100ms\"\npoint.a = { register = \"holding:4\", unit_id = 9 }\n\
                      point.b = { register = \"holding:40\", unit_id = 9 }\n\
                      point.c = { register = \"holding:5\", unit_id = 10 }\n";
        let found = read(&mut source(&serving.address, points)).unwrap();
        assert_eq!(found, values(&[("a", None), ("b", None), ("c", Some(50.0))]));
        let asked = serving.device.log.lock().unwrap().clone();
        assert_eq!(asked, [(9, 3, 4, 1), (10, 3, 5, 1)]);
        let lonely = "timeout = \"50ms\"\npoint.a = { register = \"holding:4\", unit_id = 9 }";
        let error = read(&mut source(&serving.address, lonely)).unwrap_err();
        assert_eq!(error, ReadError::Silent { address: serving.address.clone(), unit_id: 9 });
    }
}

#[test]
fn a_device_that_hung_up_in_between_is_called_again_and_nothing_is_missing() {
    let serving = over_tcp("127.0.0.1:0");
    let mut source = source(&serving.address, EVERY_TABLE);
    assert_eq!(read(&mut source).unwrap(), every_table());
    let address = serving.address.clone();
    drop(serving);
    let serving = over_tcp(&address);
    assert_eq!(read(&mut source).unwrap(), every_table());
    drop(serving);
    let error = read(&mut source).unwrap_err();
    assert!(matches!(&error, ReadError::NoLine { address: at, .. } if *at == address), "{error}");
    assert_eq!(error.hints().len(), 1, "{error:?}");
    let _serving = over_tcp(&address);
    assert_eq!(source.open().unwrap_err(), error, "within a second it is not tried again");
}

#[test]
fn a_line_that_does_not_exist_is_named_with_what_to_do() {
    let error = read(&mut source("/dev/ttyUSB-none", "point.a = { register = \"holding:1\" }")).unwrap_err();
    assert!(error.to_string().starts_with("cannot reach `/dev/ttyUSB-none`: "), "{error}");
    assert!(error.hints()[0].contains("dialout"), "{:?}", error.hints());
}

/// An answer over TCP: transaction, protocol 0, length, unit 1, and what is behind it.
fn answer(transaction: u16, pdu: &[u8]) -> Vec<u8> {
    let length = u16::try_from(pdu.len() + 1).unwrap();
    [&transaction.to_be_bytes(), &[0, 0], length.to_be_bytes().as_slice(), &[1], pdu].concat()
}

#[test]
fn whatever_a_liar_answers_it_is_no_value_and_no_panic() {
    let point = "timeout = \"100ms\"\npoint.a = { register = \"holding:40\", type = \"u32\" }";
    let right = answer(0, &[3, 4, 0, 1, 0x86, 0xa0]);
    assert_eq!(read(&mut source(&parrot(vec![right]), point)).unwrap(), values(&[("a", Some(100_000.0))]));
    let lies = [
        answer(0, &[3, 2, 0, 1]),
        answer(0, &[3, 6, 0, 1, 0, 2, 0, 3]),
        answer(0, &[3, 3, 0, 1, 0]),
        answer(0, &[3, 200, 0, 1]),
        answer(0, &[4, 4, 0, 1, 0x86, 0xa0]),
        answer(7, &[3, 4, 0, 1, 0x86, 0xa0]),
        answer(0, &[0x83]),
        answer(0, &[]),
        vec![0xff; 300],
        vec![0; 7],
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
    ];
    for lie in lies {
        let error = read(&mut source(&parrot(vec![lie.clone()]), point)).unwrap_err();
        assert!(!matches!(error, ReadError::Panicked(_)), "{lie:02x?}: {error}");
    }
}

/// Answers on a serial line have no number: one that comes too late must not be taken for the next.
#[test]
fn a_late_answer_on_a_serial_line_is_not_taken_for_the_next_one() {
    let runtime = device::runtime();
    let inside = runtime.enter();
    let (mut near, far) = SerialStream::pair().unwrap();
    drop(inside);
    let mut source = source(&far.name().unwrap(), "timeout = \"100ms\"\npoint.a = { register = \"holding:0\" }");
    assert!(matches!(read(&mut source), Err(ReadError::Silent { .. })));
    let mut request = [0; 8];
    runtime.block_on(near.read_exact(&mut request)).unwrap();
    assert_eq!(request, [1, 3, 0, 0, 0, 1, 0x84, 0x0a]);
    runtime.block_on(near.write_all(&[1, 3, 2, 0, 1, 0x79, 0x84])).unwrap();
    let answering = runtime.spawn(async move {
        near.read_exact(&mut request).await.unwrap();
        near.write_all(&[1, 3, 2, 0, 2, 0x39, 0x85]).await.unwrap();
        near
    });
    assert_eq!(read(&mut source).unwrap(), values(&[("a", Some(2.0))]));
    drop(runtime.block_on(answering));
}

#[test]
fn pymodbus_is_understood_over_tcp_and_over_a_serial_line() {
    if !world::peers("modbus: pymodbus") {
        return;
    }
    let points = r#"
point.float = { register = "holding:0", type = "f32" }
point.long = { register = "holding:2", type = "i32" }
point.short = { register = "holding:4", type = "i16" }
point.double = { register = "holding:5", type = "f64" }
point.little = { register = "holding:9", type = "u32", word_order = "little" }
point.input = { register = "input:1", scale = 0.1 }
point.coil = { register = "coil:2" }
point.contact = { register = "discrete:2" }
point.other = { register = "holding:0", type = "f32", unit_id = 2 }
point.beyond = { register = "input:3" }
"#;
    for kind in ["tcp", "rtu"] {
        let peer = Pymodbus::start(kind);
        let wanted = values(&[
            ("float", Some(12.5)),
            ("long", Some(-100_000.0)),
            ("short", Some(-123.0)),
            ("double", Some(std::f64::consts::PI)),
            ("little", Some(100_000.0)),
            ("input", Some(21.5)),
            ("coil", Some(1.0)),
            ("contact", Some(0.0)),
            ("other", Some(13.5)),
            ("beyond", None),
        ]);
        assert_eq!(read(&mut source(&peer.address, points)).unwrap(), wanted, "{kind}");
    }
}

#[test]
fn points_are_published_and_a_device_that_is_away_is_a_failed_reading() {
    let Some(broker) = Broker::start("modbus: points_are_published") else { return };
    let (witness, folder, serving) = (broker.witness(), tempfile::tempdir().unwrap(), over_tcp("127.0.0.1:0"));
    let file = folder.path().join("feeder.toml");
    let settings = format!(
        "topic = \"sensors/pump-7/{{{{ stream }}}}\"\ninterval = \"20ms\"\n[source.boiler]\nkind = \"modbus-tcp\"\n\
         address = {:?}\npoint.flow = {{ register = \"holding:40\", unit = \"m3/h\", scale = 0.1 }}\n",
        serving.address
    );
    std::fs::write(&file, settings).unwrap();
    let flags = ["--config", file.to_str().unwrap(), "--count", "2"];
    let said = world::run(&mut broker.device(broker.port(), &flags));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let messages = witness.messages(|messages| messages.len() == 2);
    let wanted = format!("{} flow", serving.address);
    assert!(
        messages.iter().all(|m| m["value"] == 40.0 && m["unit"] == "m3/h" && m["origin"] == wanted),
        "{messages:?}"
    );
    drop(serving);
    let said = world::run(&mut broker.device(broker.port(), &flags));
    assert!(said.stderr.contains("cannot reach `127.0.0.1:"), "{:?} {}", said.code, said.stderr);
    let messages = witness.messages(|messages| messages.len() == 4);
    assert!(messages[2..].iter().all(|message| message["status"] == "fail"), "{messages:?}");
}

#[test]
fn points_of_a_silent_device_are_failed_readings_and_one_line_in_the_log() {
    let Some(broker) = Broker::start("modbus: points_of_a_silent_device") else { return };
    let (witness, folder, serving) = (broker.witness(), tempfile::tempdir().unwrap(), over_tcp("127.0.0.1:0"));
    let file = folder.path().join("feeder.toml");
    let settings = format!(
        "topic = \"sensors/pump-7/{{{{ stream }}}}\"\ninterval = \"100ms\"\n[source.boiler]\nkind = \"modbus-tcp\"\n\
         address = {:?}\ntimeout = \"50ms\"\npoint.a = {{ register = \"holding:1\", unit_id = 9 }}\n\
         point.b = {{ register = \"holding:7\", unit_id = 9 }}\npoint.c = {{ register = \"holding:3\" }}\n",
        serving.address
    );
    std::fs::write(&file, settings).unwrap();
    let flags = ["--config", file.to_str().unwrap(), "--count", "3"];
    let said = world::run(&mut broker.device(broker.port(), &flags));
    let wanted = format!("no value of a, b: unit 9 at `{}` did not answer", serving.address);
    assert_eq!(said.stderr.matches(&wanted).count(), 1, "{}", said.stderr);
    let messages = witness.messages(|messages| messages.len() == 9);
    assert_eq!(messages.iter().filter(|message| message["status"] == "fail").count(), 6, "{messages:?}");
    assert_eq!(messages.iter().filter(|message| message["value"] == 30.0).count(), 3, "{messages:?}");
}
