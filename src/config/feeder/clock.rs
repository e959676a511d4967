//! `clock`: what says that the clock on the wall is right.

use std::path::PathBuf;

use serde::Deserialize;

/// What is believed of the clock.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum ClockTrust {
    /// What systemd-timesyncd says, where it runs; elsewhere any time that is not in the past.
    #[default]
    Auto,
    /// It is right.
    Trusted,
    /// It is right when this file exists.
    File(PathBuf),
}

impl TryFrom<String> for ClockTrust {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "auto" => Ok(Self::Auto),
            "trusted" => Ok(Self::Trusted),
            path if path.starts_with('/') => Ok(Self::File(path.into())),
            _ => Err(format!(
                "`{text}` is neither `auto`, `trusted` nor the path of a file, such as `/run/clock-is-right`"
            )),
        }
    }
}
