//! The fuzz target (`fuzz/`) without a fuzzer: every vector, then seeded mutations of them. `IOTCTL_MUTANTS` sets how
//! many; `IOTCTL_CORPUS=DIR` writes the vectors there, for the fuzzer to start from.

use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

use super::VECTORS;
use super::world::Vector;

#[path = "../../fuzz/fuzz_targets/check.rs"]
mod check;

/// What a mutation puts in: the words of the policy language, and characters that mean something in it or in MQTT.
const WORDS: &[&str] = &[
    "*",
    "?",
    "+",
    "#",
    "$",
    "${",
    "}",
    "${*}",
    "${iot:ClientId}",
    "/",
    "\"",
    "\\",
    ",",
    ":",
    "{",
    "}",
    "[",
    "]",
    "ü",
    "\u{0}",
    "\n",
    "Deny",
    "Allow",
    "NotResource",
    "Condition",
    "ForAnyValue:",
    "IfExists",
    "StringNotLike",
    "Bool",
    "true",
    "0",
    "-1e999",
    "iot:Certificate.Subject.CommonName.1",
    "iot:Connection.Thing.ThingName",
    "null",
];

/// The inputs of the fuzz target: one for each document and request of the vectors.
fn inputs() -> Vec<String> {
    let of = |vector: &Vector| {
        let facts = &vector.connection;
        let client_id = facts.client_id.clone().unwrap_or_default();
        let thing = facts.thing.as_ref().map_or(String::new(), |thing| thing.name.clone());
        let mut inputs = Vec::new();
        for (policy, asked) in vector.policies.iter().flat_map(|p| vector.requests.iter().map(move |r| (p, r))) {
            let document = &policy.document;
            inputs.push(format!("{}\n{}\n{client_id}\n{thing}\n{document}", asked.action, asked.resource));
        }
        inputs
    };
    VECTORS.iter().flat_map(|file| of(&Vector::load(file))).collect()
}

/// One to four edits: a word put in, some characters taken out, or a piece of another input.
fn mutate(inputs: &[String], rng: &mut TestRng) -> String {
    let mut roll = |sides: usize| rng.next_u32() as usize % sides.max(1);
    let mut text: Vec<char> = inputs[roll(inputs.len())].chars().collect();
    for _ in 0..=roll(4) {
        let at = roll(text.len());
        let until = (at + roll(12)).min(text.len());
        match roll(3) {
            0 => drop(text.splice(at..at, WORDS[roll(WORDS.len())].chars())),
            1 => drop(text.drain(at..until)),
            _ => {
                let other: Vec<char> = inputs[roll(inputs.len())].chars().collect();
                let from = roll(other.len());
                let to = (from + roll(40)).min(other.len());
                drop(text.splice(at..until, other[from..to].iter().copied()));
            }
        }
    }
    text.into_iter().collect()
}

#[test]
fn what_the_fuzz_target_asks_holds_for_every_vector() {
    let corpus = std::env::var_os("IOTCTL_CORPUS").map(std::path::PathBuf::from);
    for (index, input) in inputs().iter().enumerate() {
        assert!(check::policy(input), "{input}");
        if let Some(folder) = &corpus {
            std::fs::write(folder.join(format!("vector-{index}")), input).unwrap();
        }
    }
}

#[test]
fn what_the_fuzz_target_asks_holds_for_mutated_vectors() {
    let mutants = std::env::var("IOTCTL_MUTANTS").map_or(4_000, |n| n.parse().unwrap());
    let (inputs, mut rng) = (inputs(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let mut documents = 0;
    for _ in 0..mutants {
        let mutant = mutate(&inputs, &mut rng);
        let read = std::panic::catch_unwind(|| check::policy(&mutant));
        documents += u32::from(read.unwrap_or_else(|_| panic!("the input was {mutant:?}")));
    }
    assert!(documents > mutants / 10, "{documents} of {mutants} were documents: the mutations are too wild");
    println!("{documents} of {mutants} were documents");
}
