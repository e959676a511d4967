//! `iotctl policy lint`

use std::fs;

use serde_json::Value;

use super::{folder, iotctl, policy};

/// The findings of a policy as `severity id line:column`.
fn found(text: &str) -> Vec<String> {
    let folder = folder(&[("p.json", text)]);
    let said = iotctl(&folder, &["policy", "lint", "p.json", "-o", "json"]);
    assert!(said.code == Some(0) || said.code == Some(2), "{}", said.stderr);
    let value: Value = serde_json::from_str(&said.stdout).unwrap();
    let told = |f: &Value| {
        format!("{} {} {}:{}", f["severity"].as_str().unwrap(), f["id"].as_str().unwrap(), f["line"], f["column"])
    };
    value["policies"][0]["findings"].as_array().unwrap().iter().map(told).collect()
}

const CONNECT: &str = r#"{"Effect": "Allow", "Action": "iot:Connect", "Resource": "ARN:client/${iot:Connection.Thing.ThingName}", "Condition": {"Bool": {"iot:Connection.Thing.IsAttached": "true"}}}"#;

#[test]
fn the_tutorials_publisher_receives_what_it_cannot_subscribe_to() {
    let folder = folder(&[]);
    let said = iotctl(
        &folder,
        &[
            "policy",
            "lint",
            "--template",
            "tutorial-publisher",
            "--thing",
            "simple-publishing",
            "--topic",
            "bme680/temperature",
        ],
    );
    insta::assert_snapshot!(said.stdout, @"
    tutorial-publisher:8:9: low: may receive what it may not subscribe to [receive-without-subscribe]
      `iot:Receive` is allowed, but `iot:Subscribe` on no topic, so it does nothing
      fix: allow `iot:Subscribe` on the same topics, or take `iot:Receive` out
    ");
    insta::assert_snapshot!(said.stderr, @"
    1 finding in 1 policy: 1 low
    why: iotctl policy lint --explain receive-without-subscribe
    ");
    assert_eq!(said.code, Some(0), "a low finding is no reason to stop a build");
}

#[test]
fn a_tutorial_style_pub_sub_policy_lets_any_device_in() {
    let text = policy(&[
        r#"{"Effect": "Allow", "Action": "iot:Connect", "Resource": "ARN:client/*"}"#,
        r#"{"Effect": "Allow", "Action": ["iot:Publish", "iot:Receive"], "Resource": "ARN:topic/bme680/*"}"#,
        r#"{"Effect": "Allow", "Action": "iot:Subscribe", "Resource": "ARN:topicfilter/bme680/#"}"#,
    ]);
    assert_eq!(found(&text), ["critical broad-connect 2:58"]);
}

#[test]
fn a_tutorial_style_shadow_policy_may_forge_the_answers_of_the_service() {
    let text = policy(&[
        r#"{"Effect": "Allow", "Action": "iot:Connect", "Resource": "ARN:client/simple-shadow"}"#,
        r#"{"Effect": "Allow", "Action": ["iot:Publish", "iot:Receive"], "Resource": "ARN:topic/$aws/things/simple-shadow/shadow/*"}"#,
        r#"{"Effect": "Allow", "Action": "iot:Subscribe", "Resource": "ARN:topicfilter/$aws/things/simple-shadow/shadow/*"}"#,
    ]);
    assert_eq!(found(&text), ["medium shadow-wildcard 3:75"]);
    let wide = text.replace("things/simple-shadow/", "things/*/");
    assert_eq!(found(&wide), ["critical broad-publish 3:75", "critical broad-subscribe 4:60"]);
}

#[test]
fn everything_on_everything_is_critical() {
    let everything = policy(&[r#"{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}"#]);
    let found = found(&everything);
    assert_eq!(
        found,
        ["broad-connect", "broad-publish", "broad-subscribe", "broad-thing-api"]
            .map(|id| format!("critical {id} 2:52"))
    );
}

#[test]
fn the_templates_that_serve_a_fleet_are_clean() {
    for template in ["sensor", "observer"] {
        let said = iotctl(&folder(&[]), &["policy", "lint", "--template", template, "--fail-on", "low"]);
        assert_eq!(
            (said.code, said.stdout.as_str(), said.stderr.as_str()),
            (Some(0), "", "✓ nothing found in 1 policy\n")
        );
    }
}

/// What the page "AWS IoT policies overly permissive" calls noncompliant and compliant, written anew.
#[test]
fn device_defenders_overly_permissive_policies_are_found_and_its_compliant_ones_are_not() {
    let with_connect = |action: &str, resource: &str| {
        found(&policy(&[
            CONNECT,
            &format!(r#"{{"Effect": "Allow", "Action": [{action}], "Resource": ["ARN:{resource}"]}}"#),
        ]))
    };
    let critical = |found: Vec<String>| {
        let all = found.into_iter().filter(|f| f.starts_with("critical"));
        all.map(|f| f.split(' ').nth(1).unwrap().to_owned()).collect::<Vec<_>>()
    };
    let shadow = r#""iot:DeleteThingShadow", "iot:GetThingShadow", "iotjobsdata:UpdateJobExecution""#;
    for (action, resource, rule) in [
        (r#""iot:Connect""#, "client/*", "broad-connect"),
        (r#""iot:Connect""#, "client/${iot:ClientId}", "broad-connect"),
        (r#""iot:Publish""#, "topic/$aws/things/*/shadow/update", "broad-publish"),
        (r#""iot:Publish""#, "topic/$aws/things/*", "broad-publish"),
        (r#""iot:Publish""#, "topic/*", "broad-publish"),
        (r#""iot:Publish""#, "topic/$aws/things/pump-*/shadow/update", "broad-publish"),
        (r#""iot:Subscribe""#, "topicfilter/$aws/things/*", "broad-subscribe"),
        (r#""iot:Subscribe""#, "topicfilter/$aws/things/#", "broad-subscribe"),
        (r#""iot:Subscribe""#, "topicfilter/$aws/things/+/shadow/update", "broad-subscribe"),
        (shadow, "thing/*", "broad-thing-api"),
    ] {
        assert_eq!(critical(with_connect(action, resource)), [rule], "{action} {resource}");
    }
    for (action, resource) in [
        (r#""iot:Publish""#, "topic/$aws/things/${iot:Connection.Thing.ThingName}/shadow/*"),
        (r#""iot:Subscribe""#, "topicfilter/$aws/things/${iot:Connection.Thing.ThingName}/shadow/*"),
        (r#""iot:Subscribe""#, "topicfilter/$aws/things/${iot:Connection.Thing.ThingName}/jobs/*"),
        (r#""iot:Receive""#, "topic/$aws/things/*"),
        (shadow, "thing/MyThing1"),
        (r#""iot:Publish""#, "topic/telemetry/*"),
    ] {
        assert!(critical(with_connect(action, resource)).is_empty(), "{action} {resource}");
    }
}

#[test]
fn a_deny_takes_back_what_would_be_too_much() {
    let allow = r#"{"Effect": "Allow", "Action": "iot:Publish", "Resource": "ARN:topic/*"}"#;
    let deny = r#"{"Effect": "Deny", "Action": "iot:Publish", "Resource": "ARN:topic/$aws/*"}"#;
    assert_eq!(found(&policy(&[CONNECT, allow])), ["critical broad-publish 3:58"]);
    assert!(found(&policy(&[CONNECT, allow, deny])).is_empty());
    let attached = r#"{"Effect": "Deny", "Action": "iot:Connect", "Resource": "*", "Condition": {"Bool": {"iot:Connection.Thing.IsAttached": "false"}}}"#;
    let anyone = r#"{"Effect": "Allow", "Action": "iot:Connect", "Resource": "ARN:client/*"}"#;
    assert_eq!(found(&policy(&[anyone])), ["critical broad-connect 2:58"]);
    assert!(found(&policy(&[anyone, attached])).is_empty());
}

#[test]
fn a_denied_filter_that_a_wider_one_walks_around_comes_with_that_filter() {
    let text = policy(&[
        CONNECT,
        r#"{"Effect": "Allow", "Action": "iot:Subscribe", "Resource": "ARN:topicfilter/building/*"}"#,
        r#"{"Effect": "Deny", "Action": "iot:Subscribe", "Resource": "ARN:topicfilter/building/control_room/*"}"#,
        r#"{"Effect": "Allow", "Action": "iot:Receive", "Resource": "ARN:topic/building/*"}"#,
    ]);
    let folder = folder(&[("p.json", &text), ("q.json", &text.replace("control_room/*", "control_room/#"))]);
    let said = iotctl(&folder, &["policy", "lint", "p.json", "q.json"]);
    insta::assert_snapshot!(said.stdout, @"
    p.json:4:59: medium: a wider filter receives what a Deny of iot:Subscribe was meant to stop [deny-filter-bypass]
      a client that subscribes to `building/#` receives what `topicfilter/building/control_room/*` denies
      shown by: iot:Subscribe on topicfilter/building/#, then iot:Receive on topic/building/control_room/x
      fix: add a Deny of `iot:Receive` on `topic/building/control_room/*`

    q.json:4:59: medium: a Deny uses `+` or `#`, which are plain characters in a policy [deny-mqtt-wildcard]
      `topicfilter/building/control_room/#` is taken as it stands: no other text is denied
      shown by: iot:Subscribe on topicfilter/building/control_room/x
      fix: write `topicfilter/building/control_room/*`
    ");
    assert_eq!(said.code, Some(2));
}

#[test]
fn fail_on_says_how_bad_it_must_be() {
    let text = policy(&[r#"{"Effect": "Allow", "Action": "iot:Connect", "Resource": "ARN:client/sensor-*"}"#]);
    let folder = folder(&[("p.json", &text)]);
    for (severity, code) in [("low", 2), ("medium", 2), ("high", 0), ("critical", 0)] {
        let said = iotctl(&folder, &["policy", "lint", "p.json", "--fail-on", severity]);
        assert_eq!(said.code, Some(code), "{severity}");
        assert!(said.stdout.starts_with("p.json:2:58: medium: several client ids may connect"), "{}", said.stdout);
    }
    let said = iotctl(&folder, &["policy", "lint", "p.json", "--fail-on", "awful"]);
    assert!(
        said.code == Some(64) && said.stderr.contains("they are low, medium, high and critical"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_rule_explains_itself() {
    let said = iotctl(&folder(&[]), &["policy", "lint", "--explain", "thing-name-without-attached"]);
    assert_eq!(said.code, Some(0));
    insta::assert_snapshot!(said.stdout, @r#"
    thing-name-without-attached (medium)
    a client connects by its thing's name, but nothing asks whether its certificate is attached to that thing

    Why: AWS pairs `client/${iot:Connection.Thing.ThingName}` with the condition `iot:Connection.Thing.IsAttached` in all its examples, and does not document what the name is worth without it.

    Fix: Add the condition that `iot:Connection.Thing.IsAttached` is `true`.

    Found:
    {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "iot:Connect", "Resource": "arn:aws:iot:us-east-1:123456789012:client/${iot:Connection.Thing.ThingName}"}
    ]}

    As it should be:
    {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "iot:Connect", "Resource": "arn:aws:iot:us-east-1:123456789012:client/${iot:Connection.Thing.ThingName}",
     "Condition": {"Bool": {"iot:Connection.Thing.IsAttached": "true"}}}
    ]}
    "#);
    let said = iotctl(&folder(&[]), &["policy", "lint", "--explain", "broad-connect", "-o", "json"]);
    let value: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(value["audit"], "IOT_POLICY_OVERLY_PERMISSIVE_CHECK, ALLOWS_BROAD_ACCESS_TO_IOT_DATA_PLANE_ACTIONS");
    let said = iotctl(&folder(&[]), &["policy", "lint", "--explain", "nonsense"]);
    assert!(said.code == Some(64) && said.stderr.contains("broad-connect"), "{}", said.stderr);
}

#[test]
fn sarif_says_rule_level_and_region() {
    let text = policy(&[CONNECT, r#"{"Effect": "Allow", "Action": "iot:Publish", "Resource": "ARN:topic/a/#"}"#]);
    let folder = folder(&[("a policy.json", &text)]);
    let said = iotctl(&folder, &["policy", "lint", "--sarif", "a policy.json"]);
    assert_eq!(said.code, Some(2));
    let log: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let result = &run["results"][0];
    assert_eq!((&result["ruleId"], &result["level"]), (&"mqtt-wildcard-in-topic".into(), &"error".into()));
    let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(run["tool"]["driver"]["rules"][index]["id"], "mqtt-wildcard-in-topic");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "a%20policy.json");
    assert_eq!((&place["region"]["startLine"], &place["region"]["startColumn"]), (&3.into(), &58.into()));
}

#[test]
fn a_policy_comes_from_a_pipe_too() {
    let text = policy(&[r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#]);
    let folder = folder(&[("p.json", &text.replace("ARN:", ""))]);
    let stdin = fs::File::open(folder.path().join("p.json")).unwrap();
    let said = super::run(super::sealed(folder.path(), &["policy", "lint", "-"]).stdin(stdin));
    assert!(said.code == Some(2) && said.stdout.starts_with("-:2:48: critical: "), "{}", said.stdout);
}

#[test]
fn what_is_no_policy_is_refused_with_its_place_by_every_verb() {
    let deep = format!("{{\"Version\":{}", "[".repeat(5000));
    let mega = format!("{{{}", " ".repeat(1 << 20));
    let unknown =
        policy(&[r#"{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringIs": {"a": "b"}}}"#]);
    for (text, sentence) in [
        ("no json", "policy `p.json`, line 1, column 2: expected ident"),
        (
            "{\"Version\": \"2012-10-17\",\n\"Statement\": 7}",
            "policy `p.json`, line 2, column 14: invalid type: integer `7`",
        ),
        (deep.as_str(), "policy `p.json`, line 1, column 11: invalid type: sequence, expected a string"),
        (mega.as_str(), "policy `p.json` has 1048577 characters; AWS IoT takes at most 404600"),
        (unknown.as_str(), "policy `p.json`, line 2, column 76: `StringIs` is not a condition operator"),
    ] {
        let suite = "[[policy]]\nfile = 'p.json'\n[[case]]\nname = 'x'\npacket = 'PUBLISH a'\nexpect = 'deny'\n";
        let folder = folder(&[("p.json", text), ("s.toml", suite)]);
        for verb in [
            &["policy", "lint", "p.json"][..],
            &["policy", "explain", "Publish", "a", "--policy", "p.json"],
            &["policy", "diff", "p.json", "p.json"],
            &["policy", "test", "s.toml"],
        ] {
            let said = iotctl(&folder, verb);
            assert_eq!(said.code, Some(65), "{verb:?}: {}", said.stderr);
            assert!(said.stderr.contains(sentence), "{verb:?}: {}", said.stderr);
            assert!(said.stdout.is_empty());
        }
    }
}
