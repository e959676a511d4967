//! `iotctl provision`, killed after each control-plane call in turn, and run again.
//!
//! A proxy between the program and the stand-in counts the answers; at the chosen one it sends SIGKILL, either before
//! the program has seen the answer (the call was made, and nobody knows) or right after.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]
#![cfg(all(feature = "control", feature = "local"))]

#[path = "world/world.rs"]
mod world;

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use world::proxy::{self, Meddler};
use world::{World, run};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Moment {
    BeforeTheAnswer,
    AfterTheAnswer,
}

/// Counts the answers, and kills `victim` at the `fatal` one.
struct Killer {
    victim: Mutex<Option<Child>>,
    answers: AtomicUsize,
    fatal: usize,
    moment: Moment,
}

impl Killer {
    fn kill(&self) {
        if let Some(child) = self.victim.lock().unwrap().as_mut() {
            child.kill().unwrap();
        }
    }
}

impl Meddler for Killer {
    fn before_the_answer(&self, request: &[u8]) {
        // The stand-in's own page is no control-plane call.
        let counts = !request.starts_with(b"GET /_iotctl");
        let fatal = counts && self.answers.fetch_add(1, Ordering::SeqCst) + 1 == self.fatal;
        if fatal && self.moment == Moment::BeforeTheAnswer {
            self.kill();
        }
    }

    fn after_the_answer(&self, request: &[u8]) {
        let counts = !request.starts_with(b"GET /_iotctl");
        if counts && self.answers.load(Ordering::SeqCst) == self.fatal && self.moment == Moment::AfterTheAnswer {
            self.kill();
        }
    }
}

const ARGUMENTS: [&str; 8] =
    ["--thing-type", "pump", "--attribute", "site=plant1", "--group", "line22", "--var", "prefix=lab"];

/// Kills a first run at answer number `fatal`; false when the run ended before there were so many.
fn killed_at(world: &World, thing: &str, more: &[&str], fatal: usize, moment: Moment) -> bool {
    let killer = Arc::new(Killer { victim: Mutex::default(), answers: AtomicUsize::new(0), fatal, moment });
    let address = proxy::start(&world.control_plane, killer.clone());
    let arguments = [&["provision", "--thing", thing], more].concat();
    let child = world
        .iotctl_at(&format!("http://{address}"), &arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    *killer.victim.lock().unwrap() = Some(child);
    let status = loop {
        // Waiting inside the lock would keep the proxy from killing.
        if let Some(status) = killer.victim.lock().unwrap().as_mut().unwrap().try_wait().unwrap() {
            break status;
        }
        std::thread::yield_now();
    };
    assert!(status.success() || status.signal() == Some(9), "neither finished nor killed: {status:?}");
    killer.answers.load(Ordering::SeqCst) >= fatal
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
            let reached = killed_at(&world, &thing, &ARGUMENTS, fatal, moment);
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
