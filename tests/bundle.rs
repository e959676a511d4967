//! `iotctl bundle`: every way a bundle can be wrong is named, with its cure, and exits 65.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

#[path = "world/world.rs"]
mod world;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use iotctl::bundle::folder::Folder;
use iotctl::bundle::manifest::{KeyOrigin, Manifest, State};
use iotctl::bundle::{CERTIFICATE_FILE, FEEDER_FILE, KEY_FILE, MANIFEST_FILE, POLICY_FILE, ROOT_FILE};
use iotctl::pki::key::PrivateKey;
use iotctl::pki::roots::amazon_roots;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use world::{Said, run, sealed};

/// A self-signed certificate of `key`, valid from and to the first of January.
fn certificate(key: &PrivateKey, from: i32, to: i32) -> String {
    let mut params = CertificateParams::default();
    (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(to, 1, 1));
    params.self_signed(&KeyPair::from_pem(key.pem()).unwrap()).unwrap().pem()
}

/// A bundle that is as it must be.
fn whole(parent: &Path, thing: &str) -> Folder {
    let folder = Folder::of(parent, &thing.parse().unwrap());
    folder.create().unwrap();
    let mut manifest = Manifest::pending(thing.parse().unwrap(), KeyOrigin::Local);
    let key = PrivateKey::generate().unwrap();
    folder.write_key(&mut manifest, &key).unwrap();
    folder.write_file(&mut manifest, CERTIFICATE_FILE, &certificate(&key, 2020, 2049)).unwrap();
    folder.write_file(&mut manifest, ROOT_FILE, &amazon_roots()).unwrap();
    folder.write_file(&mut manifest, POLICY_FILE, "{}").unwrap();
    folder.write_file(&mut manifest, FEEDER_FILE, "qos = 1\n").unwrap();
    manifest.endpoint = Some("abc123-ats.iot.eu-central-1.amazonaws.com".to_owned());
    manifest.region = Some("eu-central-1".parse().unwrap());
    manifest.state = State::Ready;
    folder.write_manifest(&manifest).unwrap();
    folder
}

fn change(folder: &Folder, change: impl FnOnce(&mut Manifest)) {
    let mut manifest = folder.manifest().unwrap();
    change(&mut manifest);
    folder.write_manifest(&manifest).unwrap();
}

fn verify(folder: &Path) -> Said {
    run(&mut sealed(folder, &["bundle", "verify", "."]))
}

/// Breaks a whole bundle, and expects this check to fail with this finding and this cure.
fn broken(breaking: impl FnOnce(&Folder), check: &str, finding: &str, cure: &str) {
    let world = tempfile::tempdir().unwrap();
    let folder = whole(world.path(), "pump-7");
    breaking(&folder);
    let said = verify(folder.path());
    assert_eq!(said.code, Some(65), "{}", said.stdout);
    let line = said.stdout.lines().find(|line| line.starts_with(&format!("FAIL {check} ")));
    let line = line.unwrap_or_else(|| panic!("`{check}` did not fail:\n{}", said.stdout));
    assert!(line.contains(finding), "{line}");
    assert!(said.stdout.contains(&format!("cure: {cure}")), "{}", said.stdout);
}

#[test]
fn a_whole_bundle_passes_every_check() {
    let world = tempfile::tempdir().unwrap();
    let said = verify(whole(world.path(), "pump-7").path());
    assert_eq!((said.code, said.stdout.matches("ok   ").count()), (Some(0), 8), "{}{}", said.stdout, said.stderr);
}

#[test]
fn settings_may_be_edited() {
    let world = tempfile::tempdir().unwrap();
    let folder = whole(world.path(), "pump-7");
    fs::write(folder.file(FEEDER_FILE), "qos = 0\n").unwrap();
    let said = verify(folder.path());
    assert_eq!(said.code, Some(0));
    assert!(said.stdout.contains("but for your settings in feeder.toml"), "{}", said.stdout);
}

#[test]
fn a_changed_file_is_named() {
    let tamper = |folder: &Folder| fs::write(folder.file(POLICY_FILE), "{\"a\":1}").unwrap();
    broken(tamper, "files", "`policy.json` was changed", "restore `policy.json` from a copy");
}

#[test]
fn a_missing_file_is_named() {
    broken(
        |f| fs::remove_file(f.file(ROOT_FILE)).unwrap(),
        "files",
        "`root-ca.pem` is missing",
        "restore `root-ca.pem`",
    );
}

#[test]
fn a_key_that_others_can_read_gets_the_chmod_to_type() {
    let open = |f: &Folder| fs::set_permissions(f.file(KEY_FILE), fs::Permissions::from_mode(0o644)).unwrap();
    broken(open, "modes", "open to others (mode 0644)", "chmod 600 ");
}

#[test]
fn a_folder_that_others_can_enter_gets_the_chmod_to_type() {
    let open = |f: &Folder| fs::set_permissions(f.path(), fs::Permissions::from_mode(0o755)).unwrap();
    broken(open, "modes", "open to others (mode 0755)", "chmod 700 ");
}

#[test]
fn a_key_of_another_certificate_is_found() {
    let swap = |folder: &Folder| {
        let other = certificate(&PrivateKey::generate().unwrap(), 2020, 2049);
        change(folder, |manifest| folder.write_file(manifest, CERTIFICATE_FILE, &other).unwrap());
    };
    broken(swap, "key", "is not the key of", "restore the right pair");
}

#[test]
fn an_expired_certificate_says_since_when() {
    let expire = |folder: &Folder| {
        let old = certificate(&folder.key().unwrap(), 2000, 2001);
        change(folder, |manifest| folder.write_file(manifest, CERTIFICATE_FILE, &old).unwrap());
    };
    broken(expire, "validity", "expired on 2001-01-01", "rm -r ");
}

#[test]
fn a_certificate_of_the_future_points_at_the_clock() {
    let future = |folder: &Folder| {
        let early = certificate(&folder.key().unwrap(), 2045, 2049);
        change(folder, |manifest| folder.write_file(manifest, CERTIFICATE_FILE, &early).unwrap());
    };
    broken(future, "validity", "valid from 2045-01-01 on", "set the clock");
}

#[test]
fn an_x509_v1_certificate_is_called_that() {
    let old = |folder: &Folder| {
        let v1 = include_str!("data/x509-v1.pem");
        change(folder, |manifest| folder.write_file(manifest, CERTIFICATE_FILE, v1).unwrap());
    };
    broken(old, "certificate", "is X.509 v1; TLS needs v3", "`openssl x509 -req` makes v1");
}

#[test]
fn an_unfinished_bundle_says_how_to_finish_it() {
    let begin = |folder: &Folder| change(folder, |manifest| manifest.state = State::Pending);
    broken(begin, "manifest", "is not finished", "iotctl provision --thing pump-7");
}

#[test]
fn an_endpoint_that_is_not_ats_is_refused() {
    let legacy = |folder: &Folder| {
        change(folder, |manifest| manifest.endpoint = Some("abc123.iot.eu-central-1.amazonaws.com".to_owned()));
    };
    broken(legacy, "endpoint", "is not an ATS endpoint", "put the address of");
}

#[test]
fn an_endpoint_of_another_region_is_refused() {
    let move_away = |folder: &Folder| change(folder, |manifest| manifest.region = Some("us-east-1".parse().unwrap()));
    broken(move_away, "endpoint", "is not in region `us-east-1`", "iotctl provision");
}

#[test]
fn a_broken_manifest_names_file_line_and_column() {
    let world = tempfile::tempdir().unwrap();
    let folder = whole(world.path(), "pump-7");
    fs::write(folder.file(MANIFEST_FILE), "{\n  \"schema\": 1,\n}").unwrap();
    let said = verify(folder.path());
    assert_eq!(said.code, Some(65));
    assert!(said.stdout.contains("`./bundle.json` is not a bundle manifest"), "{}", said.stdout);
    assert!(said.stdout.contains("line 3 column 1"), "{}", said.stdout);
}

#[test]
fn of_several_bundles_it_asks_which() {
    let world = tempfile::tempdir().unwrap();
    whole(world.path(), "pump-7");
    whole(world.path(), "pump-8");
    let said = run(&mut sealed(world.path(), &["bundle", "show", "."]));
    assert_eq!(said.code, Some(78));
    assert!(said.stderr.contains("`.` holds 2 bundles: `pump-7`, `pump-8`"), "{}", said.stderr);
    assert!(said.stderr.contains("hint: say which with --thing pump-7"), "{}", said.stderr);
    let shown = run(&mut sealed(world.path(), &["bundle", "show", ".", "--thing", "pump-8"]));
    assert_eq!(shown.code, Some(0));
    assert!(shown.stdout.contains("thing        pump-8"), "{}", shown.stdout);
}

#[test]
fn nothing_that_is_shown_holds_the_key() {
    let world = tempfile::tempdir().unwrap();
    let folder = whole(world.path(), "pump-7");
    let secret: String = fs::read_to_string(folder.file(KEY_FILE)).unwrap().lines().nth(1).unwrap().to_owned();
    for arguments in [["bundle", "show", "."], ["bundle", "verify", "."]] {
        for form in ["text", "json"] {
            let said = run(&mut sealed(folder.path(), &[&arguments[..], &["-vv", "-o", form]].concat()));
            assert!(!said.stdout.contains(&secret) && !said.stderr.contains(&secret));
        }
    }
}
