//! `iotctl policy test`

use std::fs;

use serde_json::Value;

use super::{folder, iotctl, policy};

const SUITE: &str = r#"
[[policy]]
template = "sensor"

[device]
thing = "pump-7"

[[case]]
name = "connects as its own thing"
packet = "CONNECT"
expect = "allow"

[[case]]
name = "a certificate of no thing does not connect"
packet = "CONNECT"
as = { attached = "no" }
expect = "implicit-deny"

[[case]]
name = "publishes below its own name"
packet = "PUBLISH sensors/pump-7/temperature"
expect = "allow"

[[case]]
name = "retains nothing"
packet = "PUBLISH sensors/pump-7/temperature retain"
expect = "deny"

[[case]]
name = "reads its shadow"
action = "Subscribe"
resource = "$aws/things/pump-7/shadow/get/accepted"
expect = "allow"
"#;

#[test]
fn every_case_is_told() {
    let folder = folder(&[("pump.toml", SUITE)]);
    let said = iotctl(&folder, &["policy", "test", "pump.toml"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    insta::assert_snapshot!(said.stdout, @"
    ok   connects as its own thing
    ok   a certificate of no thing does not connect
    ok   publishes below its own name
    ok   retains nothing
    ok   reads its shadow
    ");
    assert_eq!(said.stderr, "✓ 5 cases passed\n");
}

#[test]
fn a_case_that_fails_is_explained() {
    let suite = SUITE.replace("PUBLISH sensors/pump-7/temperature\"", "PUBLISH sensors/pump-8/temperature\"");
    let folder = folder(&[("pump.toml", &suite)]);
    let said = iotctl(&folder, &["policy", "test", "pump.toml", "--junit", "report.xml"]);
    assert_eq!(said.code, Some(1));
    insta::assert_snapshot!(said.stdout, @r#"
    ok   connects as its own thing
    ok   a certificate of no thing does not connect
    FAIL publishes below its own name
         expected allow, but it is IMPLICIT_DENY
           denied: no statement allows `iot:Publish` on `arn:aws:iot:us-east-1:123456789012:topic/sensors/pump-8/temperature`
           statement 1 (`Publish`) of policy `sensor`: the action matches, but resource `topic/sensors/pump-8/temperature` differs from `topic/sensors/pump-7/*` (from `topic/sensors/${iot:Connection.Thing.ThingName}/*`) at `8/temperature`
           variables: `iot:Connection.Thing.ThingName` is `pump-7`
           this statement would allow exactly it: {"Effect":"Allow","Action":"iot:Publish","Resource":"arn:aws:iot:us-east-1:123456789012:topic/sensors/pump-8/temperature"}
    ok   retains nothing
    ok   reads its shadow
    "#);
    assert_eq!(said.stderr, "1 of 5 cases failed\n");
    insta::assert_snapshot!(fs::read_to_string(folder.path().join("report.xml")).unwrap(), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites tests="5" failures="1" errors="0">
      <testsuite name="pump.toml" tests="5" failures="1" errors="0">
        <testcase classname="pump.toml" name="connects as its own thing"/>
        <testcase classname="pump.toml" name="a certificate of no thing does not connect"/>
        <testcase classname="pump.toml" name="publishes below its own name">
          <failure type="decision" message="expected allow, but it is IMPLICIT_DENY">denied: no statement allows `iot:Publish` on `arn:aws:iot:us-east-1:123456789012:topic/sensors/pump-8/temperature`&#10;statement 1 (`Publish`) of policy `sensor`: the action matches, but resource `topic/sensors/pump-8/temperature` differs from `topic/sensors/pump-7/*` (from `topic/sensors/${iot:Connection.Thing.ThingName}/*`) at `8/temperature`&#10;variables: `iot:Connection.Thing.ThingName` is `pump-7`&#10;this statement would allow exactly it: {&quot;Effect&quot;:&quot;Allow&quot;,&quot;Action&quot;:&quot;iot:Publish&quot;,&quot;Resource&quot;:&quot;arn:aws:iot:us-east-1:123456789012:topic/sensors/pump-8/temperature&quot;}</failure>
        </testcase>
        <testcase classname="pump.toml" name="retains nothing"/>
        <testcase classname="pump.toml" name="reads its shadow"/>
      </testsuite>
    </testsuites>
    "#);
}

#[test]
fn a_program_gets_every_decision() {
    let folder = folder(&[("pump.toml", SUITE)]);
    let said = iotctl(&folder, &["policy", "test", "pump.toml", "-o", "json"]);
    let value: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!((&value["cases"], &value["failed"]), (&5.into(), &0.into()));
    assert_eq!(value["verdicts"][3]["decisions"][1]["request"]["action"], "iot:RetainPublish");
    assert_eq!(value["verdicts"][3]["outcome"], "IMPLICIT_DENY");
}

#[test]
fn policies_of_files_of_groups_and_of_the_command_line() {
    let open = policy(&[r#"{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}"#]);
    let group = policy(&[r#"{"Effect": "Deny", "Action": "iot:Publish", "Resource": "ARN:topic/orders/*"}"#]);
    let suite = "[[policy]]\nfile = 'open.json'\n[[policy]]\nfile = 'group.json'\ngroup = 'line22'\n\
        [device]\nthing = 'pump-7'\ngroups = ['line22']\n\
        [[case]]\nname = 'of the group'\npacket = 'PUBLISH orders/1'\nexpect = 'explicit-deny'\n\
        [[case]]\nname = 'of another name'\npacket = 'PUBLISH orders/1'\nas = { client_id = 'other' }\nexpect = 'allow'\n";
    let folder = folder(&[("open.json", &open), ("group.json", &group), ("s.toml", suite)]);
    let said = iotctl(&folder, &["policy", "test", "s.toml"]);
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
    let said = iotctl(&folder, &["policy", "test", "s.toml", "--policy", "open.json"]);
    assert!(said.code == Some(1) && said.stdout.starts_with("FAIL of the group\n"), "{}", said.stdout);
}

#[test]
fn a_suite_that_is_none_is_refused_with_its_place() {
    let folder = folder(&[("s.toml", "[[case]]\nname = 'x'\nexpect = 'perhaps'\n")]);
    let said = iotctl(&folder, &["policy", "test", "s.toml"]);
    assert_eq!(said.code, Some(65));
    assert!(
        said.stderr.starts_with("error: suite `s.toml`, line 3, column 10: unknown variant `perhaps`"),
        "{}",
        said.stderr
    );
}
