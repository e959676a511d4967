//! `iotctl policy`

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::global::Global;
use crate::config::environment;
use crate::error::{Error, Result};
use crate::names::{AccountId, Region, ThingName};
use crate::template::{Template, Variables};
use crate::topic::TopicName;
use crate::ui::Ui;

#[cfg(feature = "control")]
mod push;

/// Least-privilege policies from templates
#[derive(Debug, Subcommand)]
pub(super) enum Policy {
    Render(Render),
    #[cfg(feature = "control")]
    Push(Box<push::Push>),
}

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
pub(super) struct Render {
    #[command(flatten)]
    source: PolicyTemplate,
    /// The thing, for templates that name it
    #[arg(long, value_name = "NAME")]
    thing: Option<ThingName>,
    /// The topic, for templates that name one
    #[arg(long)]
    topic: Option<TopicName>,
    /// The account, as in ARNs
    #[arg(long, value_name = "ID")]
    account: Option<AccountId>,
    /// The partition, as in ARNs
    #[arg(long, default_value = "aws", value_parser = ["aws", "aws-cn", "aws-us-gov"])]
    partition: String,
}

/// Which template, and values for its variables.
#[derive(Debug, Args)]
pub(super) struct PolicyTemplate {
    /// Policy template: sensor, tutorial-publisher, observer, or a file
    #[arg(long, default_value = "sensor", value_name = "NAME|FILE")]
    template: String,
    /// Value of a template variable; can be repeated
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = pair)]
    variables: Vec<(String, String)>,
}

impl PolicyTemplate {
    /// The template: a path if it looks like one, else one that is compiled in.
    pub(super) fn load(&self) -> Result<Template> {
        let path = Path::new(&self.template);
        if !self.template.contains(['/', '.']) {
            return Template::built_in(&self.template);
        }
        let text = std::fs::read_to_string(path)
            .map_err(|e| Error::bad_input(format!("cannot read template `{}`", self.template)).because(e))?;
        Ok(Template::new(PathBuf::from(path).display().to_string(), text))
    }

    /// The values given with `--var`, and those that have a default.
    pub(super) fn variables(&self, template: &Template) -> Result<Variables> {
        let mut variables: Variables = self.variables.iter().cloned().collect();
        if template.variables()?.contains("prefix") {
            variables.entry("prefix".to_owned()).or_insert_with(|| DEFAULT_PREFIX.to_owned());
        }
        Ok(variables)
    }
}

/// First level of the topics of a fleet, unless `--var prefix=` says otherwise.
const DEFAULT_PREFIX: &str = "sensors";

/// Parses `NAME=VALUE`.
pub(super) fn pair(text: &str) -> std::result::Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("it must be NAME=VALUE".to_owned()),
    }
}

pub(super) async fn run(command: Policy, global: &Global, ui: Ui) -> Result<u8> {
    match command {
        Policy::Render(arguments) => render(&arguments, global, ui),
        #[cfg(feature = "control")]
        Policy::Push(arguments) => push::run(*arguments, global, ui).await,
    }
}

fn render(arguments: &Render, global: &Global, ui: Ui) -> Result<u8> {
    let template = arguments.source.load()?;
    let mut given = arguments.source.variables(&template)?;
    given.extend(arguments.topic.as_ref().map(|topic| ("topic".to_owned(), topic.to_string())));
    let region = global.region.clone().map_or_else(environment::region, |region| Ok(Some(region)))?;
    let rendered = template.render(&given, &facts(arguments, region))?;
    let policy: serde_json::Value =
        serde_json::from_str(&rendered.json).map_err(|e| Error::failed("the policy is not JSON").because(e))?;
    ui.result(
        || rendered.json.clone(),
        &json!({"template": template.name, "length": rendered.length, "policy": policy}),
    );
    ui.detail(&format!("{} of 2048 characters", rendered.length));
    Ok(0)
}

/// What is known without asking the user for it as a template variable; it may stay unused.
fn facts(arguments: &Render, region: Option<Region>) -> Variables {
    let known = [
        ("partition", Some(arguments.partition.clone())),
        ("region", region.map(String::from)),
        ("account", arguments.account.clone().map(String::from)),
        ("thing", arguments.thing.clone().map(String::from)),
    ];
    known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}
