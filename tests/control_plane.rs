//! The control plane of `iotctl local` over plain HTTP: AWS's refusals by name, status and message, and its pages.
//!
//! `tests/peers/` drives the same with boto3 and the AWS CLI; this needs nothing but Rust.
#![cfg(all(feature = "control", feature = "local"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

#[path = "world/world.rs"]
mod world;

use iotctl::pki::key::PrivateKey;
use serde_json::{Value, json};
use world::World;

const ACCOUNT: &str = "arn:aws:iot:us-east-1:123456789012";

/// A call that must succeed.
fn ok(world: &World, method: &str, path: &str, body: Value) -> Value {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let (status, answer) = world.call(method, path, "", &body);
    assert_eq!(status, 200, "{method} {path}: {answer}");
    answer
}

/// A call that must be refused by this exception, with this in its message.
fn refused(world: &World, method: &str, path: &str, body: Value, exception: &str, status: u16, message: &str) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    refused_text(world, method, path, &body, exception, status, message);
}

fn refused_text(world: &World, method: &str, path: &str, body: &str, exception: &str, status: u16, message: &str) {
    let headers = format!("Host: {}\r\nAuthorization: AWS4-HMAC-SHA256 test\r\n", world.control_plane);
    let (found, head, answer) = world.exchange(method, path, &headers, body);
    assert_eq!(found, status, "{method} {path}: {answer}");
    assert!(head.to_lowercase().contains(&format!("x-amzn-errortype: {}", exception.to_lowercase())), "{head}");
    assert!(answer["message"].as_str().unwrap().contains(message), "{method} {path}: {answer}");
}

fn csr() -> Value {
    json!({"certificateSigningRequest": PrivateKey::generate().unwrap().csr("pump-7").unwrap()})
}

fn certificate(world: &World) -> (String, String) {
    let made = ok(world, "POST", "/certificates", csr());
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("certificateId"), text("certificateArn"))
}

fn policy(statement: &str) -> Value {
    json!({"policyDocument": format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#)})
}

fn connect_everywhere() -> Value {
    policy(r#"{"Effect":"Allow","Action":"iot:Connect","Resource":"*"}"#)
}

#[test]
fn a_value_that_is_out_of_bounds_is_named_with_its_bound() {
    let world = World::start();
    let invalid = |method: &str, path: &str, body: Value, message: &str| {
        refused(&world, method, path, body, "InvalidRequestException", 400, message);
    };
    invalid("POST", "/things/a%20b", json!({}), "'a b' at 'thingName' failed to satisfy constraint");
    invalid("POST", "/things/a%20b", json!({}), "regular expression pattern: [a-zA-Z0-9:_-]+");
    invalid("POST", &format!("/things/{}", "x".repeat(129)), json!({}), "length less than or equal to 128");
    invalid("POST", "/things/a", json!({"thingTypeName": 7}), "'thingTypeName' must be of type string");
    let attribute = |name: &str, value: &str| json!({"attributePayload": {"attributes": {name: value}}});
    invalid("POST", "/things/a", attribute("a b", "1"), "'a b' at 'attributePayload.attributes'");
    invalid("POST", "/things/a", attribute("a", "with space"), "'with space' at 'attributePayload.attributes.a'");
    invalid("GET", "/things?maxResults=0", Value::Null, "value greater than or equal to 1");
    invalid("GET", "/things?maxResults=251", Value::Null, "value less than or equal to 250");
    invalid("GET", "/things?maxResults=many", Value::Null, "must be of type integer");
    invalid("PUT", "/certificates/abc?newStatus=ACTIVE", Value::Null, "length greater than or equal to 64");
    invalid(
        "POST",
        "/certificates",
        json!({}),
        "'certificateSigningRequest' failed to satisfy constraint: Member must not be null",
    );
    invalid("GET", "/endpoint?endpointType=nonsense", Value::Null, "no endpoint of type nonsense");
    invalid("PUT", "/things/a/principals", Value::Null, "at 'principal' failed to satisfy constraint");
}

#[test]
fn a_body_that_is_no_object_is_refused_and_nothing_is_made() {
    let world = World::start();
    for (body, message) in [
        ("{", "is not JSON"),
        ("[]", "must be a JSON object"),
        ("\"text\"", "must be a JSON object"),
        ("{\"attributePayload\": []}", "'attributePayload' must be of type structure"),
        ("{\"attributePayload\": {\"merge\": \"yes\"}}", "'attributePayload.merge' must be of type boolean"),
    ] {
        refused_text(&world, "POST", "/things/pump-7", body, "InvalidRequestException", 400, message);
    }
    let huge = format!("{{\"x\": \"{}\"}}", "x".repeat(3 * 1024 * 1024));
    refused_text(&world, "POST", "/things/pump-7", &huge, "InvalidRequestException", 400, "more than");
    assert_eq!(ok(&world, "GET", "/things", Value::Null)["things"], json!([]));
}

#[test]
fn only_programs_of_this_machine_with_credentials_are_answered() {
    let world = World::start();
    let host = format!("Host: {}\r\n", world.control_plane);
    let (status, head, answer) = world.exchange("GET", "/things", &host, "");
    assert_eq!((status, &answer["message"]), (403, &json!("Missing Authentication Token")));
    assert!(head.contains("MissingAuthenticationTokenException"), "{head}");
    let (status, _, _) = world.exchange("GET", "/things", "Host: evil.example\r\nAuthorization: x\r\n", "");
    assert_eq!(status, 403);
    let (status, _, about) = world.exchange("GET", "/_iotctl/local", &host, "");
    assert_eq!((status, about["mqtt_port"].as_u64()), (200, Some(world.mqtt_port.into())));
    let (status, _, _) = world.exchange("GET", "/_iotctl/local", "Host: evil.example\r\n", "");
    assert_eq!(status, 403, "a page elsewhere must not learn of us");
}

#[test]
fn what_aws_has_and_the_stand_in_has_not_is_said_by_name() {
    let world = World::start();
    refused(&world, "GET", "/jobs", Value::Null, "NotImplementedException", 501, "the operation ListJobs yet");
    refused(&world, "PUT", "/jobs/j", json!({}), "NotImplementedException", 501, "CreateJob");
    refused(&world, "GET", "/no-such-path", Value::Null, "UnknownOperationException", 404, "GET /no-such-path");
    refused(
        &world,
        "POST",
        "/things/a",
        json!({"billingGroupName": "b"}),
        "InvalidRequestException",
        400,
        "billing groups",
    );
}

#[test]
fn a_thing_is_made_once_and_changed_by_version() {
    let world = World::start();
    let wanted = json!({"attributePayload": {"attributes": {"site": "plant1", "line": "22", "empty": ""}}});
    let made = ok(&world, "POST", "/things/pump-7", wanted.clone());
    assert_eq!(made["thingArn"], format!("{ACCOUNT}:thing/pump-7"));
    assert_eq!(ok(&world, "POST", "/things/pump-7", wanted), made, "the same again is the same");
    let other = json!({"attributePayload": {"attributes": {"site": "plant2"}}});
    refused(&world, "POST", "/things/pump-7", other, "ResourceAlreadyExistsException", 409, "already exists");
    let merge =
        json!({"attributePayload": {"attributes": {"line": "", "new": "1"}, "merge": true}, "expectedVersion": 1});
    ok(&world, "PATCH", "/things/pump-7", merge.clone());
    refused(&world, "PATCH", "/things/pump-7", merge, "VersionConflictException", 409, "is 2, not the expected 1");
    let thing = ok(&world, "GET", "/things/pump-7", Value::Null);
    assert_eq!((&thing["attributes"], &thing["version"]), (&json!({"site": "plant1", "new": "1"}), &json!(2)));
    assert_eq!(thing.get("thingTypeName"), None, "what has no value is not there");
    ok(&world, "PATCH", "/things/pump-7", json!({"attributePayload": {"attributes": {"only": "this"}}}));
    assert_eq!(ok(&world, "GET", "/things/pump-7", Value::Null)["attributes"], json!({"only": "this"}), "replaced");
    refused(&world, "DELETE", "/things/pump-7?expectedVersion=1", Value::Null, "VersionConflictException", 409, "is 3");
    ok(&world, "DELETE", "/things/pump-7", Value::Null);
    ok(&world, "DELETE", "/things/pump-7", Value::Null);
    refused(&world, "GET", "/things/pump-7", Value::Null, "ResourceNotFoundException", 404, "pump-7");
}

#[test]
fn a_type_lifts_the_limit_of_attributes_and_keeps_its_things() {
    let world = World::start();
    let attributes = |count: usize| {
        let all: serde_json::Map<_, _> = (0..count).map(|n| (format!("a{n}"), json!("1"))).collect();
        json!({"attributes": all})
    };
    let typed = |count| json!({"thingTypeName": "pump", "attributePayload": attributes(count)});
    refused(&world, "POST", "/things/x", typed(1), "ResourceNotFoundException", 404, "pump");
    ok(&world, "POST", "/thing-types/pump", json!({"thingTypeProperties": {"thingTypeDescription": "moves water"}}));
    ok(&world, "POST", "/thing-types/pump", json!({"thingTypeProperties": {"thingTypeDescription": "moves water"}}));
    refused(&world, "POST", "/thing-types/pump", json!({}), "ResourceAlreadyExistsException", 409, "pump");
    ok(&world, "POST", "/things/x", typed(50));
    refused(&world, "POST", "/things/y", typed(51), "InvalidRequestException", 400, "51 attributes");
    let four = json!({"attributePayload": attributes(4)});
    refused(&world, "POST", "/things/z", four, "InvalidRequestException", 400, "at most 3 are allowed without");
    let untyped = json!({"removeThingType": true});
    refused(&world, "PATCH", "/things/x", untyped, "InvalidRequestException", 400, "50 attributes");
    ok(&world, "POST", "/thing-types/pump/deprecate", json!({}));
    refused(
        &world,
        "POST",
        "/things/w",
        json!({"thingTypeName": "pump"}),
        "InvalidRequestException",
        400,
        "deprecated",
    );
    refused(&world, "DELETE", "/thing-types/pump", Value::Null, "InvalidRequestException", 400, "wait for 5 minutes");
    let shown = ok(&world, "GET", "/thing-types/pump", Value::Null);
    assert_eq!(shown["thingTypeMetadata"]["deprecated"], true);
}

#[test]
fn what_is_left_out_is_the_same_as_what_is_empty() {
    let world = World::start();
    for (path, properties) in
        [("/thing-types/pump", "thingTypeProperties"), ("/thing-groups/g", "thingGroupProperties")]
    {
        let made = ok(&world, "POST", path, json!({}));
        assert_eq!(ok(&world, "POST", path, json!({properties: {}})), made, "{path}");
    }
    let payload = json!({"attributePayload": {"attributes": {"floor": "1", "none": ""}, "merge": true}});
    ok(&world, "POST", "/thing-groups/h", json!({"thingGroupProperties": payload}));
    let shown = ok(&world, "GET", "/thing-groups/h", Value::Null);
    assert_eq!(shown["thingGroupProperties"], json!({"attributePayload": {"attributes": {"floor": "1"}}}));
}

#[test]
fn a_type_has_three_searchable_attributes_and_a_group_a_hundred_children() {
    let world = World::start();
    let searchable = json!({"thingTypeProperties": {"searchableAttributes": ["a", "b", "c", "d"]}});
    refused(&world, "POST", "/thing-types/s", searchable, "InvalidRequestException", 400, "at most 3 searchable");
    ok(&world, "POST", "/thing-groups/top", json!({}));
    for number in 0..100 {
        ok(&world, "POST", &format!("/thing-groups/g{number}"), json!({"parentGroupName": "top"}));
    }
    let one_more = json!({"parentGroupName": "top"});
    refused(&world, "POST", "/thing-groups/more", one_more, "InvalidRequestException", 400, "100 child groups");
}

#[test]
fn groups_stand_in_trees_and_a_thing_in_each_tree_once() {
    let world = World::start();
    ok(&world, "POST", "/things/pump-7", json!({}));
    for (name, parent) in [("plant1", ""), ("line22", "plant1"), ("line23", "plant1"), ("other", "")] {
        let body = if parent.is_empty() { json!({}) } else { json!({"parentGroupName": parent}) };
        ok(&world, "POST", &format!("/thing-groups/{name}"), body);
    }
    let member = |group: &str| json!({"thingGroupName": group, "thingName": "pump-7"});
    ok(&world, "PUT", "/thing-groups/addThingToThingGroup", member("line22"));
    ok(&world, "PUT", "/thing-groups/addThingToThingGroup", member("other"));
    let clash = member("line23");
    let path = "/thing-groups/addThingToThingGroup";
    refused(&world, "PUT", path, clash, "InvalidRequestException", 400, "shares an ancestor");
    refused(&world, "PUT", path, member("none"), "ResourceNotFoundException", 404, "none");
    let by_arn =
        json!({"thingGroupArn": format!("{ACCOUNT}:thinggroup/other"), "thingArn": format!("{ACCOUNT}:thing/pump-7")});
    ok(&world, "PUT", "/thing-groups/removeThingFromThingGroup", by_arn);
    let names = |answer: &Value| -> Vec<String> {
        let all = answer["thingGroups"].as_array().unwrap();
        all.iter().map(|group| group["groupName"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&ok(&world, "GET", "/things/pump-7/thing-groups", Value::Null)), ["line22"]);
    assert_eq!(names(&ok(&world, "GET", "/thing-groups?parentGroup=plant1", Value::Null)), ["line22", "line23"]);
    assert_eq!(names(&ok(&world, "GET", "/thing-groups?recursive=false", Value::Null)), ["other", "plant1"]);
    let things = ok(&world, "GET", "/thing-groups/plant1/things?recursive=true", Value::Null);
    assert_eq!(things["things"], json!(["pump-7"]));
    assert_eq!(ok(&world, "GET", "/thing-groups/plant1/things", Value::Null)["things"], json!([]));
    let children = "still child groups";
    refused(&world, "DELETE", "/thing-groups/plant1", Value::Null, "InvalidRequestException", 400, children);
    ok(&world, "DELETE", "/thing-groups/line22", Value::Null);
    assert_eq!(ok(&world, "GET", "/things/pump-7/thing-groups", Value::Null)["thingGroups"], json!([]));
}

#[test]
fn eight_levels_of_groups_are_one_too_many() {
    let world = World::start();
    ok(&world, "POST", "/thing-groups/g1", json!({}));
    for level in 2..=7 {
        let parent = format!("g{}", level - 1);
        ok(&world, "POST", &format!("/thing-groups/g{level}"), json!({"parentGroupName": parent}));
    }
    let eighth = json!({"parentGroupName": "g7"});
    refused(&world, "POST", "/thing-groups/g8", eighth, "InvalidRequestException", 400, "at most 7 levels");
}

#[test]
fn a_policy_is_checked_when_it_is_stored() {
    let world = World::start();
    let malformed = |body: Value, message: &str| {
        refused(&world, "POST", "/policies/p", body, "MalformedPolicyException", 400, message);
    };
    malformed(json!({"policyDocument": "hello"}), "line 1, column 1");
    malformed(policy(r#"{"Effect":"Maybe","Action":"iot:Connect","Resource":"*"}"#), "Maybe");
    malformed(
        policy(&format!(r#"{{"Effect":"Allow","Action":"iot:Connect","Resource":"{}"}}"#, "x".repeat(2048))),
        "2048",
    );
    ok(&world, "POST", "/policies/p", connect_everywhere());
    let taken = "Policy cannot be created - name already exists (name=p)";
    refused(&world, "POST", "/policies/p", connect_everywhere(), "ResourceAlreadyExistsException", 409, taken);
}

#[test]
fn tags_come_with_a_create_call_or_later_and_go_with_what_they_are_on() {
    let world = World::start();
    let tag = |key: &str, value: &str| json!({"Key": key, "Value": value});
    let mut wanted = connect_everywhere();
    wanted["tags"] = json!([tag("team", "pumps"), tag("team", "valves")]);
    refused(&world, "POST", "/policies/p", wanted.clone(), "InvalidRequestException", 400, "stands twice");
    wanted["tags"] = json!([tag("team", "pumps")]);
    ok(&world, "POST", "/policies/p", wanted.clone());
    let arn = format!("{ACCOUNT}:policy/p");
    let tags = || ok(&world, "GET", &format!("/tags?resourceArn={arn}"), Value::Null)["tags"].clone();
    assert_eq!(tags(), json!([tag("team", "pumps")]));
    ok(&world, "POST", "/tags", json!({"resourceArn": arn, "tags": [tag("team", "valves"), tag("cost", "")]}));
    assert_eq!(tags(), json!([tag("cost", ""), tag("team", "valves")]));
    let many: Vec<Value> = (0..49).map(|number| tag(&format!("k{number}"), "")).collect();
    let many = json!({"resourceArn": arn, "tags": many});
    refused(&world, "POST", "/tags", many, "LimitExceededException", 410, "at most 50 tags");
    ok(&world, "POST", "/untag", json!({"resourceArn": arn, "tagKeys": ["team", "none"]}));
    assert_eq!(tags(), json!([tag("cost", "")]));
    ok(&world, "DELETE", "/policies/p", Value::Null);
    let gone = format!("/tags?resourceArn={arn}");
    refused(&world, "GET", &gone, Value::Null, "ResourceNotFoundException", 404, "policy/p");
    ok(&world, "POST", "/policies/p", connect_everywhere());
    assert_eq!(tags(), json!([]), "the policy of that name before is forgotten");
    ok(&world, "POST", "/things/pump-7", json!({}));
    let thing = json!({"resourceArn": format!("{ACCOUNT}:thing/pump-7"), "tags": [tag("a", "b")]});
    refused(&world, "POST", "/tags", thing, "InvalidRequestException", 400, "nothing of this account that has tags");
}

#[test]
fn versions_of_a_policy_are_five_and_never_numbered_twice() {
    let world = World::start();
    ok(&world, "POST", "/policies/p", connect_everywhere());
    for number in 2..=5 {
        let made = ok(&world, "POST", "/policies/p/version?setAsDefault=true", connect_everywhere());
        assert_eq!(made["policyVersionId"], number.to_string());
    }
    let sixth = "maximum number of versions";
    refused(&world, "POST", "/policies/p/version", connect_everywhere(), "VersionsLimitExceededException", 409, sixth);
    refused(&world, "DELETE", "/policies/p/version/5", Value::Null, "DeleteConflictException", 409, "default version");
    ok(&world, "DELETE", "/policies/p/version/2", Value::Null);
    refused(&world, "GET", "/policies/p/version/2", Value::Null, "ResourceNotFoundException", 404, "no version 2");
    assert_eq!(ok(&world, "POST", "/policies/p/version", connect_everywhere())["policyVersionId"], "6");
    ok(&world, "PATCH", "/policies/p/version/1", Value::Null);
    assert_eq!(ok(&world, "GET", "/policies/p", Value::Null)["defaultVersionId"], "1");
    let listed = ok(&world, "GET", "/policies/p/version", Value::Null);
    let ids: Vec<_> = listed["policyVersions"].as_array().unwrap().iter().map(|v| v["versionId"].clone()).collect();
    assert_eq!(ids, ["6", "5", "4", "3", "1"]);
    refused(&world, "DELETE", "/policies/p", Value::Null, "DeleteConflictException", 409, "policy versions");
}

#[test]
fn ten_policies_fit_on_a_certificate_and_two_on_a_group() {
    let world = World::start();
    let (_, arn) = certificate(&world);
    ok(&world, "POST", "/thing-groups/g", json!({}));
    for number in 0..11 {
        ok(&world, "POST", &format!("/policies/p{number}"), connect_everywhere());
    }
    let attach = |number: usize, target: &str| (format!("/target-policies/p{number}"), json!({"target": target}));
    let group = format!("{ACCOUNT}:thinggroup/g");
    for (target, most) in [(arn.as_str(), 10), (group.as_str(), 2)] {
        for number in 0..most {
            let (path, body) = attach(number, target);
            ok(&world, "PUT", &path, body);
        }
        let (path, body) = attach(10, target);
        refused(&world, "PUT", &path, body, "LimitExceededException", 410, &format!("has {most} policies"));
    }
    let both = ok(&world, "POST", "/policy-targets/p0", Value::Null);
    assert_eq!(both["targets"], json!([arn, group]));
    for target in ["cert/none", "thing/a", "thinggroup/none", "topic/x"] {
        let (path, body) = attach(0, &format!("{ACCOUNT}:{target}"));
        assert_ne!(world.call("PUT", &path, "", &body.to_string()).0, 200, "{target}");
    }
    let (path, body) = attach(0, &arn.replace("123456789012", "999999999999"));
    refused(&world, "PUT", &path, body, "InvalidRequestException", 400, "of this account and region");
}

#[test]
fn a_certificate_goes_when_nothing_holds_it() {
    let world = World::start();
    let (id, arn) = certificate(&world);
    let principal = format!("x-amzn-principal: {arn}\r\n");
    ok(&world, "POST", "/things/pump-7", json!({}));
    ok(&world, "POST", "/policies/p", connect_everywhere());
    ok(&world, "PUT", "/target-policies/p", json!({"target": arn}));
    assert_eq!(world.call("PUT", "/things/pump-7/principals", &principal, "").0, 200);
    ok(&world, "PUT", &format!("/certificates/{id}?newStatus=ACTIVE"), Value::Null);
    let delete = |exception: &str, status: u16, message: &str| {
        refused(&world, "DELETE", &format!("/certificates/{id}"), Value::Null, exception, status, message);
    };
    delete("CertificateStateException", 406, "must be deactivated");
    refused(&world, "DELETE", "/things/pump-7", Value::Null, "InvalidRequestException", 400, "still attached");
    refused(&world, "DELETE", "/policies/p", Value::Null, "DeleteConflictException", 409, "attached to one or more");
    ok(&world, "PUT", &format!("/certificates/{id}?newStatus=REVOKED"), Value::Null);
    delete("DeleteConflictException", 409, "policies must be detached");
    ok(&world, "POST", "/target-policies/p", json!({"target": arn}));
    delete("DeleteConflictException", 409, "Things must be detached");
    assert_eq!(world.call("DELETE", "/things/pump-7/principals", &principal, "").0, 200);
    ok(&world, "DELETE", &format!("/certificates/{id}"), Value::Null);
    refused(&world, "GET", &format!("/certificates/{id}"), Value::Null, "ResourceNotFoundException", 404, &id);
    for status in ["PENDING_TRANSFER", "REGISTER_INACTIVE", "PENDING_ACTIVATION"] {
        let (other, _) = certificate(&world);
        let path = format!("/certificates/{other}?newStatus={status}");
        refused(&world, "PUT", &path, Value::Null, "InvalidRequestException", 400, status);
    }
}

#[test]
fn an_exclusive_attachment_stands_alone() {
    let world = World::start();
    let (_, arn) = certificate(&world);
    let principal = format!("x-amzn-principal: {arn}\r\n");
    for thing in ["a", "b"] {
        ok(&world, "POST", &format!("/things/{thing}"), json!({}));
    }
    let attach = |thing: &str, kind: &str| {
        world.call("PUT", &format!("/things/{thing}/principals?thingPrincipalType={kind}"), &principal, "").0
    };
    assert_eq!(attach("a", "EXCLUSIVE_THING"), 200);
    assert_eq!(attach("a", "EXCLUSIVE_THING"), 200, "again is no error");
    assert_eq!(attach("b", "NON_EXCLUSIVE_THING"), 400);
    assert_eq!(attach("b", "EXCLUSIVE_THING"), 400);
    assert_eq!(attach("b", "SOMETHING"), 400);
    let listed = world.call("GET", "/principals/things-v2", &principal, "").1;
    let wanted = json!([{"thingName": "a", "thingPrincipalType": "EXCLUSIVE_THING"}]);
    assert_eq!(listed["principalThingObjects"], wanted);
    let none = ok(&world, "GET", "/things/a/principals-v2?thingPrincipalType=NON_EXCLUSIVE_THING", Value::Null);
    assert_eq!(none["thingPrincipalObjects"], json!([]));
}

#[test]
fn both_styles_of_pages_hold_every_item_once() {
    let world = World::start();
    let mut certificates = Vec::new();
    for number in 0..5 {
        ok(&world, "POST", &format!("/things/t{number}"), json!({}));
        certificates.push(certificate(&world).0);
    }
    certificates.reverse();
    let walk = |path: &str, list: &str, size: &str, token: &str, next: &str, field: &str| {
        let (mut found, mut more) = (Vec::new(), String::new());
        loop {
            let page = ok(&world, "GET", &format!("{path}?{size}=2{more}"), Value::Null);
            let items = page[list].as_array().unwrap();
            assert!(items.len() <= 2);
            found.extend(items.iter().map(|item| item[field].as_str().unwrap().to_owned()));
            match page[next].as_str() {
                Some(at) => more = format!("&{token}={at}"),
                None => return found,
            }
        }
    };
    let things = walk("/things", "things", "maxResults", "nextToken", "nextToken", "thingName");
    assert_eq!(things, ["t0", "t1", "t2", "t3", "t4"]);
    let newest_first = walk("/certificates", "certificates", "pageSize", "marker", "nextMarker", "certificateId");
    assert_eq!(newest_first, certificates);
    refused(&world, "GET", "/things?nextToken=zz", Value::Null, "InvalidRequestException", 400, "Invalid nextToken");
}

#[test]
fn a_page_goes_on_where_the_last_one_ended_although_its_item_is_gone() {
    let world = World::start();
    for number in 0..4 {
        ok(&world, "POST", &format!("/things/t{number}"), json!({}));
    }
    let first = ok(&world, "GET", "/things?maxResults=2", Value::Null);
    ok(&world, "DELETE", "/things/t1", Value::Null);
    let token = first["nextToken"].as_str().unwrap();
    let second = ok(&world, "GET", &format!("/things?maxResults=2&nextToken={token}"), Value::Null);
    let names: Vec<_> = second["things"].as_array().unwrap().iter().map(|t| t["thingName"].clone()).collect();
    assert_eq!(names, ["t2", "t3"]);
}

#[test]
fn lists_by_age_go_both_ways_and_deleting_page_by_page_skips_nothing() {
    let world = World::start();
    let oldest_first: Vec<String> = (0..9).map(|_| certificate(&world).0).collect();
    let newest_first: Vec<String> = oldest_first.iter().rev().cloned().collect();
    for (order, wanted) in
        [("", &newest_first), ("?isAscendingOrder=false", &newest_first), ("?isAscendingOrder=true", &oldest_first)]
    {
        let all = ok(&world, "GET", &format!("/certificates{order}"), Value::Null);
        let ids = all["certificates"].as_array().unwrap().iter().map(|c| c["certificateId"].as_str().unwrap());
        assert_eq!(&ids.collect::<Vec<_>>(), wanted, "{order}");
    }
    for name in ["b", "a"] {
        ok(&world, "POST", &format!("/policies/{name}"), connect_everywhere());
    }
    let policies = ok(&world, "GET", "/policies?isAscendingOrder=true&pageSize=1", Value::Null);
    assert_eq!(policies["policies"][0]["policyName"], "b", "by age, not by name");
    let (mut seen, mut marker) = (0, String::new());
    loop {
        let page = ok(&world, "GET", &format!("/certificates?pageSize=2{marker}"), Value::Null);
        for item in page["certificates"].as_array().unwrap() {
            ok(&world, "DELETE", &format!("/certificates/{}", item["certificateId"].as_str().unwrap()), Value::Null);
            seen += 1;
        }
        let Some(next) = page["nextMarker"].as_str() else { break };
        marker = format!("&marker={next}");
    }
    assert_eq!(seen, oldest_first.len());
}

#[test]
fn group_policies_count_where_the_client_id_is_the_thing() {
    let world = World::start();
    let (_, arn) = certificate(&world);
    let principal = format!("x-amzn-principal: {arn}\r\n");
    ok(&world, "POST", "/things/pump-7", json!({}));
    ok(&world, "POST", "/thing-groups/g", json!({}));
    ok(&world, "PUT", "/thing-groups/addThingToThingGroup", json!({"thingGroupName": "g", "thingName": "pump-7"}));
    assert_eq!(world.call("PUT", "/things/pump-7/principals", &principal, "").0, 200);
    ok(&world, "POST", "/policies/of-group", policy(r#"{"Effect":"Allow","Action":"iot:Publish","Resource":"*"}"#));
    ok(&world, "PUT", "/target-policies/of-group", json!({"target": format!("{ACCOUNT}:thinggroup/g")}));
    let ask = json!({"principal": arn, "authInfos": [{"actionType": "PUBLISH", "resources": [format!("{ACCOUNT}:topic/a")]}]});
    let decided = |client_id: &str| {
        let answer = ok(&world, "POST", &format!("/test-authorization?clientId={client_id}"), ask.clone());
        answer["authResults"][0]["authDecision"].as_str().unwrap().to_owned()
    };
    assert_eq!(decided("pump-7"), "ALLOWED");
    assert_eq!(decided("another"), "IMPLICIT_DENY");
    let effective = ok(&world, "POST", "/effective-policies?thingName=pump-7", json!({"principal": arn}));
    assert_eq!(effective["effectivePolicies"][0]["policyName"], "of-group");
    let mut added = ask.clone();
    added["policyNamesToSkip"] = json!(["of-group"]);
    let answer = ok(&world, "POST", "/test-authorization?clientId=pump-7", added);
    assert_eq!(answer["authResults"][0]["authDecision"], "IMPLICIT_DENY");
}

#[test]
fn test_authorization_names_every_policy_that_decided() {
    let world = World::start();
    let (_, arn) = certificate(&world);
    for (name, effect, topic) in [("a", "Allow", "a"), ("b", "Allow", "b"), ("c", "Deny", "c")] {
        let statement =
            json!({"Effect": effect, "Action": "iot:Publish", "Resource": format!("{ACCOUNT}:topic/{topic}")});
        ok(&world, "POST", &format!("/policies/{name}"), policy(&statement.to_string()));
        ok(&world, "PUT", &format!("/target-policies/{name}"), json!({"target": arn}));
    }
    let ask = |topics: &[&str]| {
        let resources: Vec<_> = topics.iter().map(|topic| format!("{ACCOUNT}:topic/{topic}")).collect();
        let body = json!({"principal": arn, "authInfos": [{"actionType": "PUBLISH", "resources": resources}]});
        ok(&world, "POST", "/test-authorization", body)["authResults"][0].clone()
    };
    let names = |rows: &Value| -> Vec<String> {
        rows["policies"].as_array().unwrap().iter().map(|p| p["policyName"].as_str().unwrap().to_owned()).collect()
    };
    let both = ask(&["b", "a"]);
    assert_eq!(
        (both["authDecision"].as_str(), names(&both["allowed"])),
        (Some("ALLOWED"), vec!["a".into(), "b".into()])
    );
    let denied = ask(&["a", "c", "d"]);
    assert_eq!(denied["authDecision"], "EXPLICIT_DENY");
    assert_eq!(names(&denied["denied"]["explicitDeny"]), ["c"]);
    assert_eq!(names(&denied["allowed"]), ["a"]);
    let path = "/test-authorization?clientId=%24x";
    let body = json!({"principal": arn, "authInfos": [{"actionType": "CONNECT", "resources": ["x"]}]});
    refused(&world, "POST", path, body, "InvalidRequestException", 400, "Invalid clientId");
}

#[test]
fn effective_policies_come_once_and_of_groups_too() {
    let world = World::start();
    let (_, arn) = certificate(&world);
    let group = format!("{ACCOUNT}:thinggroup/line22");
    ok(&world, "POST", "/things/pump-7", json!({}));
    ok(&world, "POST", "/thing-groups/line22", json!({}));
    let member = json!({"thingGroupName": "line22", "thingName": "pump-7"});
    ok(&world, "PUT", "/thing-groups/addThingToThingGroup", member);
    ok(&world, "POST", "/policies/p", connect_everywhere());
    for target in [&arn, &group] {
        ok(&world, "PUT", "/target-policies/p", json!({"target": target}));
    }
    let principal = format!("x-amzn-principal: {arn}\r\n");
    assert_eq!(world.call("PUT", "/things/pump-7/principals", &principal, "").0, 200);
    for (query, principal) in [("?thingName=pump-7", &arn), ("", &group)] {
        let path = format!("/effective-policies{query}");
        let found = ok(&world, "POST", &path, json!({"principal": principal}))["effectivePolicies"].clone();
        assert_eq!((found.as_array().unwrap().len(), &found[0]["policyName"]), (1, &json!("p")), "{principal}");
    }
    let path = "/effective-policies?thingName=none";
    refused(&world, "POST", path, json!({"principal": arn}), "ResourceNotFoundException", 404, "none");
}

#[test]
fn detaching_asks_for_a_target_and_minds_nothing_else() {
    let world = World::start();
    let (_, arn) = certificate(&world);
    ok(&world, "POST", "/target-policies/none", json!({"target": arn}));
    let unknown = json!({"target": format!("{ACCOUNT}:cert/{}", "0".repeat(64))});
    refused(&world, "POST", "/target-policies/none", unknown, "InvalidRequestException", 400, "Invalid Target");
}

#[test]
fn times_are_seconds_and_secrets_are_shown_once() {
    let world = World::start();
    let made = ok(&world, "POST", "/keys-and-certificate?setAsActive=true", Value::Null);
    assert!(made["keyPair"]["PrivateKey"].as_str().unwrap().starts_with("-----BEGIN"));
    let id = made["certificateId"].as_str().unwrap();
    let shown = ok(&world, "GET", &format!("/certificates/{id}"), Value::Null);
    let description = &shown["certificateDescription"];
    let created = description["creationDate"].as_f64().unwrap();
    assert!((1.7e9..1e11).contains(&created), "seconds since 1970, not milliseconds: {created}");
    assert_eq!(description["validity"]["notAfter"], 2_524_607_999_u64);
    assert!(!shown.to_string().contains("PRIVATE"));
}

#[test]
fn an_account_without_anything_tells_who_it_is() {
    let world = World::start();
    let found = ok(&world, "GET", "/domainConfigurations?serviceType=DATA", Value::Null);
    let arn = &found["domainConfigurations"][0]["domainConfigurationArn"];
    assert_eq!(arn, &json!(format!("{ACCOUNT}:domainconfiguration/iot:Data-ATS")));
    assert_eq!(
        ok(&world, "GET", "/domainConfigurations?serviceType=JOBS", Value::Null)["domainConfigurations"],
        json!([])
    );
}

#[test]
fn a_thing_that_never_connected_is_not_connected() {
    let world = World::start();
    ok(&world, "POST", "/things/pump-7", json!({}));
    let shown = ok(&world, "POST", "/things/pump-7/connectivity-data", json!({}));
    assert_eq!(shown, json!({"thingName": "pump-7", "connected": false}));
    refused(&world, "POST", "/things/none/connectivity-data", json!({}), "ResourceNotFoundException", 404, "none");
}
