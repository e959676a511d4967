//! The environment variables that this program reads itself; no other module reads any.
//!
//! The AWS SDK reads its own (`AWS_PROFILE`, `AWS_ENDPOINT_URL_IOT`, ...), the terminal library `NO_COLOR` and `TERM`.

use std::env;

use super::proxy::is_exempt;
use crate::error::{Error, Kind, Result};
use crate::names::{Proxy, Region};

/// `AWS_REGION`, else `AWS_DEFAULT_REGION`, as the AWS CLI has it.
pub fn region() -> Result<Option<Region>> {
    let found = ["AWS_REGION", "AWS_DEFAULT_REGION"].iter().find_map(|name| Some((name, env::var(name).ok()?)));
    let Some((name, text)) = found.filter(|(_, text)| !text.is_empty()) else { return Ok(None) };
    text.parse().map(Some).map_err(|e: Error| {
        Error::new(Kind::Configuration, format!("{name} is set to `{text}`, which is no region"))
            .hint(e.hints().first().map_or_else(String::new, |hint| format!("export {name}=eu-central-1 ({hint})")))
    })
}

/// `AWS_PROFILE`, for what is said about credentials; the SDK reads it itself.
pub fn profile() -> Option<String> {
    env::var("AWS_PROFILE").ok().filter(|name| !name.is_empty())
}

/// Whether systemd started this process as a service that it waits for: `NOTIFY_SOCKET` (sd_notify(3)).
pub fn is_service() -> bool {
    env::var_os("NOTIFY_SOCKET").is_some_and(|socket| !socket.is_empty())
}

/// The proxy that connections to `host` go through: `HTTPS_PROXY`, else `ALL_PROXY`, unless `NO_PROXY` names the host. In
/// small letters too, as curl has them.
///
/// # Errors
/// Configuration (78), if it is a proxy that is not spoken.
pub fn proxy(host: &str) -> Result<Option<Proxy>> {
    let found = |names: [&'static str; 2]| {
        names.into_iter().find_map(|name| Some((name, env::var(name).ok().filter(|text| !text.is_empty())?)))
    };
    let exempt = found(["NO_PROXY", "no_proxy"]).map_or_else(String::new, |(_, list)| list);
    let named = found(["HTTPS_PROXY", "https_proxy"]).or_else(|| found(["ALL_PROXY", "all_proxy"]));
    let Some((name, text)) = named.filter(|_| !is_exempt(host, &exempt)) else { return Ok(None) };
    text.parse().map(Some).map_err(|error: Error| {
        Error::new(Kind::Configuration, format!("{name} names no proxy for this: {}", error.message()))
            .hint("an HTTP proxy: --proxy http://HOST:PORT, and a straight way: --proxy none")
    })
}
