//! The environment variables that this program reads itself; no other module reads any.
//!
//! The AWS SDK reads its own (`AWS_PROFILE`, `AWS_ENDPOINT_URL_IOT`, ...), the terminal library `NO_COLOR` and `TERM`.

use std::env;

use crate::error::{Error, Kind, Result};
use crate::names::Region;

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
