//! Flags of what steers a run from afar.

use clap::Args;

use crate::cli::identity::Connecting;
use crate::config::feeder::remote::{RemoteSettings, SHADOW};
use crate::device::feeder::steering::Steering;
use crate::error::{Error, Result};
use crate::names::{ShadowAddress, ShadowName, ThingName};
use crate::topic::TopicName;

/// Off unless asked for.
#[derive(Debug, Args)]
#[command(next_help_heading = "From afar")]
pub(super) struct Afar {
    /// Take interval, enabled streams, deadbands and log level from a named shadow while it runs; `iotctl` if not named
    #[arg(long, value_name = "SHADOW", num_args = 0..=1, require_equals = true, default_missing_value = SHADOW)]
    remote_config: Option<ShadowName>,
    /// Listen for actions: `{"action": "pressure"}` switches to that stream alone, `{"action": "off"}` to none
    #[arg(long, value_name = "TOPIC")]
    action_topic: Option<TopicName>,
    /// Keep the latest readings in the classic shadow, as `{"reported": {"temperature": 21.6}}`
    #[arg(long)]
    report_to_shadow: bool,
}

impl Afar {
    /// Puts the flags over the settings of feeder.toml.
    pub(super) fn over(&self, settings: &mut RemoteSettings) {
        settings.shadow = self.remote_config.clone().or(settings.shadow.take());
        settings.action_topic = self.action_topic.clone().or(settings.action_topic.take());
        settings.report_to_shadow |= self.report_to_shadow;
    }
}

/// What the settings mean for whoever connects. Lines of standard input have no streams to steer.
///
/// # Errors
/// Usage, if a shadow is wanted and no thing is known.
pub(super) fn steering(settings: &RemoteSettings, connecting: &Connecting, of_lines: bool) -> Result<Steering> {
    if of_lines {
        return Ok(Steering::default());
    }
    let address = |name| Ok::<_, Error>(ShadowAddress { thing: thing(connecting)?, name });
    Ok(Steering {
        settings: settings.shadow.clone().map(|name| address(Some(name))).transpose()?,
        actions: settings.action_topic.clone(),
        readings: settings.report_to_shadow.then(|| address(None)).transpose()?,
    })
}

/// The Thing of the bundle; without one, that of the client id's name.
fn thing(connecting: &Connecting) -> Result<ThingName> {
    match &connecting.bundle {
        Some((_, manifest)) => Ok(manifest.thing.clone()),
        None => connecting.identity.client_id.as_str().parse().map_err(|error: Error| {
            Error::usage(format!("the client id is taken for the thing with the shadow, and is none: {error}"))
                .hint("--client-id NAME of the thing, or a bundle, which says whose it is")
        }),
    }
}
