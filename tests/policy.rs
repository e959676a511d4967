//! The policy engine: every vector of `tests/policy/*.json`, its naive twin, and the documents it refuses.
//!
//! A vector is policies, a connection, and requests with the decision that AWS IoT makes and the reason. Those with
//! status `unverified` hold what AWS does not document; there the stricter answer is expected.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "the long runs say how many cases they had")]

#[path = "policy/meaning.rs"]
mod meaning;
#[path = "policy/mutated.rs"]
mod mutated;
#[path = "policy/naive.rs"]
mod naive;
#[path = "policy/refusals.rs"]
mod refusals;
#[path = "policy/twin.rs"]
mod twin;
#[path = "policy/world.rs"]
mod world;

use iotctl::policy::decision::Outcome;
use iotctl::policy::request::Request;
use serde_json::json;
use world::{Policy, Status, Vector, under};

macro_rules! vectors {
    ($($test:ident => $file:literal,)*) => {
        $(#[test]
        fn $test() {
            check(stringify!($test), $file);
        })*
        const VECTORS: &[&str] = &[$($file),*];
    };
}

vectors! {
    v01_client_id_equal => "01-client-id-equal",
    v02_client_id_longer => "02-client-id-longer",
    v03_star_in_client_id => "03-star-in-client-id",
    v04_two_question_marks_one_character => "04-two-question-marks-one-character",
    v05_two_question_marks_two_characters => "05-two-question-marks-two-characters",
    v06_thing_name_attached => "06-thing-name-attached",
    v07_thing_name_not_attached => "07-thing-name-not-attached",
    v08_thing_name_not_attached_no_condition_unverified => "08-thing-name-not-attached-no-condition",
    v09_client_id_of_another_thing => "09-client-id-of-another-thing",
    v10_exclusive_thing_other_client_id => "10-exclusive-thing-other-client-id",
    v11_exclusive_thing_publishes => "11-exclusive-thing-publishes",
    v12_non_exclusive_thing_publishes => "12-non-exclusive-thing-publishes",
    v13_attached_condition_random_client_id => "13-attached-condition-random-client-id",
    v14_deny_wins => "14-deny-wins",
    v15_client_id_variable_own => "15-client-id-variable-own",
    v16_client_id_variable_other => "16-client-id-variable-other",
    v17_star_crosses_levels => "17-star-crosses-levels",
    v18_star_after_slash_needs_the_slash => "18-star-after-slash-needs-the-slash",
    v19_star_matches_nothing => "19-star-matches-nothing",
    v20_five_question_marks_five => "20-five-question-marks-five",
    v21_five_question_marks_six => "21-five-question-marks-six",
    v22_question_mark_is_a_slash => "22-question-mark-is-a-slash",
    v23_letter_case => "23-letter-case",
    v24_publish_on_topicfilter => "24-publish-on-topicfilter",
    v25_subscribe_on_topic => "25-subscribe-on-topic",
    v26_deny_one_topic => "26-deny-one-topic",
    v27_deny_without_star => "27-deny-without-star",
    v28_plus_is_literal_same => "28-plus-is-literal-same",
    v29_plus_is_literal_other => "29-plus-is-literal-other",
    v30_receive_by_topic => "30-receive-by-topic",
    v31_star_covers_a_plus => "31-star-covers-a-plus",
    v32_deny_subscribe_bypassed => "32-deny-subscribe-bypassed",
    v33_deny_subscribe_direct => "33-deny-subscribe-direct",
    v34_not_resource_stops_delivery => "34-not-resource-stops-delivery",
    v35_not_resource_lets_pass => "35-not-resource-lets-pass",
    v36_subscribe_without_receive => "36-subscribe-without-receive",
    v37_receive_denied => "37-receive-denied",
    v38_retain_needs_retain_publish => "38-retain-needs-retain-publish",
    v39_plain_publish => "39-plain-publish",
    v40_retain_needs_publish => "40-retain-needs-publish",
    v41_will_not_allowed => "41-will-not-allowed",
    v42_retained_will_not_allowed => "42-retained-will-not-allowed",
    v43_for_all_values_of_nothing => "43-for-all-values-of-nothing",
    v44_for_all_values_one_too_many => "44-for-all-values-one-too-many",
    v45_deny_persistent => "45-deny-persistent",
    v46_deny_persistent_clean_session => "46-deny-persistent-clean-session",
    v47_for_all_values_empty_list => "47-for-all-values-empty-list",
    v48_last_will_topic => "48-last-will-topic",
    v49_thing_attribute => "49-thing-attribute",
    v50_thing_attribute_absent => "50-thing-attribute-absent",
    v51_thing_type_differs => "51-thing-type-differs",
    v52_attribute_in_condition_value => "52-attribute-in-condition-value",
    v53_common_name => "53-common-name",
    v54_common_name_with_plus => "54-common-name-with-plus",
    v55_common_name_index_two => "55-common-name-index-two",
    v56_common_name_index_one => "56-common-name-index-one",
    v57_common_name_list => "57-common-name-list",
    v58_for_all_values_absent_attribute_unverified => "58-for-all-values-absent-attribute",
    v59_source_ip => "59-source-ip",
    v60_domain_name => "60-domain-name",
    v61_client_id_is_a_plus => "61-client-id-is-a-plus",
    v62_group_policy_counts => "62-group-policy-counts",
    v63_group_policy_bypassed => "63-group-policy-bypassed",
    v64_shadow_action_over_mqtt => "64-shadow-action-over-mqtt",
    v65_shadow_action_over_http => "65-shadow-action-over-http",
    v66_named_shadow_over_http => "66-named-shadow-over-http",
    v67_no_client_id_over_http => "67-no-client-id-over-http",
    v68_basic_ingest => "68-basic-ingest",
    v69_basic_ingest_cannot_be_subscribed => "69-basic-ingest-cannot-be-subscribed",
    v70_claim_certificate_wrong_topic => "70-claim-certificate-wrong-topic",
    v71_other_region => "71-other-region",
    v72_everything => "72-everything",
    v73_shared_subscription_unverified => "73-shared-subscription",
    v74_default_version_denies => "74-default-version-denies",
    v75_role_alias => "75-role-alias",
}

fn check(test: &str, file: &str) {
    let vector = Vector::load(file);
    let label = match vector.status {
        Status::Documented => "documented by AWS",
        Status::Derived => "derived from what AWS documents",
        Status::Unverified => "UNVERIFIED: AWS does not document it, the stricter answer is expected",
    };
    let Vector { description, because, .. } = &vector;
    for ((_, decision), asked) in vector.decide().iter().zip(&vector.requests) {
        let said = decision.explain();
        assert_eq!(decision.outcome, asked.decision, "{description} ({label}), because {because}:\n{said}");
    }
    let outcomes = || vector.requests.iter().map(|asked| asked.decision);
    let denied = [Outcome::ExplicitDeny, Outcome::ImplicitDeny].into_iter().find(|no| outcomes().any(|o| o == *no));
    assert_eq!(denied.unwrap_or(Outcome::Allowed), vector.decision, "all requests together");
    assert_eq!(test.ends_with("_unverified"), vector.status == Status::Unverified, "the name of the test says so");
}

#[test]
fn every_file_is_a_test_and_every_test_a_file() {
    let mut files: Vec<String> = std::fs::read_dir(world::folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    files.sort();
    assert_eq!(files, VECTORS);
    assert_eq!(files.len(), 75);
}

#[test]
fn the_twin_gives_the_same_answers_where_it_knows_the_variables() {
    for file in VECTORS {
        let vector = Vector::load(file);
        let text = format!("{:?}", vector.policies);
        let beyond = ["iot:Certificate", "LastWillTopic", "SourceIp", "DomainName", "ThingTypeName", "Attributes["];
        if beyond.iter().any(|name| text.contains(name)) {
            continue;
        }
        for (request, decision) in vector.decide() {
            let twin = naive::decide(&vector.policies, &vector.connection(), &request);
            assert_eq!(decision.outcome, twin, "{file}: {request:?}");
        }
    }
}

/// Requests that differ a little from one that was denied.
fn around(request: &Request) -> Vec<Request> {
    let Request { action, resource } = request;
    let (without_last, last) = resource.split_at(resource.char_indices().last().map_or(0, |(at, _)| at));
    let mut resources: Vec<String> = ["x", "/", "*", "/#"].iter().map(|more| format!("{resource}{more}")).collect();
    resources.extend(["", "*", "?", "ü", "xx"].iter().map(|end| format!("{without_last}{end}")));
    resources.extend([resource.to_uppercase(), resource.to_lowercase(), format!("x{resource}")]);
    resources.push(resource.replace(":topic/", ":topicfilter/"));
    resources.push(resource.replace("us-east-1", "eu-west-1"));
    resources.extend(resource.match_indices(['*', '?', '+', '$']).map(|(at, c)| {
        let after = resource.get(at + c.len()..).unwrap();
        format!("{}x{after}", &resource[..at])
    }));
    resources.retain(|other| other != resource && !last.is_empty());
    let actions = ["iot:Publish", "iot:RetainPublish", "iot:Receive", "iot:Subscribe", "iot:Connect"];
    let others = actions.iter().filter(|other| *other != action);
    let others = others.map(|action| Request { action: (*action).to_owned(), resource: resource.clone() });
    resources.into_iter().map(|resource| Request { action: action.clone(), resource }).chain(others).collect()
}

fn suggestion_is_exact(vector: &Vector, request: &Request) {
    let decision = under(&vector.policies, &vector.connection(), request);
    let suggestion = decision.suggestion.unwrap();
    let document = json!({"Version": "2012-10-17", "Statement": [suggestion]});
    let alone = [Policy { name: "suggestion".into(), document, deny_only: false }];
    assert_eq!(under(&alone, &vector.connection(), request).outcome, Outcome::Allowed, "{suggestion}");
    for probe in around(request) {
        let outcome = under(&alone, &vector.connection(), &probe).outcome;
        assert_eq!(outcome, Outcome::ImplicitDeny, "{suggestion} allows {probe:?} too");
    }
}

#[test]
fn every_suggestion_allows_the_denied_request_and_none_around_it() {
    let mut tried = 0;
    for file in VECTORS {
        let vector = Vector::load(file);
        for (request, decision) in vector.decide() {
            match decision.outcome {
                Outcome::ImplicitDeny => {
                    suggestion_is_exact(&vector, &request);
                    tried += 1;
                }
                Outcome::Allowed | Outcome::ExplicitDeny => assert_eq!(decision.suggestion, None, "{file}"),
            }
        }
    }
    assert_eq!(tried, 37);
}

#[test]
fn suggestions_are_exact_for_names_with_policy_characters() {
    let vector = Vector::load("02-client-id-longer");
    for name in ["topic/a*b", "topic/a?", "topic/$aws/${iot:ClientId}", "client/*", "topicfilter/a/+/#", "topic/$"] {
        let resource = format!("arn:aws:iot:us-east-1:123456789012:{name}");
        suggestion_is_exact(&vector, &Request { action: "iot:Publish".into(), resource });
    }
}

fn explained(file: &str) -> String {
    let vector = Vector::load(file);
    let decided = vector.decide();
    let denied = decided.iter().find(|(_, decision)| !decision.is_allowed());
    denied.unwrap_or(&decided[0]).1.explain()
}

#[test]
fn every_explanation_is_one_to_six_lines() {
    for file in VECTORS {
        for (_, decision) in Vector::load(file).decide() {
            let lines = decision.explain().lines().count();
            let least = if decision.is_allowed() { 1 } else { 2 };
            assert!((least..=6).contains(&lines), "{file}:\n{}", decision.explain());
        }
    }
}

#[test]
fn a_wrong_resource_type_is_named() {
    assert_eq!(
        explained("25-subscribe-on-topic"),
        "denied: no statement allows `iot:Subscribe` on `arn:aws:iot:us-east-1:123456789012:topicfilter/foo`\n\
         statement 0 of policy `device`: the action matches, but the resource type is `topic/`, and `iot:Subscribe` \
         needs `topicfilter/`\n\
         this statement would allow exactly it: {\"Effect\":\"Allow\",\"Action\":\"iot:Subscribe\",\
         \"Resource\":\"arn:aws:iot:us-east-1:123456789012:topicfilter/foo\"}"
    );
}

#[test]
fn a_deny_is_explained_without_a_suggestion() {
    assert_eq!(
        explained("14-deny-wins"),
        "denied: `iot:Connect` on `arn:aws:iot:us-east-1:123456789012:client/client1`, by statement 0 of policy `device`\n\
         a Deny wins over every Allow: narrow or remove it, adding an Allow does not help"
    );
}

#[test]
fn the_reason_names_the_part_that_differs() {
    for (file, reason) in [
        (
            "16-client-id-variable-other",
            "differs from `topic/my/topic/c1` (from `topic/my/topic/${iot:ClientId}`) at `2`",
        ),
        ("18-star-after-slash-needs-the-slash", "resource `topic/sensor` ends where `topic/sensor/*` goes on"),
        ("23-letter-case", "resource `topic/foo` differs from `topic/Foo` only in letter case"),
        ("34-not-resource-stops-delivery", "its `NotResource` `topic/a/restricted/*` leaves this resource out"),
        ("36-subscribe-without-receive", "no Allow of the attached policies has the action `iot:Receive`"),
        (
            "38-retain-needs-retain-publish",
            "the resource matches, but the action is `iot:Publish`, not `iot:RetainPublish`",
        ),
        ("50-thing-attribute-absent", "the thing has no attribute `site`"),
        ("54-common-name-with-plus", "holds `*`, `$`, `+`, `?` or `#` or is too long"),
        ("58-for-all-values-absent-attribute", "AWS IoT documents no answer, so it is not relied on here"),
        ("59-source-ip", "`IpAddress` of `aws:SourceIp` with `10.0.0.0/8` does not hold: it is `192.0.2.1`"),
        ("67-no-client-id-over-http", "this is no MQTT connection"),
        ("71-other-region", "its Region is `eu-west-1`, and the request is for `us-east-1`"),
        (
            "13-attached-condition-random-client-id",
            "it is `false`, as the certificate is not attached to a thing named like the client id `random`",
        ),
    ] {
        let explanation = explained(file);
        assert!(explanation.contains(reason), "{file}:\n{explanation}");
    }
}
