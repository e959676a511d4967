//! Who may ask: programs of this machine, and only with credentials, because AWS wants some too.

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, HOST};
use axum::http::request::Parts;

use crate::local::registry::fault::{Exception, Fault};

/// Refuses names that are not this machine's: a web page elsewhere could give its own name our address (DNS rebinding).
pub(super) fn host(headers: &HeaderMap) -> Result<(), Fault> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    match matches!(name, "localhost" | "127.0.0.1" | "::1") {
        true => Ok(()),
        false => Err(Fault::new(
            Exception::Forbidden,
            "`iotctl local` answers to localhost and 127.0.0.1 only; check the Host header",
        )),
    }
}

/// Refuses requests that are not signed at all. Signatures are not checked: the stand-in knows no secrets.
pub(super) fn credentials(parts: &Parts) -> Result<(), Fault> {
    let signed = parts.headers.contains_key(AUTHORIZATION)
        || parts.uri.query().is_some_and(|query| query.contains("X-Amz-Signature="));
    match signed {
        true => Ok(()),
        false => Err(Fault::new(Exception::MissingAuthenticationToken, "Missing Authentication Token")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_answered() {
        let ask = |name: &str| host(&HeaderMap::from_iter([(HOST, name.parse().unwrap())]));
        for own in ["localhost", "localhost:4883", "127.0.0.1:80", "[::1]:80"] {
            assert!(ask(own).is_ok(), "{own}");
        }
        for other in ["example.com", "localhost.example.com", "127.0.0.1.example.com:80", "[::2]:80", ""] {
            assert!(ask(other).is_err(), "{other}");
        }
        assert!(host(&HeaderMap::new()).is_err());
    }
}
