//! `iotctl policy explain`

use std::fs;

use serde_json::Value;

use super::{folder, iotctl, policy};

#[test]
fn a_denial_is_explained_with_the_statement_that_would_allow_it() {
    let said = iotctl(
        &folder(&[]),
        &["policy", "explain", "publish", "sensors/pump-8/temperature", "--template", "sensor", "--thing", "pump-7"],
    );
    assert_eq!(said.code, Some(5));
    insta::assert_snapshot!(said.stdout, @r#"
    asked by client `pump-7`, attached to thing `pump-7`; under `sensor`

    denied: no statement allows `iot:Publish` on `arn:aws:iot:us-east-1:123456789012:topic/sensors/pump-8/temperature`
    statement 1 (`Publish`) of policy `sensor`: the action matches, but resource `topic/sensors/pump-8/temperature` differs from `topic/sensors/pump-7/*` (from `topic/sensors/${iot:Connection.Thing.ThingName}/*`) at `8/temperature`
    variables: `iot:Connection.Thing.ThingName` is `pump-7`
    this statement would allow exactly it: {"Effect":"Allow","Action":"iot:Publish","Resource":"arn:aws:iot:us-east-1:123456789012:topic/sensors/pump-8/temperature"}
    "#);
    assert_eq!(said.stderr, "");
}

#[test]
fn what_is_allowed_names_the_statement_that_allows_it() {
    let said =
        iotctl(&folder(&[]), &["policy", "explain", "Connect", "pump-7", "--template", "sensor", "--thing", "pump-7"]);
    assert_eq!(said.code, Some(0));
    insta::assert_snapshot!(said.stdout, @"
    asked by client `pump-7`, attached to thing `pump-7`; under `sensor`

    allowed: `iot:Connect` on `arn:aws:iot:us-east-1:123456789012:client/pump-7`, by statement 0 (`Connect`) of policy `sensor`
    ");
}

#[test]
fn a_stranger_is_denied_by_the_condition() {
    let said = iotctl(
        &folder(&[]),
        &[
            "policy",
            "explain",
            "Connect",
            "pump-7",
            "--template",
            "sensor",
            "--thing",
            "pump-7",
            "--attached",
            "no",
            "-o",
            "json",
        ],
    );
    assert_eq!(said.code, Some(5));
    let value: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(value["decision"]["outcome"], "IMPLICIT_DENY");
    assert_eq!(value["decision"]["variables"]["iot:Connection.Thing.IsAttached"], "false");
    assert_eq!(value["decision"]["suggestion"]["Resource"], "arn:aws:iot:us-east-1:123456789012:client/pump-7");
}

#[test]
fn facts_of_the_connection_come_from_flags() {
    let text = policy(&[
        r#"{"Effect": "Allow", "Action": "iot:Publish", "Resource": "ARN:topic/${iot:Certificate.Subject.CommonName}/${iot:Connection.Thing.Attributes[site]}", "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}, "StringEquals": {"iot:DomainName": "h", "iot:Connection.Thing.ThingTypeName": "pump"}, "ForAllValues:StringEquals": {"iot:ConnectAttributes": ["PersistentConnect", "LastWill"]}}}"#,
    ]);
    let folder = folder(&[("p.json", &text)]);
    let all = [
        "policy",
        "explain",
        "Publish",
        "cn/plant1",
        "--policy",
        "p.json",
        "--thing",
        "t",
        "--thing-type",
        "pump",
        "--attribute",
        "site=plant1",
        "--certificate",
        "Subject.CommonName=cn",
        "--source-ip",
        "10.1.2.3",
        "--domain-name",
        "h",
        "--persistent",
        "--will",
        "gone",
    ];
    assert_eq!(iotctl(&folder, &all).code, Some(0));
    let elsewhere: Vec<&str> = all.iter().map(|word| if *word == "10.1.2.3" { "192.0.2.1" } else { word }).collect();
    let said = iotctl(&folder, &elsewhere);
    assert!(said.code == Some(5) && said.stdout.contains("it is `192.0.2.1`"), "{}", said.stdout);
    let over_http = [&all[..], &["--http"]].concat();
    assert!(iotctl(&folder, &over_http).stdout.contains("over HTTP"));
}

#[test]
fn a_bundle_says_who_asks_and_where() {
    let manifest = r#"{"schema": 1, "state": "ready", "thing": "pump-7", "client_id": "pump-7",
        "endpoint": "abc-ats.iot.eu-west-1.amazonaws.com", "port": 8883, "region": "eu-west-1",
        "account": "210987654321", "certificate_id": null, "certificate_arn": null, "policy": "p",
        "topics": [], "key": "local", "files": {}, "made_by": "test"}"#;
    let text = policy(&[
        r#"{"Effect": "Allow", "Action": "iot:Publish", "Resource": "arn:aws:iot:eu-west-1:210987654321:topic/${iot:Connection.Thing.ThingName}/*", "Condition": {"StringLike": {"iot:DomainName": "*.eu-west-1.*"}}}"#,
    ]);
    let folder = folder(&[]);
    let bundle = folder.path().join("certs/pump-7");
    fs::create_dir_all(&bundle).unwrap();
    fs::write(bundle.join("bundle.json"), manifest).unwrap();
    fs::write(bundle.join("policy.json"), text).unwrap();
    for which in [&["--bundle", "certs/pump-7"][..], &["--bundle", "certs"]] {
        let said = iotctl(&folder, &[&["policy", "explain", "Publish", "pump-7/x"], which].concat());
        assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
        assert!(said.stdout.contains("topic/pump-7/x`, by statement 0 of policy"), "{}", said.stdout);
    }
    let said = iotctl(&folder, &["policy", "explain", "Publish", "pump-7/x", "--bundle", "certs", "--client-id", "x"]);
    assert_eq!(said.code, Some(5));
}

#[test]
fn who_connects_is_who_the_resource_names() {
    let text = policy(&[r#"{"Effect": "Allow", "Action": "iot:Connect", "Resource": "ARN:client/${iot:ClientId}"}"#]);
    let folder = folder(&[("p.json", &text)]);
    for resource in ["pump-7", "client/pump-7", "arn:aws:iot:us-east-1:123456789012:client/pump-7"] {
        let said = iotctl(&folder, &["policy", "explain", "Connect", resource, "--policy", "p.json"]);
        assert_eq!(said.code, Some(0), "{}", said.stdout);
        assert!(said.stdout.starts_with("asked by client `pump-7`, attached to no thing"), "{}", said.stdout);
    }
}

#[test]
fn an_action_that_is_none_is_refused() {
    let said = iotctl(&folder(&[]), &["policy", "explain", "iot:CreateThing", "x", "--template", "sensor"]);
    assert_eq!(said.code, Some(64));
    assert!(said.stderr.starts_with("error: `iot:CreateThing` is no action of AWS IoT policies\n"), "{}", said.stderr);
    assert_eq!(iotctl(&folder(&[]), &["policy", "explain", "Publish", "x"]).code, Some(64));
}
