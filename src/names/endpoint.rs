//! The host a device connects to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The port of MQTT with a client certificate (AWS IoT Developer Guide, "Device communication protocols").
pub const MQTT_PORT: u16 = 8883;

/// Host and port of the message broker, as `DescribeEndpoint` with `iot:Data-ATS` names the host.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DataEndpoint {
    /// A DNS name: TLS sends it as SNI, and the server certificate is checked against it.
    pub host: String,
    /// The TCP port, 8883 unless it was given.
    pub port: u16,
}

impl FromStr for DataEndpoint {
    type Err = Error;

    /// Takes `HOST` or `HOST:PORT`; anything that looks like a web address is refused with the cure.
    fn from_str(text: &str) -> Result<Self> {
        if text.contains("console.aws") || text.contains("signin.aws") {
            return Err(Error::usage(format!("`{text}` is the AWS console, not a device endpoint")).hint(find_it()));
        }
        if text.contains("://") || text.contains('/') {
            return Err(Error::usage(format!("`{text}` is a web address; a device endpoint is a bare host name"))
                .hint(find_it()));
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| wrong_form(text))?),
            None => (text, MQTT_PORT),
        };
        let valid = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        if host.is_empty() || !host.chars().all(valid) || port == 0 {
            return Err(wrong_form(text));
        }
        if is_control_plane(host) {
            return Err(Error::usage(format!(
                "`{host}` is the control plane of AWS IoT; devices cannot connect to it"
            ))
            .hint(find_it()));
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

/// `iot.<region>.amazonaws.com` belongs to no account, so no device can connect to it.
fn is_control_plane(host: &str) -> bool {
    host.starts_with("iot.") && (host.ends_with(".amazonaws.com") || host.ends_with(".api.aws"))
}

fn wrong_form(text: &str) -> Error {
    Error::usage(format!("`{}` is not a host name, or host name and port", text.escape_debug())).hint(find_it())
}

fn find_it() -> &'static str {
    "find yours with `aws iot describe-endpoint --endpoint-type iot:Data-ATS`; it looks like `abc123-ats.iot.eu-central-1.amazonaws.com`"
}

impl fmt::Display for DataEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl TryFrom<String> for DataEndpoint {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<DataEndpoint> for String {
    fn from(endpoint: DataEndpoint) -> String {
        endpoint.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_host_gets_the_mqtt_port() {
        let endpoint: DataEndpoint = "abc-ats.iot.eu-west-1.amazonaws.com".parse().unwrap();
        assert_eq!(endpoint.port, 8883);
        assert_eq!("localhost:1884".parse::<DataEndpoint>().unwrap().port, 1884);
    }

    #[test]
    fn addresses_of_the_console_and_the_control_plane_are_named() {
        for (bad, word) in [
            ("https://eu-west-1.console.aws.amazon.com/iot/home", "console"),
            ("https://abc-ats.iot.eu-west-1.amazonaws.com", "web address"),
            ("iot.eu-west-1.amazonaws.com", "control plane"),
            ("localhost:port", "not a host name"),
            ("", "not a host name"),
        ] {
            let error = bad.parse::<DataEndpoint>().unwrap_err();
            assert!(error.message().contains(word), "{bad}: {error}");
            assert!(!error.hints().is_empty());
        }
    }
}
