//! A policy template, and what is known for its variables.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::global::Global;
use crate::config::environment;
use crate::error::{Error, Result};
use crate::names::{AccountId, Region, ThingName};
use crate::template::{Rendered, Template, Variables};
use crate::topic::TopicName;

/// Which template, and values for its variables.
#[derive(Debug, Args)]
pub(in crate::cli) struct PolicyTemplate {
    /// Policy template: sensor, sensor-remote, tutorial-publisher, observer, or a file
    #[arg(long, default_value = "sensor", value_name = "NAME|FILE")]
    pub(super) template: String,
    /// Value of a template variable; can be repeated
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = pair)]
    pub(super) variables: Vec<(String, String)>,
}

impl PolicyTemplate {
    /// The template: a path if it looks like one, else one that is compiled in.
    pub(in crate::cli) fn load(&self) -> Result<Template> {
        let path = Path::new(&self.template);
        if !self.template.contains(['/', '.']) {
            return Template::built_in(&self.template);
        }
        let text = std::fs::read_to_string(path)
            .map_err(|e| Error::bad_input(format!("cannot read template `{}`", self.template)).because(e))?;
        Ok(Template::new(PathBuf::from(path).display().to_string(), text))
    }

    /// The values given with `--var`, and those that have a default.
    pub(in crate::cli) fn variables(&self, template: &Template) -> Result<Variables> {
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
pub(in crate::cli) fn pair(text: &str) -> std::result::Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("it must be NAME=VALUE".to_owned()),
    }
}

/// What a template can ask for without a variable of its own.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Known {
    /// The thing
    #[arg(long, value_name = "NAME")]
    pub(super) thing: Option<ThingName>,
    /// The topic, for templates that name one
    #[arg(long)]
    pub(super) topic: Option<TopicName>,
    /// The account, as in ARNs
    #[arg(long, value_name = "ID")]
    pub(super) account: Option<AccountId>,
    /// The partition, as in ARNs
    #[arg(long, default_value = "aws", value_parser = ["aws", "aws-cn", "aws-us-gov"])]
    pub(super) partition: String,
}

impl Known {
    /// Renders the template; Region and account must be known if it asks for them.
    pub(super) fn render(&self, source: &PolicyTemplate, region: Option<Region>) -> Result<(Template, Rendered)> {
        let template = source.load()?;
        let mut given = source.variables(&template)?;
        given.extend(self.topic.as_ref().map(|topic| ("topic".to_owned(), topic.to_string())));
        let rendered = template.render(&given, &self.facts(region))?;
        Ok((template, rendered))
    }

    /// What is known without asking the user for it as a template variable; it may stay unused.
    fn facts(&self, region: Option<Region>) -> Variables {
        let known = [
            ("partition", Some(self.partition.clone())),
            ("region", region.map(String::from)),
            ("account", self.account.clone().map(String::from)),
            ("thing", self.thing.clone().map(String::from)),
        ];
        known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

/// The Region of the command line, or of the environment.
pub(super) fn region(global: &Global) -> Result<Option<Region>> {
    global.region.clone().map_or_else(environment::region, |region| Ok(Some(region)))
}
