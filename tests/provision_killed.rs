//! `iotctl provision`, killed after each control-plane call in turn, and run again.
//!
//! A proxy between the program and the stand-in counts the answers; at the chosen one it sends SIGKILL, either before
//! the program has seen the answer (the call was made, and nobody knows) or right after.
#![cfg(all(feature = "control", feature = "local"))]

#[path = "world/world.rs"]
mod world;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use world::{World, run};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Moment {
    BeforeTheAnswer,
    AfterTheAnswer,
}

/// Passes HTTP on, one exchange at a time, and kills `victim` at the `fatal` answer.
struct Proxy {
    address: String,
    answers: Arc<AtomicUsize>,
}

type Victim = Arc<Mutex<Option<Child>>>;

impl Proxy {
    fn start(upstream: String, victim: Victim, fatal: usize, moment: Moment) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let answers = Arc::new(AtomicUsize::new(0));
        let counter = answers.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (upstream, victim, counter) = (upstream.clone(), victim.clone(), counter.clone());
                std::thread::spawn(move || serve(client, &upstream, &victim, &counter, fatal, moment));
            }
        });
        Self { address, answers }
    }
}

fn serve(
    client: TcpStream,
    upstream: &str,
    victim: &Victim,
    answers: &AtomicUsize,
    fatal: usize,
    moment: Moment,
) -> Option<()> {
    let mut cloud = TcpStream::connect(upstream).ok()?;
    let mut from_client = BufReader::new(client.try_clone().ok()?);
    let mut from_cloud = BufReader::new(cloud.try_clone().ok()?);
    let mut client = client;
    loop {
        let request = message(&mut from_client)?;
        cloud.write_all(&request).ok()?;
        let answer = message(&mut from_cloud)?;
        // The stand-in's own page is no control-plane call.
        let counts = !request.starts_with(b"GET /_iotctl");
        let fatal_now = counts && answers.fetch_add(1, Ordering::SeqCst) + 1 == fatal;
        if fatal_now && moment == Moment::BeforeTheAnswer {
            kill(victim);
        }
        client.write_all(&answer).ok()?;
        if fatal_now && moment == Moment::AfterTheAnswer {
            kill(victim);
        }
    }
}

fn kill(victim: &Victim) {
    if let Some(child) = victim.lock().unwrap().as_mut() {
        child.kill().unwrap();
    }
}

/// One HTTP/1.1 message with a Content-Length.
fn message(from: &mut impl BufRead) -> Option<Vec<u8>> {
    let (mut whole, mut length) = (Vec::new(), 0);
    loop {
        let mut line = Vec::new();
        if from.read_until(b'\n', &mut line).ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&line).to_lowercase();
        if let Some(value) = text.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        whole.extend(&line);
        if line == b"\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).ok()?;
    whole.extend(body);
    Some(whole)
}

const ARGUMENTS: [&str; 8] =
    ["--thing-type", "pump", "--attribute", "site=plant1", "--group", "line22", "--var", "prefix=lab"];

/// Kills a first run at answer number `fatal`; false when the run ended before there were so many.
fn killed_at(world: &World, thing: &str, fatal: usize, moment: Moment) -> bool {
    let victim: Victim = Arc::default();
    let proxy = Proxy::start(world.control_plane.clone(), victim.clone(), fatal, moment);
    let mut arguments = vec!["provision", "--thing", thing];
    arguments.extend(ARGUMENTS);
    let child = world
        .iotctl_at(&format!("http://{}", proxy.address), &arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    *victim.lock().unwrap() = Some(child);
    let status = loop {
        // Waiting inside the lock would keep the proxy from killing.
        if let Some(status) = victim.lock().unwrap().as_mut().unwrap().try_wait().unwrap() {
            break status;
        }
        std::thread::yield_now();
    };
    assert!(status.success() || status.signal() == Some(9), "neither finished nor killed: {status:?}");
    proxy.answers.load(Ordering::SeqCst) >= fatal
}

fn certificates(world: &World) -> Vec<Value> {
    let (status, answer) = world.call("GET", "/certificates?pageSize=250", "", "");
    assert_eq!((status, &answer["nextMarker"]), (200, &Value::Null));
    answer["certificates"].as_array().unwrap().clone()
}

fn check_one_identity(world: &World, thing: &str, case: &str) {
    let (_, answer) = world.call("GET", &format!("/things/{thing}/principals"), "", "");
    let principals = answer["principals"].as_array().unwrap();
    assert_eq!(principals.len(), 1, "{case}: one certificate on the thing");
    let all = certificates(world);
    let own = all.iter().find(|c| c["certificateArn"] == principals[0]).unwrap();
    assert_eq!(own["status"], "ACTIVE", "{case}");
    let verified = run(&mut world.iotctl(&["bundle", "verify", "certs", "--thing", thing]));
    assert_eq!(verified.code, Some(0), "{case}: {}{}", verified.stdout, verified.stderr);
}

#[test]
fn killed_anywhere_it_resumes_to_one_thing_with_one_active_certificate() {
    let world = World::start();
    let mut things = 0;
    for moment in [Moment::BeforeTheAnswer, Moment::AfterTheAnswer] {
        for fatal in 1.. {
            let thing = format!("pump-{moment:?}-{fatal}");
            let case = format!("killed at answer {fatal}, {moment:?}");
            let reached = killed_at(&world, &thing, fatal, moment);
            let before = certificates(&world).len();
            let again = world.provision(&[["--thing", &thing].as_slice(), &ARGUMENTS].concat());
            things += 1;
            assert_eq!(again["state"], "ready", "{case}");
            check_one_identity(&world, &thing, &case);
            assert_eq!(certificates(&world).len(), things, "{case}: no orphan ({before} before the second run)");
            if !reached {
                assert!(fatal > 8, "the saga makes more calls than {fatal}: does the proxy see them?");
                break;
            }
        }
    }
    let orphans: Vec<_> = certificates(&world).into_iter().filter(|c| c["status"] != "ACTIVE").collect();
    assert!(orphans.is_empty(), "{orphans:?}");
}

#[test]
fn a_second_run_changes_nothing() {
    let world = World::start();
    let first = world.provision(&["--thing", "pump-7"]);
    let second = world.provision(&["--thing", "pump-7"]);
    assert_eq!(first["changed"], true);
    assert_eq!(second["changed"], false);
    assert_eq!(first["certificate_id"], second["certificate_id"]);
}
