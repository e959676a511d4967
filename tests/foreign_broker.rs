//! `iotctl run`, `sub` and `pub` against mosquitto with `require_certificate`: nothing of ours at the other end.

#[path = "world/world.rs"]
mod world;

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::Value;
use world::{peers, run, sealed};

/// A mosquitto that takes only certificates of its own CA, on a free port of localhost.
struct Mosquitto {
    folder: tempfile::TempDir,
    child: Child,
    port: u16,
}

impl Mosquitto {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        make_certificates(folder.path());
        // mosquitto cannot be told to take any free port, so one is looked for: the next to ask gets another.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let text = |file: &str| folder.path().join(file).display().to_string();
        let config = format!(
            "listener {port} 127.0.0.1\ncafile {}\ncertfile {}\nkeyfile {}\nrequire_certificate true\n\
             use_identity_as_username true\nallow_anonymous false\npersistence false\nuser root\n",
            text("ca.pem"),
            text("server.pem"),
            text("server.key")
        );
        fs::write(folder.path().join("mosquitto.conf"), config).unwrap();
        let program = ["/usr/sbin/mosquitto", "mosquitto"]
            .into_iter()
            .find(|p| !p.starts_with('/') || Path::new(p).exists())
            .unwrap();
        let child = Command::new(program).args(["-c", &text("mosquitto.conf")]).stderr(Stdio::null()).spawn().unwrap();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::yield_now();
        }
        Self { folder, child, port }
    }

    /// The tutorial's flags.
    fn flags(&self, client_id: &str) -> Vec<String> {
        let endpoint = format!("localhost:{}", self.port);
        ["-e", &endpoint, "-r", "ca.pem", "-c", "device.pem", "-k", "device.key", "--client-id", client_id]
            .map(String::from)
            .to_vec()
    }

    fn iotctl(&self, verb: &str, client_id: &str, more: &[&str]) -> Command {
        let mut arguments = vec![verb.to_owned()];
        arguments.extend(self.flags(client_id));
        arguments.extend(more.iter().map(|a| (*a).to_owned()));
        sealed(self.folder.path(), &arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn make_certificates(folder: &Path) {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::default();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.distinguished_name.push(DnType::CommonName, "test root");
    fs::write(folder.join("ca.pem"), ca.self_signed(&ca_key).unwrap().pem()).unwrap();
    let issuer = Issuer::new(ca, ca_key);
    for (name, host) in [("server", "localhost"), ("device", "pump-7")] {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, host);
        fs::write(folder.join(format!("{name}.pem")), params.signed_by(&key, &issuer).unwrap().pem()).unwrap();
        iotctl::bundle::atomic::create(&folder.join(format!("{name}.key")), key.serialize_pem().as_bytes(), 0o600)
            .unwrap();
    }
}

#[test]
fn the_tutorials_flags_publish_to_a_foreign_broker() {
    if !peers("foreign_broker::the_tutorials_flags_publish_to_a_foreign_broker") {
        return;
    }
    let broker = Mosquitto::start();
    let topic = "bme680/temperature";
    let said = run(&mut broker.iotctl(
        "run",
        "simple-publishing",
        &["-t", topic, "--sensor", "sim", "--interval", "10ms", "--count", "20"],
    ));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let lines: Vec<_> = said.stdout.lines().collect();
    assert_eq!(lines.len(), 20, "{}", said.stdout);
    for (number, line) in lines.iter().enumerate() {
        let json = line.strip_prefix(&format!("Published topic {topic}: ")).unwrap();
        let message: Value = serde_json::from_str(json).unwrap();
        assert_eq!((message["sequence"].as_u64(), &message["status"]), (Some(number as u64), &Value::from("success")));
    }
}

#[test]
fn what_pub_sends_sub_prints() {
    if !peers("foreign_broker::what_pub_sends_sub_prints") {
        return;
    }
    let broker = Mosquitto::start();
    let retained = run(&mut broker.iotctl("pub", "sender", &["--retain", "a/b", "{\"value\":1}"]));
    assert_eq!(retained.code, Some(0), "{}", retained.stderr);
    let said = run(&mut broker.iotctl("sub", "reader", &["a/#", "-C", "1", "-W", "20", "-o", "ndjson"]));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let message: Value = serde_json::from_str(said.stdout.trim()).unwrap();
    assert_eq!((&message["topic"], &message["payload"]), (&Value::from("a/b"), &Value::from("{\"value\":1}")));
}

#[test]
fn sub_that_hears_nothing_is_exit_code_6() {
    if !peers("foreign_broker::sub_that_hears_nothing_is_exit_code_6") {
        return;
    }
    let broker = Mosquitto::start();
    let said = run(&mut broker.iotctl("sub", "reader", &["a/#", "-C", "1", "-W", "0.2"]));
    assert_eq!(said.code, Some(6), "{}", said.stderr);
}
