//! The flags that every verb takes.

use clap::{ArgAction, Args};

use crate::names::Region;
use crate::ui::{Color, Format, Talk, Ui};

/// Global options.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct Global {
    /// Form of the data on stdout
    #[arg(short, long, global = true, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    output: Format,
    /// Say less: errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Say more; twice for everything
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    color: Color,
    /// AWS Region, such as eu-central-1 [default: that of the profile, or $AWS_REGION]
    #[arg(long, global = true)]
    pub region: Option<Region>,
    /// AWS profile of ~/.aws/config
    #[cfg(feature = "control")]
    #[arg(long, global = true)]
    pub profile: Option<String>,
    /// Address of another control plane, such as `iotctl local`'s
    #[cfg(feature = "control")]
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint_url: Option<String>,
}

impl Global {
    pub(super) fn ui(&self) -> Ui {
        let talk = match (self.quiet, self.verbose) {
            (true, _) => Talk::Quiet,
            (false, 0) => Talk::Normal,
            (false, _) => Talk::Verbose,
        };
        Ui::new(self.output, talk, self.color)
    }
}
