//! What a process took from its start to its end: time, CPU, memory. The kernel counts.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How often a process is looked at: what is measured must be long beside it.
const LOOK: Duration = Duration::from_millis(2);
/// `USER_HZ`: the same on every Linux that Rust runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// One run of a process.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    pub(crate) seconds: f64,
    pub(crate) cpu_seconds: f64,
    pub(crate) peak_kib: u64,
}

/// Runs a process to its end, which must be a success.
pub(crate) fn run(command: &mut Command, name: &str) -> Cost {
    let started = Instant::now();
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let process = child.id();
    let mut peak_kib = 0;
    while !is_over(process) {
        peak_kib = status(process, "VmHWM:").map_or(peak_kib, |now| now.max(peak_kib));
        std::thread::sleep(LOOK);
    }
    let seconds = started.elapsed().as_secs_f64();
    // Ended and not waited for: the kernel still has its counts.
    let cost = Cost { seconds, cpu_seconds: cpu(process), peak_kib };
    assert!(child.wait().unwrap().success(), "{name} failed");
    cost
}

/// Ends a process that never would.
pub(crate) fn end(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A line of `/proc/PID/status` that counts kB.
pub(crate) fn status(process: u32, line: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    text.lines().find_map(|found| found.strip_prefix(line))?.split_whitespace().next()?.parse().ok()
}

/// The fields of `/proc/PID/stat` behind the name, which may hold anything: the state is the first.
fn stat(process: u32) -> Vec<String> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    text.rsplit_once(')').unwrap().1.split_whitespace().map(String::from).collect()
}

fn is_over(process: u32) -> bool {
    stat(process)[0] == "Z"
}

fn cpu(process: u32) -> f64 {
    stat(process)[11..=12].iter().map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / TICKS_PER_SECOND
}
