//! What the control plane's refusals become: exit code, sentence, and what to do. A tiny server answers every call
//! with the one refusal under test, through the real SDK.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]
#![cfg(feature = "control")]

#[path = "world/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use world::{Said, run, sealed};

/// Answers every call with this, until the test process ends.
fn server(status: &'static str, error_type: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            std::thread::spawn(move || serve(client, status, error_type, body));
        }
    });
    address
}

fn serve(mut client: TcpStream, status: &str, error_type: &str, body: &str) -> Option<()> {
    let mut requests = BufReader::new(client.try_clone().ok()?);
    let header = if error_type.is_empty() { String::new() } else { format!("x-amzn-ErrorType: {error_type}\r\n") };
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if requests.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if line == "\r\n" {
                break;
            }
        }
        requests.read_exact(&mut vec![0; length]).ok()?;
        let size = body.len();
        write!(client, "HTTP/1.1 {status}\r\n{header}Content-Length: {size}\r\n\r\n{body}").ok()?;
    }
}

fn provision(address: &str) -> Said {
    let folder = tempfile::tempdir().unwrap();
    let mut command = sealed(folder.path(), &["provision", "--thing", "pump-7"]);
    command.env("AWS_ENDPOINT_URL_IOT", address).env("AWS_REGION", "eu-central-1").env("AWS_MAX_ATTEMPTS", "1");
    let said = run(command.env("AWS_ACCESS_KEY_ID", "AKIATEST").env("AWS_SECRET_ACCESS_KEY", "very-secret-words"));
    assert!(!folder.path().join("certs").exists(), "something was written");
    assert!(!said.stderr.contains("very-secret-words"), "{}", said.stderr);
    said
}

/// Expects this exit code, sentence, cause and hint.
fn means(said: &Said, code: i32, sentence: &str, cause: &str, hint: &str) {
    assert_eq!(said.code, Some(code), "{}", said.stderr);
    assert!(said.stderr.starts_with(&format!("error: {sentence}")), "{}", said.stderr);
    assert!(said.stderr.contains(cause), "{}", said.stderr);
    assert!(said.stderr.contains(&format!("hint: {hint}")), "{}", said.stderr);
}

#[test]
fn a_missing_permission_is_named() {
    let body =
        r#"{"message":"User: arn:aws:iam::123456789012:user/x is not authorized to perform: iot:DescribeThing"}"#;
    let said = provision(&server("403 Forbidden", "AccessDeniedException", body));
    let cause = "AccessDenied: User: arn:aws:iam::123456789012:user/x is not authorized";
    means(&said, 4, "cannot read thing `pump-7`\n", cause, "allow `iot:DescribeThing` in the IAM policy");
}

#[test]
fn credentials_that_nobody_knows_are_told_from_expired_ones() {
    let body = r#"{"message":"The security token included in the request is invalid."}"#;
    let said = provision(&server("403 Forbidden", "UnrecognizedClientException", body));
    means(&said, 4, "cannot read thing", "UnrecognizedClient: The security token", "are these keys of an account");
    let body = r#"{"message":"The security token included in the request is expired"}"#;
    let said = provision(&server("403 Forbidden", "ExpiredTokenException", body));
    means(&said, 4, "cannot read thing", "ExpiredToken: ", "renew them: aws sso login");
}

#[test]
fn a_signature_that_does_not_fit_points_at_secret_and_clock() {
    let body = r#"{"message":"Signature expired: 20260101T000000Z is now earlier than 20261124T000000Z"}"#;
    let said = provision(&server("403 Forbidden", "InvalidSignatureException:", body));
    means(&said, 4, "cannot read thing", "Signature expired", "is the clock right? date -u");
}

#[test]
fn throttling_and_outage_say_to_come_back() {
    let said = provision(&server("400 Bad Request", "ThrottlingException", r#"{"message":"Rate exceeded"}"#));
    means(&said, 6, "cannot read thing", "Throttling: Rate exceeded", "wait a minute and run the same command again");
    let said = provision(&server("503 Service Unavailable", "ServiceUnavailableException", "{}"));
    means(&said, 6, "cannot read thing", "ServiceUnavailable", "wait a minute");
}

#[test]
fn what_aws_does_not_take_is_bad_input() {
    let said = provision(&server("400 Bad Request", "InvalidRequestException", r#"{"message":"no such thing"}"#));
    assert_eq!(said.code, Some(65), "{}", said.stderr);
    assert!(said.stderr.contains("because: InvalidRequest: no such thing"), "{}", said.stderr);
}

#[test]
fn another_web_server_is_not_taken_for_aws() {
    for (status, body) in [("404 Not Found", "<html>"), ("500 Internal Server Error", "<html>"), ("200 OK", "<html>")] {
        let address = server(status, "", body);
        let said = provision(&address);
        let sentence = format!("`{address}` does not answer like the control plane of AWS IoT\n");
        means(&said, 1, &sentence, "because: ", "check --endpoint-url, AWS_ENDPOINT_URL_IOT");
    }
}

#[test]
fn credentials_are_not_waited_for_where_no_metadata_service_answers() {
    // It takes connections and never says a word, as a black hole does.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut command = sealed(folder.path(), &["provision", "--thing", "pump-7", "--region", "eu-central-1"]);
    let address = format!("http://{}", silent.local_addr().unwrap());
    let said = run(command
        .env_remove("AWS_EC2_METADATA_DISABLED")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", address)
        .env("AWS_ENDPOINT_URL_IOT", "http://127.0.0.1:1"));
    means(
        &said,
        4,
        "no AWS credentials were found\n",
        "after 400ms",
        "set them up: aws configure sso, or aws configure",
    );
}

#[test]
fn a_profile_that_does_not_exist_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["provision", "--thing", "pump-7", "--region", "eu-central-1", "--profile", "factory"];
    let said = run(&mut sealed(folder.path(), &arguments));
    means(&said, 4, "no AWS credentials were found in profile `factory`", "", "which profiles are there?");
}

#[test]
fn the_endpoint_of_a_profile_is_used_and_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(".aws")).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = format!(
        "[profile lab]\nregion = eu-west-1\naws_access_key_id = a\naws_secret_access_key = b\nservices = lab\n\
         [services lab]\niot =\n  endpoint_url = http://127.0.0.1:{port}\n"
    );
    fs::write(folder.path().join(".aws/config"), config).unwrap();
    let mut command = sealed(folder.path(), &["provision", "--thing", "pump-7", "--profile", "lab"]);
    let said = run(command.env("AWS_MAX_ATTEMPTS", "1"));
    let sentence = format!("`http://127.0.0.1:{port}` does not answer\n");
    means(&said, 6, &sentence, "Connection refused", "is the stand-in running? iotctl local");
}

#[test]
fn a_profile_that_is_asked_for_wins_over_keys_in_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(".aws")).unwrap();
    let config = "[profile lab]\nregion = eu-west-1\naws_access_key_id = OFPROFILE\naws_secret_access_key = b\n";
    fs::write(folder.path().join(".aws/config"), config).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let heard = std::thread::spawn(move || {
        let (client, _) = listener.accept().unwrap();
        let head: Vec<_> =
            BufReader::new(client).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        head.join("\n")
    });
    let mut command = sealed(folder.path(), &["provision", "--thing", "pump-7", "--profile", "lab"]);
    command.env("AWS_ENDPOINT_URL_IOT", address).env("AWS_MAX_ATTEMPTS", "1");
    let said = run(command.env("AWS_ACCESS_KEY_ID", "OFENVIRONMENT").env("AWS_SECRET_ACCESS_KEY", "b"));
    assert_eq!(said.code, Some(6), "{}", said.stderr);
    let heard = heard.join().unwrap();
    assert!(heard.contains("Credential=OFPROFILE/") && heard.contains("/eu-west-1/iot/"), "{heard}");
    assert!(heard.contains("app/iotctl-"), "it does not say who calls: {heard}");
}

/// Every word that begins with `iot:` and a capital letter.
fn actions(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == ':'));
    words.filter(|word| word.strip_prefix("iot:").is_some_and(|rest| rest.starts_with(char::is_uppercase))).collect()
}

#[test]
fn the_help_lists_every_permission_that_is_needed_and_no_other() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/control/provision");
    let sources: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
        .map(|text| text.split("#[cfg(test)]").next().unwrap().to_owned())
        .collect();
    let help = run(&mut sealed(Path::new("."), &["provision", "--help"])).stdout;
    let (_, listed) = help.split_once("IAM actions").unwrap();
    let mut called: BTreeSet<&str> = sources.iter().flat_map(|text| actions(text)).collect();
    // The kind of endpoint that is asked for, no action.
    called.remove("iot:Data");
    assert_eq!(actions(listed), called);
}

#[test]
fn no_secret_is_logged_even_with_everything_said() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = sealed(folder.path(), &["provision", "--thing", "pump-7", "-vv"]);
    command.env("AWS_ENDPOINT_URL_IOT", server("403 Forbidden", "AccessDeniedException", "{}"));
    command.env("AWS_REGION", "eu-central-1").env("AWS_ACCESS_KEY_ID", "AKIATEST");
    let said =
        run(command.env("AWS_SECRET_ACCESS_KEY", "very-secret-words").env("AWS_SESSION_TOKEN", "very-secret-token"));
    assert!(said.stderr.contains("IoT.DescribeThing"), "nothing was logged: {}", said.stderr);
    assert!(!said.stderr.contains("very-secret"), "{}", said.stderr);
}
