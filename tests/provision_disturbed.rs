//! `iotctl provision` on a bad day: lost answers, throttling, failures of the service, two runs at once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]
#![cfg(all(feature = "control", feature = "local"))]

#[path = "world/world.rs"]
mod world;

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use world::proxy::{self, Meddler, Verdict};
use world::{Said, World, run};

const ARGUMENTS: [&str; 6] = ["--thing-type", "pump", "--attribute", "site=plant1", "--group", "line22"];
const ASK: &[u8] = b"POST /certificates ";

fn certificates(world: &World) -> Vec<Value> {
    let (status, answer) = world.call("GET", "/certificates?pageSize=250", "", "");
    assert_eq!(status, 200);
    answer["certificates"].as_array().unwrap().clone()
}

fn provision(world: &World, meddler: Arc<impl Meddler>, thing: &str, more: &[&str]) -> Said {
    let address = proxy::start(&world.control_plane, meddler);
    run(&mut world.iotctl_at(&format!("http://{address}"), &[&["provision", "--thing", thing], more].concat()))
}

/// Loses the answer of one call, by its number.
struct Loses {
    number: usize,
    calls: AtomicUsize,
}

impl Meddler for Loses {
    fn judge(&self, request: &[u8]) -> Verdict {
        let counts = !request.starts_with(b"GET /_iotctl");
        let number = if counts { self.calls.fetch_add(1, Ordering::SeqCst) + 1 } else { 0 };
        if number == self.number { Verdict::LoseTheAnswer } else { Verdict::Pass }
    }
}

#[test]
fn whichever_answer_is_lost_one_run_makes_one_device() {
    let world = World::start();
    for number in 1.. {
        let (thing, loses) = (format!("pump-{number}"), Arc::new(Loses { number, calls: AtomicUsize::new(0) }));
        let policy = format!("policy-{number}");
        let more = [&ARGUMENTS[..], &["--policy-name", &policy]].concat();
        let said = provision(&world, loses.clone(), &thing, &more);
        assert_eq!(said.code, Some(0), "answer {number} lost: {}", said.stderr);
        let all = certificates(&world);
        assert_eq!(all.len(), number, "answer {number} lost: one certificate for each thing");
        assert!(all.iter().all(|certificate| certificate["status"] == "ACTIVE"), "answer {number} lost");
        if loses.calls.load(Ordering::SeqCst) < number {
            assert!(number > 8, "the saga makes more calls than {number}: does the proxy see them?");
            break;
        }
    }
}

/// Answers the first requests for a certificate with a refusal, without passing them on.
struct Refuses {
    first: usize,
    asked: AtomicUsize,
    status: &'static str,
    error_type: &'static str,
}

impl Meddler for Refuses {
    fn judge(&self, request: &[u8]) -> Verdict {
        if request.starts_with(ASK) && self.asked.fetch_add(1, Ordering::SeqCst) < self.first {
            return Verdict::Answer(self.status, self.error_type, r#"{"message":"not now"}"#);
        }
        Verdict::Pass
    }
}

fn refuses(first: usize, status: &'static str, error_type: &'static str) -> Arc<Refuses> {
    Arc::new(Refuses { first, asked: AtomicUsize::new(0), status, error_type })
}

#[test]
fn throttled_it_asks_again_and_gets_one_certificate() {
    let world = World::start();
    let said = provision(&world, refuses(2, "400 Bad Request", "ThrottlingException"), "pump-7", &[]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert_eq!(certificates(&world).len(), 1);
}

#[test]
fn when_the_service_fails_it_looks_for_the_certificate_before_it_asks_again() {
    let world = World::start();
    let failing = refuses(1, "500 Internal Server Error", "InternalFailureException");
    let said = provision(&world, failing, "pump-7", &[]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert_eq!(certificates(&world).len(), 1);

    let failing = refuses(usize::MAX, "500 Internal Server Error", "InternalFailureException");
    let said = provision(&world, failing, "pump-8", &[]);
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    assert!(said.stderr.contains("hint: the same command again finds out whether it was made"), "{}", said.stderr);
    assert_eq!(world.provision(&["--thing", "pump-8"])["state"], "ready");
    assert_eq!(certificates(&world).len(), 2);
}

#[test]
fn a_key_by_aws_that_was_lost_on_the_way_is_reported_and_made_anew() {
    let world = World::start();
    struct LosesTheKey;
    impl Meddler for LosesTheKey {
        fn judge(&self, request: &[u8]) -> Verdict {
            if request.starts_with(b"POST /keys-and-certificate") { Verdict::LoseTheAnswer } else { Verdict::Pass }
        }
    }
    let more = ["--key-from", "aws"];
    let said = provision(&world, Arc::new(LosesTheKey), "pump-7", &more);
    assert_eq!(said.code, Some(6), "{}", said.stderr);
    let lost = certificates(&world);
    assert_eq!((lost.len(), &lost[0]["status"]), (1, &Value::from("INACTIVE")));

    let said = run(&mut world.iotctl(&["provision", "--thing", "pump-7", "--key-from", "aws"]));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let id = lost[0]["certificateId"].as_str().unwrap();
    assert!(said.stderr.contains(&format!("aws iot delete-certificate --certificate-id {id}")), "{}", said.stderr);
    let statuses = certificates(&world).iter().filter(|certificate| certificate["status"] == "ACTIVE").count();
    assert_eq!((statuses, certificates(&world).len()), (1, 2));
}

#[test]
fn two_runs_at_once_make_one_device() {
    let world = World::start();
    let spawn = || {
        let mut command = world.iotctl(&["provision", "--thing", "pump-7"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let runs: Vec<_> = (0..4).map(|_| spawn()).collect();
    let said: Vec<_> = runs.into_iter().map(|run| run.wait_with_output().unwrap()).collect();
    let codes: Vec<_> = said.iter().map(|said| said.status.code()).collect();
    assert!(codes.contains(&Some(0)), "{said:?}");
    assert!(codes.iter().all(|code| matches!(code, Some(0 | 7))), "{said:?}");
    assert_eq!(certificates(&world).len(), 1);
    assert_eq!(run(&mut world.iotctl(&["bundle", "verify"])).code, Some(0));
}
