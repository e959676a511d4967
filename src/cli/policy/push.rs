//! `iotctl policy push`

use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::template::PolicyTemplate;
use crate::cli::global::Global;
use crate::cli::provision::{client_options, show};
use crate::cli::signals;
use crate::config::duration;
use crate::control::client;
use crate::control::push;
use crate::control::push::plan::{Canary, Plan, Push as Wanted};
use crate::error::Result;
use crate::names::{PolicyName, ThingName};
use crate::ui::Ui;

/// Change a policy that is in use, with a device that tries it first
///
/// A new version becomes the default, which counts for every device that has the policy. With `--canary` one device gets
/// it alone, and only when that has connected anew and stayed does everybody; else it is undone (exit code 6). The oldest
/// version that does not count goes when there are five. Changed by somebody else meanwhile: exit code 7.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  iotctl policy push --policy-name iotctl-sensor --template ./sensor.json --canary pump-7
  iotctl policy push --policy-name iotctl-sensor --var prefix=factoryA --yes
")]
pub(in crate::cli) struct Push {
    /// The policy to change
    #[arg(long, value_name = "NAME")]
    policy_name: PolicyName,
    #[command(flatten)]
    source: PolicyTemplate,
    /// Let this thing try it first; fleet indexing must tell whether it is connected
    #[arg(long, value_name = "THING")]
    canary: Option<ThingName>,
    /// How long the canary may take to connect anew (on AWS a policy takes up to 8 minutes)
    #[arg(long, default_value = "15m", value_name = "TIME", value_parser = duration::parse)]
    wait: Duration,
    /// How long the canary must then stay connected
    #[arg(long, default_value = "30s", value_name = "TIME", value_parser = duration::parse)]
    settle: Duration,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

pub(in crate::cli) async fn run(arguments: Push, global: &Global, ui: Ui) -> Result<u8> {
    let stop = signals::stop()?;
    let template = arguments.source.load()?;
    let variables = arguments.source.variables(&template)?;
    let (patience, settle) = (arguments.wait, arguments.settle);
    let canary = arguments.canary.map(|thing| Canary { thing, patience, settle });
    let client = client::connect(&client_options(global)).await?;
    let plan = push::plan(&client, Wanted { name: arguments.policy_name, template, variables, canary }).await?;
    if !plan.is_carried_out() {
        plan.steps().iter().for_each(|step| ui.say(&format!("will {step}")));
        ui.confirm("go on?", arguments.yes)?;
    }
    let stopped = async {
        let _ = stop.await;
    };
    push::carry_out(&client, &plan, &mut |step| show(&step, ui), stopped).await?;
    answer(&plan, ui);
    Ok(0)
}

fn answer(plan: &Plan, ui: Ui) {
    let (name, changed) = (&plan.push.name, !plan.is_carried_out());
    let text = || match changed {
        true => format!("policy {name} is changed; on AWS it counts within 8 minutes"),
        false => format!("policy {name} is as wanted, no change"),
    };
    ui.result(text, &json!({"policy": name, "changed": changed}));
}
