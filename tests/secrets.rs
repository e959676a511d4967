//! No secret in any output: keys and credentials are looked for in all that the program says and writes, as talkative as
//! it can be.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]
#![cfg(all(feature = "control", feature = "local"))]

#[path = "world/world.rs"]
mod world;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use world::{Said, World, run};

const SECRET: &str = "canarySecretAccessKey0123456789abcdefABCD";
const TOKEN: &str = "canarySessionToken/0123456789abcdef+ABCD==";
const TOPIC: &str = "sensors/pump-7/temperature";

/// A command that says all it can, with credentials that must not be seen.
fn talkative(world: &World, arguments: &[&str]) -> Command {
    let mut command = world.iotctl(&[arguments, &["-vv"]].concat());
    command.env("AWS_SECRET_ACCESS_KEY", SECRET).env("AWS_SESSION_TOKEN", TOKEN);
    command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "1");
    command
}

/// What must not be seen of a PEM file with a P-256 key: its secret number, as it stands there, as hexadecimal numbers and
/// as a list of decimals. In PKCS#8 that is bytes 36 to 67; before it there is framing, behind it the public key.
fn canaries(pem: &str) -> Vec<String> {
    let text: String = pem.lines().filter(|line| !line.contains("-----")).collect();
    let der = base64(&text);
    let secret = &der[36..66];
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let list = format!("{secret:?}");
    let list = list.trim_matches(['[', ']']).to_owned();
    // A line of a PEM file ends behind 64 digits.
    vec![text[48..64].to_owned(), text[64..88].to_owned(), hex.to_uppercase(), hex, list]
}

fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bits = 0_u32;
    let mut bytes = Vec::new();
    for (place, digit) in text.bytes().filter(|byte| *byte != b'=').enumerate() {
        bits = bits << 6 | u32::try_from(DIGITS.find(char::from(digit)).unwrap()).unwrap();
        if place % 4 != 0 {
            bytes.push(u8::try_from(bits >> (6 - 2 * (place % 4)) & 0xff).unwrap());
        }
    }
    bytes
}

fn silent(what: &str, said: &Said, canaries: &[String]) {
    for canary in canaries {
        for output in [&said.stdout, &said.stderr] {
            assert!(!output.contains(canary.as_str()), "{what} shows `{canary}`:\n{output}");
        }
    }
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn the_search_finds_what_it_looks_for() {
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", "QUJDREVGR0hJSktM".repeat(8));
    let found = canaries(&pem);
    assert_eq!(base64("QUJDREVGR0hJSktM"), b"ABCDEFGHIJKL");
    for wanted in ["4142434445464748494A4B4C", "4142434445464748494a4b4c", "65, 66, 67, 68"] {
        assert!(found.iter().any(|canary| canary.starts_with(wanted)), "{wanted}: {found:?}");
    }
}

#[test]
fn neither_credentials_nor_the_private_key_are_in_any_output_or_any_other_file() {
    let world = World::start();
    let provisioned = run(&mut talkative(&world, &["provision", "--thing", "pump-7"]));
    assert_eq!(provisioned.code, Some(0), "{}", provisioned.stderr);
    assert!(provisioned.stderr.contains("DEBUG"), "it is talkative: {}", provisioned.stderr);
    let key = world.bundle("pump-7").join("device.key.pem");
    let pem = fs::read_to_string(&key).unwrap();
    let mut canaries = canaries(&pem);
    canaries.extend([SECRET.to_owned(), TOKEN.to_owned()]);
    silent("provision", &provisioned, &canaries);

    let bundle = ["--bundle", "certs/pump-7"];
    let feed = ["--sensor", "sim", "--interval", "10ms", "--count", "3"];
    let mut verbs = vec![
        [&["run"], &bundle[..], &feed[..]].concat(),
        [&["run", "-o", "json"], &bundle[..], &feed[..]].concat(),
        [&["run"], &bundle[..], &feed[..], &["--check"]].concat(),
        [&["pub"], &bundle[..], &[TOPIC, "hello"]].concat(),
        [&["pub"], &bundle[..], &["forbidden/topic", "hello"]].concat(),
        [&["sub"], &bundle[..], &["forbidden/topic", "-W", "1"]].concat(),
        vec!["provision", "--thing", "pump-7", "-o", "json"],
    ];
    verbs.extend(["show", "verify"].map(|verb| vec!["bundle", verb, "certs/pump-7"]));
    verbs.extend(["show", "verify"].map(|verb| vec!["bundle", verb, "certs/pump-7", "-o", "json"]));
    for verb in &verbs {
        let said = run(&mut talkative(&world, verb));
        assert_ne!(said.code, Some(64), "{verb:?}: {}", said.stderr);
        silent(&verb.join(" "), &said, &canaries);
    }
    for file in files(world.path()).iter().filter(|file| **file != key) {
        let bytes = fs::read(file).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!canaries.iter().any(|canary| text.contains(canary.as_str())), "{} holds a secret", file.display());
    }
}

#[test]
fn a_key_file_that_is_none_is_named_and_its_content_is_not_shown() {
    let world = World::start();
    world.provision(&["--thing", "pump-7"]);
    let (folder, endpoint) = (world.bundle("pump-7"), format!("localhost:{}", world.mqtt_port));
    let canary = "canaryInAKeyFileThatIsNone0123456789";
    let contents = [
        canary.to_owned(),
        format!("-----BEGIN PRIVATE KEY-----\n{canary}\n-----END PRIVATE KEY-----\n"),
        format!("-----BEGIN EC PRIVATE KEY-----\n{canary}"),
        format!("{{\"key\": \"{canary}\"}}"),
    ];
    for content in contents {
        fs::write(folder.join("device.key.pem"), &content).unwrap();
        let cert = folder.join("device.cert.pem").display().to_string();
        let (key, root) =
            (folder.join("device.key.pem").display().to_string(), folder.join("root-ca.pem").display().to_string());
        let loose = [
            "run",
            "-e",
            &endpoint,
            "-r",
            &root,
            "-c",
            &cert,
            "-k",
            &key,
            "--client-id",
            "x",
            "-t",
            TOPIC,
            "--count",
            "1",
        ];
        let verbs: [&[&str]; 4] = [
            &["bundle", "verify", "certs/pump-7"],
            &["run", "--bundle", "certs/pump-7", "--count", "1"],
            &["pub", "--bundle", "certs/pump-7", TOPIC, "hello"],
            &loose,
        ];
        for verb in verbs {
            let said = run(talkative(&world, verb).stdin(Stdio::null()));
            assert_ne!(said.code, Some(0), "{verb:?}");
            silent(&verb.join(" "), &said, &[canary.to_owned()]);
        }
    }
}
