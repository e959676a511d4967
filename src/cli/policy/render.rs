//! `iotctl policy render`

use clap::Args;
use serde_json::json;

use super::template::{Known, PolicyTemplate, region};
use crate::cli::global::Global;
use crate::error::{Error, Result};
use crate::ui::Ui;

/// Render a policy template
///
/// Prints the policy as it would be attached. A missing, unknown or unused variable is an error, and so is a
/// policy of over 2048 characters (white space not counted). Nothing is sent.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  iotctl policy render --template tutorial-publisher --thing simple-publishing --topic bme680/temperature \
      --region eu-central-1 --account 123456789012
  iotctl policy render --var prefix=factoryA --region eu-central-1 --account 123456789012
  iotctl policy render --template ./mine.json --var line=22
")]
pub(in crate::cli) struct Render {
    #[command(flatten)]
    template: PolicyTemplate,
    #[command(flatten)]
    known: Known,
}

pub(super) fn run(arguments: &Render, global: &Global, ui: Ui) -> Result<u8> {
    let (template, rendered) = arguments.known.render(&arguments.template, region(global)?)?;
    let policy: serde_json::Value =
        serde_json::from_str(&rendered.json).map_err(|e| Error::failed("the policy is not JSON").because(e))?;
    ui.result(
        || rendered.json.clone(),
        &json!({"template": template.name, "length": rendered.length, "policy": policy}),
    );
    ui.detail(&format!("{} of 2048 characters", rendered.length));
    Ok(0)
}
