//! The bundle, and the clock that its certificate is judged by.

use time::OffsetDateTime;

use super::findings::Findings;
use crate::bundle::folder::{Bundle, Folder};
use crate::bundle::verify::{self, verify};
use crate::device::check::Check;
use crate::device::clock::Synchrony;
use crate::error::{Error, Kind, Result};

/// The check of `bundle verify` that the clock decides.
const VALIDITY: &str = "validity";

/// Looks at the bundle as `iotctl bundle verify` does, and opens it.
pub fn bundle(folder: &Folder, now: OffsetDateTime, findings: &mut Findings) -> Option<Bundle> {
    let checks = verify(folder, now);
    let count = checks.len();
    let failed: Vec<_> = checks.into_iter().filter(|check| !check.ok && check.name != VALIDITY).collect();
    let opened = findings.take("bundle", opened(folder, &failed, count));
    // One that was changed may still open, and then the rest is worth a look.
    opened.or_else(|| folder.open().ok())
}

fn opened(folder: &Folder, failed: &[verify::Check], count: usize) -> Result<(Bundle, String)> {
    if let Some(first) = failed.first() {
        let error = Error::bad_input(format!("{}: {}", first.name, first.found));
        return Err(first.cure.iter().fold(error, |error, cure| error.hint(cure)));
    }
    let bundle = folder.open()?;
    let found = format!("`{}`: {count} checks of `iotctl bundle verify` passed", bundle.manifest.thing);
    Ok((bundle, found))
}

/// Looks at the clock: against the dates of the certificate, and whether it was set.
pub fn clock(folder: &Folder, clock: Synchrony, now: OffsetDateTime, findings: &mut Findings) -> bool {
    let validity = verify(folder, now).into_iter().find(|check| check.name == VALIDITY);
    let shown = format!("{} {:02}:{:02}:{:02} UTC", now.date(), now.hour(), now.minute(), now.second());
    match (validity, clock) {
        (Some(check), _) if !check.ok => {
            let error = Error::new(Kind::Configuration, check.found);
            findings.fail("clock", &check.cure.iter().fold(error, |error, cure| error.hint(cure)));
            return false;
        }
        (Some(check), Synchrony::Unsynced) => findings.add(Check::warn(
            "clock",
            format!("{shown}, not set from the network since the start; certificate {}", check.found),
            "sudo timedatectl set-ntp true",
        )),
        (Some(check), _) => findings.add(Check::ok("clock", format!("{shown}; certificate {}", check.found))),
        (None, _) => findings.skip(&["clock"], "there is no certificate to judge it by"),
    }
    true
}
