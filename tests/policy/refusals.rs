//! Documents that are refused, each with the whole message.

use iotctl::error::Kind;
use iotctl::policy::document::{Document, MAX_RAW_LENGTH};

/// A document of one statement with these members.
fn with(members: &str) -> String {
    format!("{{\"Version\":\"2012-10-17\",\n\"Statement\":[{{{members}}}]}}")
}

fn assert_refused(json: impl AsRef<str>, message: &str) {
    let error = Document::parse("pump.json", json.as_ref()).unwrap_err();
    assert_eq!(error.kind(), Kind::BadInput);
    assert_eq!(error.to_string(), message);
}

macro_rules! refused {
    ($($name:ident: $json:expr => $message:literal;)*) => {
        $(#[test]
        fn $name() {
            assert_refused($json, $message);
        })*
    };
}

refused! {
    what_is_no_json: "{\"Version\":\n oops}" => "policy `pump.json`, line 2, column 2: expected value";
    what_ends_early: "{\"Version\":\"2012-10-17\"" => "policy `pump.json`, line 1, column 23: EOF while parsing an object";
    a_document_that_is_a_list: r#"["2012-10-17",[]]"# => "policy `pump.json`, line 1, column 1: invalid type: sequence, expected a policy document";
    a_version_that_stands_twice: r#"{"Version":"2012-10-17","Version":"2012-10-17"}"# => "policy `pump.json`, line 1, column 33: `Version` stands twice";
    characters_that_cannot_be_seen: r#"{"\u001b[2J":1}"# => "policy `pump.json`, line 1, column 12: `\\u{1b}[2J` is not a member of a policy document";
    a_document_without_version: r#"{"Statement":[]}"# => "policy `pump.json`, line 1, column 16: the document has no `Version`; it is `2012-10-17`";
    the_version_of_2008: r#"{"Version":"2008-10-17","Statement":[]}"# => "policy `pump.json`, line 1, column 23: `Version` is `2008-10-17`; AWS IoT policies have `2012-10-17`";
    a_version_that_is_a_number: r#"{"Version":2012,"Statement":[]}"# => "policy `pump.json`, line 1, column 15: invalid type: integer `2012`, expected a string";
    a_document_without_statement: r#"{"Version":"2012-10-17"}"# => "policy `pump.json`, line 1, column 24: the document has no `Statement`";
    a_member_that_documents_do_not_have: r#"{"Version":"2012-10-17","Id":"x","Statement":[]}"# => "policy `pump.json`, line 1, column 28: `Id` is not a member of a policy document";
    a_statement_that_is_a_string: r#"{"Version":"2012-10-17","Statement":"x"}"# => "policy `pump.json`, line 1, column 39: invalid type: string \"x\", expected a statement";
    a_list_in_the_list_of_statements: r#"{"Version":"2012-10-17","Statement":[[]]}"# => "policy `pump.json`, line 1, column 37: invalid type: sequence, expected a statement";
    text_after_the_document: r#"{"Version":"2012-10-17","Statement":[]} x"# => "policy `pump.json`, line 1, column 41: trailing characters";
    an_effect_in_lower_case: with(r#""Effect":"allow","Action":"*","Resource":"*""#) => "policy `pump.json`, line 2, column 30: `Effect` is `allow`; it is `Allow` or `Deny`";
    no_effect: with(r#""Action":"*","Resource":"*""#) => "policy `pump.json`, line 2, column 42: the statement has no `Effect`";
    no_action: with(r#""Effect":"Allow","Resource":"*""#) => "policy `pump.json`, line 2, column 46: the statement has no `Action`";
    an_empty_list_of_actions: with(r#""Effect":"Allow","Action":[],"Resource":"*""#) => "policy `pump.json`, line 2, column 42: the list is empty; name at least one";
    an_action_that_is_a_number: with(r#""Effect":"Allow","Action":["iot:Publish",7],"Resource":"*""#) => "policy `pump.json`, line 2, column 56: invalid type: integer `7`, expected a string";
    an_action_with_a_variable: with(r#""Effect":"Allow","Action":"iot:${iot:ClientId}","Resource":"*""#) => "policy `pump.json`, line 2, column 77: an action holds no variables";
    no_resource: with(r#""Effect":"Allow","Action":"*""#) => "policy `pump.json`, line 2, column 44: the statement has no `Resource`";
    a_resource_that_is_null: with(r#""Effect":"Allow","Action":"*","Resource":null"#) => "policy `pump.json`, line 2, column 59: invalid type: null, expected a string or a list of strings";
    both_resource_and_not_resource: with(r#""Effect":"Allow","Action":"*","Resource":"a","NotResource":"b""#) => "policy `pump.json`, line 2, column 77: a statement has `Resource` or `NotResource`, not both";
    an_empty_not_resource: with(r#""Effect":"Allow","Action":"*","NotResource":[]"#) => "policy `pump.json`, line 2, column 61: the list is empty; name at least one";
    a_variable_that_is_not_closed: with(r#""Effect":"Allow","Action":"*","Resource":"topic/${iot:ClientId""#) => "policy `pump.json`, line 2, column 78: `topic/${iot:ClientId` has `${` without `}`";
    not_action: with(r#""Effect":"Allow","NotAction":"*","Resource":"*""#) => "policy `pump.json`, line 2, column 42: `NotAction` is not part of AWS IoT policies; list the actions in `Action`";
    a_principal: with(r#""Effect":"Allow","Principal":"*","Action":"*","Resource":"*""#) => "policy `pump.json`, line 2, column 42: `Principal` is not part of AWS IoT policies; a policy is attached to its principal";
    a_member_that_statements_do_not_have: with(r#""Effect":"Allow","action":"*","Resource":"*""#) => "policy `pump.json`, line 2, column 39: `action` is not a member of a statement";
    a_member_that_stands_twice: with(r#""Effect":"Allow","Effect":"Deny","Action":"*","Resource":"*""#) => "policy `pump.json`, line 2, column 39: `Effect` stands twice";
    a_sid_that_is_a_list: with(r#""Sid":[],"Effect":"Allow","Action":"*","Resource":"*""#) => "policy `pump.json`, line 2, column 20: invalid type: sequence, expected a string";
    an_unknown_operator: with(r#""Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringIs":{"a":"b"}}"#) => "policy `pump.json`, line 2, column 81: `StringIs` is not a condition operator";
    an_operator_that_stands_twice: with(r#""Condition":{"Bool":{"a":"true"},"Bool":{"b":"true"}}"#) => "policy `pump.json`, line 2, column 53: `Bool` stands twice in one `Condition`";
    a_key_that_stands_twice: with(r#""Condition":{"Bool":{"a":"true","a":"false"}}"#) => "policy `pump.json`, line 2, column 58: `a` stands twice under `Bool`";
    a_condition_that_is_a_list: with(r#""Condition":[]"#) => "policy `pump.json`, line 2, column 26: invalid type: sequence, expected an object of condition operators";
    an_operator_without_keys: with(r#""Condition":{"Bool":"true"}"#) => "policy `pump.json`, line 2, column 40: invalid type: string \"true\", expected an object of condition keys under `Bool`";
    a_condition_value_that_is_an_object: with(r#""Condition":{"Bool":{"a":{}}}"#) => "policy `pump.json`, line 2, column 41: invalid type: map, expected a string, a boolean or a number";
    a_condition_value_in_two_lists: with(r#""Condition":{"Bool":{"a":[["true"]]}}"#) => "policy `pump.json`, line 2, column 41: invalid type: sequence, expected a string, a boolean or a number";
    a_network_that_is_none: with(r#""Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/33"}}"#) => "policy `pump.json`, line 2, column 69: `IpAddress` cannot compare with `10.0.0.0/33`";
    a_boolean_that_is_none: with(r#""Condition":{"Bool":{"iot:Connection.Thing.IsAttached":"yes"}}"#) => "policy `pump.json`, line 2, column 75: `Bool` cannot compare with `yes`";
    brackets_a_thousand_deep: "[".repeat(1000) => "policy `pump.json`, line 1, column 1: invalid type: sequence, expected a policy document";
    actions_a_thousand_deep: with(&format!("\"Action\":{}", "[".repeat(1000))) => "policy `pump.json`, line 2, column 24: invalid type: sequence, expected a string";
}

#[test]
fn a_megabyte_is_refused_by_its_length() {
    let json = " ".repeat(1 << 20);
    assert!(json.len() > MAX_RAW_LENGTH);
    assert_refused(&json, "policy `pump.json` has 1048576 characters; AWS IoT takes at most 404600");
}

#[test]
fn twenty_thousand_condition_keys_are_read_one_after_the_other() {
    let keys: Vec<String> = (0..20_000).map(|n| format!("\"k{n}\":\"x\"")).collect();
    let json = with(&format!(
        "\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{{\"StringEquals\":{{{}}}}}",
        keys.join(",")
    ));
    let document = Document::parse("pump.json", &json).unwrap();
    assert_eq!(document.statements[0].conditions.len(), 20_000);
}
