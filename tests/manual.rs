//! Every verb has a help text with an example, completions and a manual page; every exit code is what the table says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

#[path = "world/world.rs"]
mod world;

use std::fs;

use iotctl::error::Kind;
use world::{run, sealed};

/// Every verb of this build, as the help lists them, subcommands included.
fn verbs(folder: &std::path::Path, above: &[&str]) -> Vec<Vec<String>> {
    let help = run(&mut sealed(folder, &[above, &["--help"]].concat())).stdout;
    let Some((_, list)) = help.split_once("Commands:\n") else {
        return vec![above.iter().map(|v| (*v).to_owned()).collect()];
    };
    let mut found = Vec::new();
    for line in list
        .lines()
        .take_while(|line| !line.trim().is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
    {
        let verb = line.split_whitespace().next().unwrap();
        if verb != "help" {
            found.extend(verbs(folder, &[above, &[verb]].concat()));
        }
    }
    found
}

#[test]
fn every_verb_says_what_it_does_and_shows_an_example() {
    let folder = tempfile::tempdir().unwrap();
    let verbs = verbs(folder.path(), &[]);
    assert!(verbs.len() >= 7, "{verbs:?}");
    for verb in verbs {
        let mut arguments: Vec<&str> = verb.iter().map(String::as_str).collect();
        arguments.push("--help");
        let said = run(&mut sealed(folder.path(), &arguments));
        assert_eq!(said.code, Some(0), "{verb:?}");
        assert!(said.stdout.contains("Example"), "{verb:?} shows no example:\n{}", said.stdout);
        assert!(said.stdout.contains(&format!("  iotctl {}", verb.join(" "))) || verb.len() == 1, "{verb:?}");
        let wide = said.stdout.lines().find(|line| line.chars().count() > 100);
        assert_eq!(wide, None, "{verb:?}");
    }
}

#[test]
fn completions_and_manual_pages_are_made_for_every_verb() {
    let folder = tempfile::tempdir().unwrap();
    let completions = run(&mut sealed(folder.path(), &["completions", "bash"]));
    assert!(completions.code == Some(0) && completions.stdout.contains("_iotctl"));
    assert_eq!(run(&mut sealed(folder.path(), &["man", "--out", "."])).code, Some(0));
    let pages = fs::read_dir(folder.path()).unwrap().count();
    assert!(pages > 8, "{pages}");
}

#[test]
fn the_exit_codes_of_the_readme_are_those_of_the_program() {
    let readme = include_str!("../README.md");
    for kind in [
        Kind::Failed,
        Kind::Credentials,
        Kind::Denied,
        Kind::Unreachable,
        Kind::Conflict,
        Kind::Usage,
        Kind::BadInput,
        Kind::Overwrite,
        Kind::Configuration,
    ] {
        assert!(readme.contains(&format!("\n| {} |", kind.exit_code())), "{kind:?} is not in the table");
    }
}

#[test]
fn a_command_line_that_makes_no_sense_is_64_because_2_means_changes() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in
        [&["nonsense"][..], &["policy", "render", "--no-such-flag"], &[], &["bundle", "show", "-o", "yaml"]]
    {
        let said = run(&mut sealed(folder.path(), arguments));
        assert_eq!(said.code, Some(64), "{arguments:?}");
        assert!(said.stdout.is_empty() && !said.stderr.is_empty(), "{arguments:?}");
    }
}

#[cfg(not(any(feature = "control", feature = "local")))]
#[test]
fn a_verb_that_a_device_build_leaves_out_says_so() {
    let folder = tempfile::tempdir().unwrap();
    for verb in ["provision", "local", "demo"] {
        let said = run(&mut sealed(folder.path(), &[verb]));
        assert_eq!(said.code, Some(64));
        assert!(
            said.stderr.contains(&format!("`{verb}` is not in this program: this is a device build")),
            "{}",
            said.stderr
        );
        assert!(!run(&mut sealed(folder.path(), &["--help"])).stdout.contains(&format!("\n  {verb} ")));
    }
}

#[test]
fn the_tutorials_policy_is_rendered_as_the_tutorial_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let said = run(&mut sealed(
        folder.path(),
        &[
            "policy",
            "render",
            "--template",
            "tutorial-publisher",
            "--thing",
            "simple-publishing",
            "--topic",
            "bme680/temperature",
            "--region",
            "eu-central-1",
            "--account",
            "123456789012",
        ],
    ));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    insta::assert_snapshot!(said.stdout, @r#"
    {
      "Version": "2012-10-17",
      "Statement": [
        {
          "Effect": "Allow",
          "Action": [
            "iot:Publish",
            "iot:Receive"
          ],
          "Resource": [
            "arn:aws:iot:eu-central-1:123456789012:topic/bme680/temperature"
          ]
        },
        {
          "Effect": "Allow",
          "Action": [
            "iot:Connect"
          ],
          "Resource": [
            "arn:aws:iot:eu-central-1:123456789012:client/simple-publishing"
          ]
        }
      ]
    }
    "#);
}

#[test]
fn a_template_of_ones_own_is_taken_by_path_and_its_faults_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        ("{{ colour }}", 64, "template `./mine.json` needs the variable `colour`", "hint: --var colour=VALUE"),
        ("{% if %}", 65, "template `./mine.json`, line 1:", ""),
        ("hello", 65, "`./mine.json`", ""),
    ];
    for (text, code, sentence, hint) in cases {
        fs::write(folder.path().join("mine.json"), text).unwrap();
        let said = run(&mut sealed(folder.path(), &["policy", "render", "--template", "./mine.json"]));
        assert_eq!(said.code, Some(code), "{}", said.stderr);
        assert!(said.stderr.contains(sentence) && said.stderr.contains(hint), "{}", said.stderr);
    }
    let missing = run(&mut sealed(folder.path(), &["policy", "render", "--template", "./none.json"]));
    assert_eq!(missing.code, Some(65));
    let unknown = run(&mut sealed(folder.path(), &["policy", "render", "--template", "none"]));
    assert!(unknown.code == Some(64) && unknown.stderr.contains("there are `sensor`"), "{}", unknown.stderr);
}
