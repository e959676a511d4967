//! What is said to a command line that cannot be parsed.

use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::error::{Error, Kind};
use crate::ui::{Color, Format, Talk, Ui};

/// Shown below the list of verbs.
#[cfg(all(feature = "control", feature = "local"))]
pub(super) const FIRST_STEPS: &str = "\
First steps:
  iotctl demo                                         see it work, no account needed
  iotctl provision --thing pump-7                     make a device: certs/pump-7/
  iotctl run --bundle certs/pump-7                    publish its sensor's readings
";
/// Shown below the list of verbs.
#[cfg(not(all(feature = "control", feature = "local")))]
pub(super) const FIRST_STEPS: &str = "\
First steps:
  iotctl bundle verify certs/pump-7                   is the bundle whole?
  iotctl run --bundle certs/pump-7                    publish its sensor's readings
";

/// The verbs that a device build leaves out.
const ABSENT: &[&str] = &[
    #[cfg(not(all(feature = "control", feature = "local")))]
    "demo",
    #[cfg(not(feature = "control"))]
    "provision",
    #[cfg(not(feature = "control"))]
    "shadow",
    #[cfg(not(feature = "local"))]
    "local",
];

/// Prints help, version or the complaint; usage errors exit with 64, because 2 means "plan has changes".
pub(super) fn report(error: &clap::Error) -> ExitCode {
    if let Some(verb) = absent_verb(error) {
        let absent = Error::usage(format!("`{verb}` is not in this program: this is a device build"))
            .hint(format!("on your laptop: cargo install iotctl, then iotctl {verb}"));
        Ui::new(Format::Text, Talk::Normal, Color::Auto).error(&absent);
        return ExitCode::from(Kind::Usage.exit_code());
    }
    if let Some(bad_value) = bad_value(error) {
        Ui::new(Format::Text, Talk::Normal, Color::Auto).error(&bad_value);
        return ExitCode::from(Kind::Usage.exit_code());
    }
    // Help that was asked for goes to stdout, complaints to stderr; nobody can be told if that fails.
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        _ => ExitCode::from(Kind::Usage.exit_code()),
    }
}

/// A value that one of our own types refused: clap would show the sentence, and not the hints.
fn bad_value(error: &clap::Error) -> Option<Error> {
    let own = std::error::Error::source(error)?.downcast_ref::<Error>()?;
    let argument = error.get(ContextKind::InvalidArg).map_or_else(String::new, |argument| format!("`{argument}`: "));
    let shown = Error::usage(format!("{argument}{}", own.message()));
    Some(own.hints().iter().fold(shown, |shown, hint| shown.hint(hint)))
}

fn absent_verb(error: &clap::Error) -> Option<&'static str> {
    match (error.kind(), error.get(ContextKind::InvalidSubcommand)) {
        (ErrorKind::InvalidSubcommand, Some(ContextValue::String(typed))) => {
            ABSENT.iter().copied().find(|v| v == typed)
        }
        _ => None,
    }
}
