//! mosquitto with `require_certificate`, on a free port of localhost: nothing of ours at the other end.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part of it")]

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use super::world::sealed;

/// A mosquitto that takes only certificates of its own CA, on a free port of localhost.
pub struct Mosquitto {
    pub folder: tempfile::TempDir,
    child: Child,
    pub port: u16,
    flags: &'static [&'static str],
}

impl Mosquitto {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same, with a line in its log for each packet.
    pub fn start_with_log() -> Self {
        Self::start_with(&["-v"])
    }

    fn start_with(flags: &'static [&'static str]) -> Self {
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
        let child = launch(folder.path(), port, flags);
        Self { folder, child, port, flags }
    }

    /// `kill -9`: nobody is told, and what it had in memory is gone.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again on its old port, with its old certificates.
    pub fn restart(&mut self) {
        self.child = launch(self.folder.path(), self.port, self.flags);
    }

    /// What it said in all its lives.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("mosquitto.log")).unwrap()
    }

    /// The tutorial's flags.
    pub fn flags(&self, client_id: &str) -> Vec<String> {
        let endpoint = format!("localhost:{}", self.port);
        ["-e", &endpoint, "-r", "ca.pem", "-c", "device.pem", "-k", "device.key", "--client-id", client_id]
            .map(String::from)
            .to_vec()
    }

    pub fn iotctl(&self, verb: &str, client_id: &str, more: &[&str]) -> Command {
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

fn launch(folder: &Path, port: u16, flags: &[&str]) -> Child {
    let places = ["/usr/sbin/mosquitto", "mosquitto"];
    let program = places.into_iter().find(|place| !place.starts_with('/') || Path::new(place).exists()).unwrap();
    let config = folder.join("mosquitto.conf");
    // Its log is written line by line, so a death cannot hide what it got.
    let log = fs::File::options().create(true).append(true).open(folder.join("mosquitto.log")).unwrap();
    let child = Command::new(program).args(flags).arg("-c").arg(config).stderr(log).spawn().unwrap();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        std::thread::yield_now();
    }
    child
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
