//! A broker with one device, `pump-7`, and a witness: `iotctl local` where this build has it, else mosquitto.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part of it")]

#[cfg(not(all(feature = "control", feature = "local")))]
mod mosquitto;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use serde_json::Value;

use super::world;

pub const TOPIC: &str = "sensors/pump-7/temperature";

#[cfg(all(feature = "control", feature = "local"))]
pub struct Broker(world::World);

#[cfg(not(all(feature = "control", feature = "local")))]
pub struct Broker(mosquitto::Mosquitto);

#[cfg(all(feature = "control", feature = "local"))]
impl Broker {
    pub fn start(_test: &str) -> Option<Self> {
        let world = world::World::start();
        world.provision(&["--thing", "pump-7"]);
        Some(Self(world))
    }

    pub fn port(&self) -> u16 {
        self.0.mqtt_port
    }

    fn as_device(&self, port: u16) -> Command {
        let endpoint = format!("localhost:{port}");
        let (root, cert, key) = ("root-ca.pem", "device.cert.pem", "device.key.pem");
        let identity = ["run", "-e", &endpoint, "-r", root, "-c", cert, "-k", key, "--client-id", "pump-7"];
        world::sealed(&self.0.bundle("pump-7"), &identity)
    }

    fn as_witness(&self) -> Command {
        self.0.provision(&["--thing", "control-room", "--template", "observer"]);
        world::sealed(self.0.path(), &["sub", "--bundle", "certs/control-room"])
    }
}

#[cfg(not(all(feature = "control", feature = "local")))]
impl Broker {
    pub fn start(test: &str) -> Option<Self> {
        world::peers(test).then(|| Self(mosquitto::Mosquitto::start()))
    }

    pub fn port(&self) -> u16 {
        self.0.port
    }

    fn as_device(&self, port: u16) -> Command {
        let endpoint = format!("localhost:{port}");
        let identity =
            ["run", "-e", &endpoint, "-r", "ca.pem", "-c", "device.pem", "-k", "device.key", "--client-id", "pump-7"];
        world::sealed(self.0.folder.path(), &identity)
    }

    fn as_witness(&self) -> Command {
        self.0.iotctl("sub", "control-room", &[])
    }
}

impl Broker {
    /// `iotctl run` with the tutorial's flags and a simulated sensor, at this port.
    pub fn feeder(&self, port: u16, more: &[&str]) -> Command {
        let mut command = self.as_device(port);
        command.args(["-t", TOPIC, "--sensor", "sim", "--start-jitter", "0"]).args(more);
        command
    }

    /// `iotctl run` with the tutorial's flags and nothing said of what to publish, at this port.
    pub fn device(&self, port: u16, more: &[&str]) -> Command {
        let mut command = self.as_device(port);
        command.args(["--start-jitter", "0"]).args(more);
        command
    }

    /// Somebody else who sees all that arrives.
    pub fn witness(&self) -> Witness {
        Witness::start(self.as_witness().args(["sensors/#", "-o", "ndjson"]))
    }
}

/// A subscriber, and what it has seen.
pub struct Witness {
    child: Child,
    seen: Arc<(Mutex<Vec<Value>>, Condvar)>,
}

impl Witness {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut talk = BufReader::new(child.stderr.take().unwrap()).lines();
        let first = talk.next().unwrap().unwrap();
        assert!(first.contains("subscribed to"), "{first}");
        let seen = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let (lines, shared) = (BufReader::new(child.stdout.take().unwrap()).lines(), seen.clone());
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let event: Value = serde_json::from_str(&line).unwrap();
                let message = serde_json::from_str(event["payload"].as_str().unwrap()).unwrap();
                shared.0.lock().unwrap().push(message);
                shared.1.notify_all();
            }
        });
        Self { child, seen }
    }

    /// The messages in the order of their arrival, once `done` is satisfied with them.
    pub fn messages(&self, done: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let patience = Duration::from_secs(60);
        let seen = self.seen.0.lock().unwrap();
        let (seen, late) = self.seen.1.wait_timeout_while(seen, patience, |seen| !done(seen)).unwrap();
        assert!(!late.timed_out(), "{} messages came, and not what was waited for", seen.len());
        seen.clone()
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
