//! The feeder beside its peers: rate, CPU, memory, start and bytes on the disk, and whether the targets are met.
//!
//! `cargo bench --no-default-features --bench feeder`. The broker is mosquitto with mutual TLS on loopback, so nothing
//! of ours is at the other end; awsiotsdk runs where `python3` has it. The contenders take turns, each in a process of
//! its own. What a run of one message takes is taken off, so start, TLS handshake and an interpreter's imports count
//! for nobody. The feeder is called through the library, because `iotctl run` keeps below AWS's 100 publishes a second.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench that cannot go on must fail, and prints its table"
)]

#[path = "feeder/contender.rs"]
mod contender;
#[path = "feeder/device.rs"]
mod device;
#[path = "feeder/disk.rs"]
mod disk;
#[path = "feeder/measured.rs"]
mod measured;
#[path = "../tests/world/mosquitto.rs"]
mod mosquitto;
#[path = "feeder/peers.rs"]
mod peers;
#[path = "feeder/spread.rs"]
mod spread;
#[path = "../tests/world/world.rs"]
mod world;

use std::path::Path;

use contender::PAYLOAD;
use device::Start;
use disk::OwnDisk;
use measured::Cost;
use mosquitto::Mosquitto;
use peers::{AWSIOTSDK, Contender, EVERY, GROUPED, contenders};
use spread::Spread;

const ROUNDS: usize = 7;
/// How much waits after a long time offline.
const BACKLOG: u64 = 100_000;

/// What one message costs a contender, in each round.
#[derive(Default)]
struct Series {
    rate: Vec<f64>,
    cpu_per_10000: Vec<f64>,
    peak_mib: Vec<f64>,
    one_message_ms: Vec<f64>,
}

impl Series {
    fn add(&mut self, one: Cost, all: Cost, messages: u64) {
        let more = (messages - 1) as f64;
        self.rate.push(more / (all.seconds - one.seconds));
        self.cpu_per_10000.push((all.cpu_seconds - one.cpu_seconds) / more * 10_000.0);
        self.peak_mib.push(all.peak_kib as f64 / 1024.0);
        self.one_message_ms.push(one.seconds * 1000.0);
    }
}

/// All contenders in turns; each round begins with another.
fn race(contenders: &[Contender]) -> Vec<Series> {
    let mut series: Vec<Series> = contenders.iter().map(|_| Series::default()).collect();
    for round in 0..ROUNDS {
        for place in 0..contenders.len() {
            let turn = (round + place) % contenders.len();
            let Contender { name, messages, command } = &contenders[turn];
            let [one, all] = [1, *messages].map(|messages| {
                let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
                measured::run(&mut command(messages, folder.path()), name)
            });
            series[turn].add(one, all, *messages);
        }
    }
    series
}

fn show(contenders: &[Contender], series: &[Series]) {
    let named = |name: &str| contenders.iter().position(|contender| contender.name == name);
    println!("{PAYLOAD}-byte messages, QoS 1, TLS with client certificate, {ROUNDS} rounds: median (range)\n");
    println!("{:<31}{:>27}{:>24}{:>22}", "", "acknowledged a second", "CPU s per 10,000", "one message, ms");
    for (contender, series) in contenders.iter().zip(series) {
        let Series { rate, cpu_per_10000, one_message_ms, .. } = series;
        let [rate, cpu, start] =
            [(rate, 0), (cpu_per_10000, 3), (one_message_ms, 0)].map(|(of, digits)| Spread::of(of).text(digits));
        println!("{:<31}{rate:>27}{cpu:>24}{start:>22}", contender.name);
    }
    println!("\n{:<31}{:>27}{:>24}{:>22}", "", "peak memory, MiB", "rate / awsiotsdk's", "CPU / awsiotsdk's");
    for (contender, own) in contenders.iter().zip(series) {
        let memory = Spread::of(&own.peak_mib).text(0);
        let [rate, cpu] =
            [|series: &Series| series.rate.clone(), |series: &Series| series.cpu_per_10000.clone()].map(|of| {
                named(AWSIOTSDK).map_or(String::new(), |place| Spread::of_ratios(&of(own), &of(&series[place])).text(2))
            });
        println!("{:<31}{memory:>27}{rate:>24}{cpu:>22}", contender.name);
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [verb, name, port, messages, certificates, spool] = &arguments[..]
        && verb == "contender"
    {
        let (port, messages) = (port.parse().unwrap(), messages.parse().unwrap());
        return contender::run(name, port, messages, certificates.as_ref(), spool.as_ref());
    }
    let program = device::build();
    let broker = Mosquitto::start();
    let contenders = contenders(&broker);
    let series = race(&contenders);
    show(&contenders, &series);
    targets(&program, &broker, &contenders, &series);
}

/// What issue 4 asks for.
fn targets(program: &Path, broker: &Mosquitto, contenders: &[Contender], series: &[Series]) {
    let rate = |name: &str| contenders.iter().position(|known| known.name == name).map(|place| &series[place].rate);
    println!("\n{:<58}{:>24}{:>12}", "", "median (range)", "target");
    if let (Some(ours), Some(theirs)) = (rate(GROUPED), rate(AWSIOTSDK)) {
        Spread::of_ratios(ours, theirs).at_least("durable and grouped, rate / awsiotsdk's", 2, 3.0);
    }
    let size = std::fs::metadata(program).unwrap().len() as f64 / 1_000_000.0;
    Spread::of(&[size]).at_most("device binary, MB", 2, 4.0);
    let (idle, full): (Vec<_>, Vec<_>) =
        (0..ROUNDS).map(|_| [0, BACKLOG].map(|backlog| start(program, broker, backlog)).into()).unzip();
    let memory = |starts: &[Start]| starts.iter().map(|start| start.resident_mib).collect::<Vec<_>>();
    let first = |starts: &[Start]| starts.iter().map(|start| start.first_puback_ms).collect::<Vec<_>>();
    let growth: Vec<f64> = memory(&full).iter().zip(memory(&idle)).map(|(full, idle)| full - idle).collect();
    Spread::of(&memory(&idle)).at_most("device binary, nothing waits: memory, MiB", 1, 8.0);
    Spread::of(&first(&idle)).shown("device binary, nothing waits: start to first PUBACK, ms", 0);
    Spread::of(&first(&full)).at_most("device binary, 100,000 wait: start to first PUBACK, ms", 0, 200.0);
    Spread::of(&growth).at_most("device binary, 100,000 wait: memory more than idle, MiB", 1, 5.0);
    match OwnDisk::mount() {
        Ok(disk) => [(EVERY, 4_500.0), (GROUPED, 500.0)].iter().for_each(|(name, target)| {
            let contender = contenders.iter().find(|known| known.name == *name).unwrap();
            let written: Vec<f64> = (0..3).map(|_| written(contender, &disk)).collect();
            Spread::of(&written).at_most(&format!("{name}: bytes written for each"), 0, *target);
        }),
        Err(error) => println!("*** SKIPPED bytes written: no disk of its own, which takes root ({error})"),
    }
}

/// The device binary with nothing to do, or with a backlog: its first 100 acknowledgements.
fn start(program: &Path, broker: &Mosquitto, backlog: u64) -> Start {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    device::fill(folder.path(), backlog);
    device::start(program, broker.port, broker.folder.path(), folder.path(), if backlog > 0 { 100 } else { 1 })
}

/// Bytes that reach the disk for one more message: what happens once is taken off.
fn written(contender: &Contender, disk: &OwnDisk) -> f64 {
    let [one, all] = [1, contender.messages].map(|messages| {
        let folder = tempfile::tempdir_in(disk.path()).unwrap();
        let before = disk.written();
        measured::run(&mut (contender.command)(messages, folder.path()), contender.name);
        disk.written() - before
    });
    (all as f64 - one as f64) / (contender.messages - 1) as f64
}
