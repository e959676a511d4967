//! `iotctl policy lint | explain | test | diff`: what each says and how it exits, word by word.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "policy_verbs/diff.rs"]
mod diff;
#[path = "policy_verbs/explain.rs"]
mod explain;
#[path = "policy_verbs/lint.rs"]
mod lint;
#[path = "policy_verbs/suite.rs"]
mod suite;
#[path = "world/world.rs"]
mod world;

use std::fs;

use tempfile::TempDir;
use world::{Said, run, sealed};

/// A folder with these files in it; `ARN:` stands for a Region of an account.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text.replace("ARN:", "arn:aws:iot:us-east-1:123456789012:")).unwrap();
    }
    folder
}

/// A policy of these statements, each on a line of its own.
fn policy(statements: &[&str]) -> String {
    format!("{{\"Version\": \"2012-10-17\", \"Statement\": [\n{}\n]}}\n", statements.join(",\n"))
}

fn iotctl(folder: &TempDir, arguments: &[&str]) -> Said {
    run(&mut sealed(folder.path(), arguments))
}
