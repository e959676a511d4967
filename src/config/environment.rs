//! The environment variables that this program reads itself; no other module reads any.
//!
//! The AWS SDK reads its own (`AWS_PROFILE`, `AWS_ENDPOINT_URL_IOT`, ...), the terminal library `NO_COLOR` and `TERM`.

use std::env;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

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

/// `RUNTIME_DIRECTORY`, which systemd sets for a unit with `RuntimeDirectory=`: a folder in memory. Of several, the first.
pub fn service_runtime_folder() -> Option<PathBuf> {
    let folders = env::var_os("RUNTIME_DIRECTORY")?;
    env::split_paths(&folders).next().filter(|path| path.is_absolute())
}

/// `XDG_RUNTIME_DIR`: the same for the programs of a logged-in user.
pub fn user_runtime_folder() -> Option<PathBuf> {
    env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute())
}

/// Whether a service manager wants to hear of this process (`NOTIFY_SOCKET`, sd_notify(3)).
pub fn has_service_manager() -> bool {
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

/// Whether stderr is the journal: `JOURNAL_STREAM` names its device and inode (systemd.exec(5)). A process that was started
/// by one that writes to the journal has the variable too, and a stderr of its own.
pub fn stderr_is_journal() -> bool {
    let stderr = || {
        let copy = std::io::stderr().as_fd().try_clone_to_owned()?;
        std::fs::File::from(copy).metadata()
    };
    let journal = env::var("JOURNAL_STREAM").ok();
    let named = journal.as_deref().and_then(|stream| stream.split_once(':'));
    named.is_some_and(|(device, inode)| {
        stderr().is_ok_and(|meta| device.parse() == Ok(meta.dev()) && inode.parse() == Ok(meta.ino()))
    })
}
