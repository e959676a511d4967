//! `iotctl policy diff`

use serde_json::Value;

use super::{folder, iotctl, policy};

const CONNECT: &str =
    r#"{"Sid": "Connect", "Effect": "Allow", "Action": "iot:Connect", "Resource": "ARN:client/pump-7"}"#;
const DATA: &str = r#"{"Effect": "Allow", "Action": "iot:Publish", "Resource": "ARN:topic/data/pump-7"}"#;

#[test]
fn the_same_in_other_words_is_no_change() {
    let grouped = r#"{"Effect": "Allow", "Action": ["iot:Publish", "iot:Connect"], "Resource": ["ARN:topic/data/pump-7", "ARN:client/pump-7"]}"#;
    let folder = folder(&[
        ("a.json", &policy(&[CONNECT, DATA])),
        ("b.json", &policy(&[DATA, CONNECT])),
        ("c.json", &policy(&[grouped])),
    ]);
    for (old, new) in [("a.json", "b.json"), ("b.json", "c.json"), ("c.json", "a.json")] {
        let said = iotctl(&folder, &["policy", "diff", old, new]);
        assert_eq!(
            (said.code, said.stdout.as_str(), said.stderr.as_str()),
            (Some(0), "", "✓ the two policies mean the same\n")
        );
    }
}

#[test]
fn what_changes_is_shown_by_requests() {
    let new = [
        CONNECT,
        &DATA.replace("pump-7", "*"),
        r#"{"Sid": "Secret", "Effect": "Deny", "Action": "iot:Publish", "Resource": "ARN:topic/data/pump-7"}"#,
    ];
    let folder = folder(&[("old.json", &policy(&[CONNECT, DATA])), ("new.json", &policy(&new))]);
    let said = iotctl(&folder, &["policy", "diff", "old.json", "new.json"]);
    assert_eq!(said.code, Some(2));
    insta::assert_snapshot!(said.stdout, @"
    + allowed: iot:Publish on arn:aws:iot:us-east-1:123456789012:topic/data/x
      asked by client `device-1`, attached to its thing
      was IMPLICIT_DENY by no statement
      is  ALLOWED by statement 1

    - denied: iot:Publish on arn:aws:iot:us-east-1:123456789012:topic/data/pump-7
      asked by client `device-1`, attached to its thing
      was ALLOWED by statement 1
      is  EXPLICIT_DENY by statement 2 (Secret)
    ");
    assert_eq!(said.stderr, "2 changes\n");
}

#[test]
fn each_change_is_what_the_engine_decides() {
    let folder = folder(&[
        ("old.json", &policy(&[CONNECT, DATA])),
        ("new.json", &policy(&[r#"{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}"#])),
    ]);
    let said = iotctl(&folder, &["policy", "diff", "old.json", "new.json", "-o", "json"]);
    let value: Value = serde_json::from_str(&said.stdout).unwrap();
    let mut asked = 0;
    for change in value["changes"].as_array().unwrap() {
        if change["connection"].as_str().unwrap() != "client `device-1`, attached to its thing" {
            continue;
        }
        for action in change["actions"].as_array().unwrap() {
            for (file, outcome) in [("old.json", &change["before"]), ("new.json", &change["after"])] {
                let (action, resource) = (action.as_str().unwrap(), change["resource"].as_str().unwrap());
                let said = iotctl(
                    &folder,
                    &["policy", "explain", action, resource, "--policy", file, "--thing", "device-1", "-o", "json"],
                );
                let decision: Value = serde_json::from_str(&said.stdout).unwrap();
                assert_eq!(&decision["decision"]["outcome"], outcome, "{action} {resource} under {file}");
                asked += 1;
            }
        }
    }
    assert!(asked >= 4, "{value:#}");
}

#[test]
fn a_policy_that_aws_would_not_take_is_not_compared() {
    let long = policy(&[&DATA.replace("pump-7", &"x".repeat(3000))]);
    let folder = folder(&[("long.json", &long)]);
    let said = iotctl(&folder, &["policy", "diff", "long.json", "long.json"]);
    assert!(said.code == Some(65) && said.stderr.contains("AWS takes 2048"), "{}", said.stderr);
}

#[test]
fn what_a_policy_says_commands_no_terminal() {
    let sid = r#"{"Sid": "\u001b[2J", "Effect": "Allow", "Action": "iot:Publish", "Resource": "ARN:topic/$aws/things/*/\u001b[31m"}"#;
    let suite =
        "[[policy]]\nfile = 'p.json'\n[[case]]\nname = \"\\u001b[2J\"\npacket = 'PUBLISH a'\nexpect = 'allow'\n";
    let folder = folder(&[("p.json", &policy(&[sid])), ("q.json", &policy(&[CONNECT])), ("s.toml", suite)]);
    for verb in [
        &["policy", "lint", "p.json"][..],
        &["policy", "diff", "p.json", "q.json"],
        &["policy", "test", "s.toml"],
        &["policy", "explain", "Publish", "$aws/things/x/\u{1b}[31m", "--policy", "p.json"],
    ] {
        let said = iotctl(&folder, &[verb, &["--color", "always"]].concat());
        assert!(said.stdout.contains("\\u{1b}[") && !said.stdout.contains('\u{1b}'), "{verb:?}: {}", said.stdout);
    }
}
