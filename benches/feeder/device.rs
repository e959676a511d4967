//! The program as it goes on a Pi: its size, its memory, and how soon the first reading is acknowledged.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use iotctl::config::spool::SyncPolicy;
use iotctl::device::queue::{Accepted, Moment, Queue, Record};
use time::OffsetDateTime;

use super::contender::{PAYLOAD, TOPIC, queue};
use super::measured;

/// A start of the feeder, up to its first acknowledgement and a bit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    pub(crate) first_puback_ms: f64,
    pub(crate) resident_mib: f64,
}

/// Builds it, as the README says; `target/device/iotctl`.
pub(crate) fn build() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--profile", "device", "--no-default-features", "--bin", "iotctl"]);
    assert!(cargo.current_dir(root).status().unwrap().success());
    // target/tmp is where the tests of a target folder keep their files.
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("device/iotctl")
}

/// Puts so many readings into a spool, as a night offline does.
pub(crate) fn fill(folder: &Path, readings: u64) {
    let mut spool = queue(folder, SyncPolicy::Grouped(Duration::from_secs(1)));
    for _ in 0..readings {
        let now = Moment { elapsed: Duration::ZERO, utc: OffsetDateTime::now_utc() };
        let record = Record { topic: TOPIC.parse().unwrap(), payload: vec![b'x'; PAYLOAD] };
        assert_eq!(spool.accept(record, now), Accepted::Kept);
    }
    spool.close();
}

/// Starts the feeder with a spool, until it has shown `acknowledged` readings.
pub(crate) fn start(program: &Path, port: u16, certificates: &Path, spool: &Path, acknowledged: usize) -> Start {
    let endpoint = format!("localhost:{port}");
    let mut command = Command::new(program);
    command.args(["run", "-e", &endpoint, "-r", "ca.pem", "-c", "device.pem", "-k", "device.key"]);
    command.args(["--client-id", "pump-7", "-t", TOPIC, "--sensor", "sim", "--interval", "1h"]);
    command.arg("--spool").arg(spool).current_dir(certificates).stdout(Stdio::piped()).stderr(Stdio::null());
    let started = Instant::now();
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.next().unwrap().unwrap();
    let first_puback_ms = started.elapsed().as_secs_f64() * 1000.0;
    lines.take(acknowledged - 1).for_each(|line| drop(line.unwrap()));
    let resident_mib = measured::status(child.id(), "VmRSS:").unwrap() as f64 / 1024.0;
    measured::end(child);
    Start { first_puback_ms, resident_mib }
}
