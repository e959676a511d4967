//! Which way to the broker: straight, or through an HTTP proxy.

use std::net::IpAddr;

use serde::Deserializer;

use super::words;
use crate::names::Proxy;

/// What a flag or feeder.toml says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// Through no proxy, whatever the environment says.
    Direct,
    /// Through this one.
    Through(Proxy),
}

impl Route {
    /// The proxy, if it goes through one.
    pub fn proxy(&self) -> Option<Proxy> {
        match self {
            Self::Direct => None,
            Self::Through(proxy) => Some(proxy.clone()),
        }
    }
}

/// Parses `none`, or the address of an HTTP proxy.
pub fn parse(text: &str) -> Result<Route, String> {
    match text.trim() {
        "none" => Ok(Route::Direct),
        text => text.parse().map(Route::Through).map_err(|error: crate::error::Error| {
            error.hints().iter().fold(error.message().to_owned(), |text, hint| format!("{text}; {hint}"))
        }),
    }
}

pub(super) fn from_toml<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Route>, D::Error> {
    parse(&words(deserializer)?).map(Some).map_err(serde::de::Error::custom)
}

/// Whether a host is reached directly although the environment names a proxy: this machine itself, and what the list
/// names (`NO_PROXY`, in the form that curl and Go agree about: names, which cover what is below them, or `*`).
pub(super) fn is_exempt(host: &str, list: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let is_here = host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    let is_named = |name: &str| {
        let name = name.trim().trim_start_matches("*.").trim_start_matches('.').to_ascii_lowercase();
        let below = host.strip_suffix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        !name.is_empty() && (name == "*" || below)
    };
    is_here || list.split([',', ' ']).any(is_named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_is_a_straight_way() {
        assert_eq!(parse(" none "), Ok(Route::Direct));
        assert_eq!(parse("http://h:1").unwrap().proxy().unwrap().address(), "h:1");
        assert_eq!(
            parse("socks5://h:1").unwrap_err(),
            "a proxy of the kind `socks5` is not spoken; an HTTP proxy, which knows CONNECT: http://HOST:PORT"
        );
    }

    #[test]
    fn the_environment_does_not_send_this_machine_and_what_is_named_through_a_proxy() {
        for (host, list, wanted) in [
            ("localhost", "", true),
            ("127.0.0.1", "", true),
            ("a.amazonaws.com", "", false),
            ("a.amazonaws.com", "a.amazonaws.com", true),
            ("a.amazonaws.com", "intra.example, .AMAZONAWS.com", true),
            ("a.amazonaws.com", "*.amazonaws.com", true),
            ("a.amazonaws.com", "naws.com", false),
            ("a.amazonaws.com", "b.a.amazonaws.com", false),
            ("a.amazonaws.com", "*", true),
            ("a.amazonaws.com", ",,", false),
        ] {
            assert_eq!(is_exempt(host, list), wanted, "{host} {list}");
        }
    }
}
