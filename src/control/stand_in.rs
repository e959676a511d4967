//! What an `iotctl local` says of itself, and no other control plane: where its broker is and which root signs it.

use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::{StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;

use crate::error::{Error, Result};
use crate::names::DataEndpoint;

/// It runs on this machine.
const TIMEOUT: Duration = Duration::from_secs(2);
/// A root certificate has about two kilobytes.
const MOST_BYTES: usize = 64 * 1024;
/// The form of the answer that this program reads.
const VERSION: u64 = 1;

/// The broker of an `iotctl local`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandIn {
    /// Where devices connect to.
    pub endpoint: DataEndpoint,
    /// The root that signed its certificate, PEM.
    pub root_ca: String,
}

#[derive(Deserialize)]
struct Answer {
    mqtt_host: String,
    mqtt_port: u16,
    root_ca: String,
}

/// Asks the control plane at `address` (`http://127.0.0.1:4883`) whether it is an `iotctl local`.
///
/// Only addresses of this machine are asked; anything else (AWS, moto, LocalStack) is `None`.
///
/// # Errors
///
/// `Failed` if it is one, of a version that this program does not understand.
pub async fn ask(address: &str) -> Result<Option<StandIn>> {
    if !is_loopback(address) {
        return Ok(None);
    }
    match tokio::time::timeout(TIMEOUT, get(address)).await {
        Ok(Some(body)) => read(address, &body),
        _ => Ok(None),
    }
}

async fn get(address: &str) -> Option<Bytes> {
    let uri: Uri = format!("{address}/_iotctl/local").parse().ok()?;
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let answer = client.get(uri).await.ok()?;
    if answer.status() != StatusCode::OK {
        return None;
    }
    Some(Limited::new(answer.into_body(), MOST_BYTES).collect().await.ok()?.to_bytes())
}

fn read(address: &str, body: &[u8]) -> Result<Option<StandIn>> {
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(body) else { return Ok(None) };
    let Some(version) = value.get("version").and_then(serde_json::Value::as_u64) else { return Ok(None) };
    if version != VERSION {
        return Err(Error::failed(format!("the `iotctl local` at {address} is of another version than this program"))
            .hint("start it again with this program: iotctl local"));
    }
    let wrong =
        |e: serde_json::Error| Error::failed(format!("cannot understand the `iotctl local` at {address}")).because(e);
    let Answer { mqtt_host, mqtt_port, root_ca } = serde_json::from_value(value).map_err(wrong)?;
    Ok(Some(StandIn { endpoint: format!("{mqtt_host}:{mqtt_port}").parse()?, root_ca }))
}

/// Whether an address of the form `http://HOST:PORT` is this machine.
pub(super) fn is_loopback(address: &str) -> bool {
    let host = address.split_once("://").map_or(address, |(_, host)| host);
    let bare = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next(),
        None => host.split(':').next(),
    };
    bare.is_some_and(|host| host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_asked() {
        for own in ["http://127.0.0.1:4883", "http://localhost:1", "http://[::1]:4883", "http://127.1.2.3"] {
            assert!(is_loopback(own), "{own}");
        }
        for other in ["https://iot.eu-west-1.amazonaws.com", "http://localhost.example", "http://10.0.0.1:80", ""] {
            assert!(!is_loopback(other), "{other}");
        }
    }

    #[test]
    fn an_answer_is_read() {
        let body = br#"{"version":1,"mqtt_host":"localhost","mqtt_port":8884,"root_ca":"PEM","more":true}"#;
        let endpoint = DataEndpoint { host: "localhost".into(), port: 8884 };
        assert_eq!(read("a", body).unwrap(), Some(StandIn { endpoint, root_ca: "PEM".into() }));
    }

    #[test]
    fn what_others_answer_means_no() {
        for body in [&b"<html>"[..], b"{}", b"[1]", br#"{"version":"4.6.0"}"#, br#"{"services":{"iot":"running"}}"#] {
            assert_eq!(read("a", body).unwrap(), None);
        }
    }

    #[test]
    fn another_version_is_said() {
        let error = read("http://127.0.0.1:1", br#"{"version":2}"#).unwrap_err();
        assert!(error.message().contains("of another version"), "{error}");
    }
}
