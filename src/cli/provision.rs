//! `iotctl provision`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::global::Global;
use super::template::{PolicyTemplate, pair};
use crate::bundle::atomic;
use crate::config::feeder::FeederSettings;
use crate::control::client::{self, ClientOptions};
use crate::control::provision::{self, KeyPlan, Outcome, Request, Step};
use crate::error::Result;
use crate::names::{AccountId, AttributeName, AttributeValue, DataEndpoint, PolicyName, ThingName};
use crate::topic::TopicName;
use crate::ui::Ui;

/// Make a device: thing, key, certificate and policy, into a bundle
///
/// The private key is made here and never leaves this machine. The certificate becomes active last, when the
/// bundle is whole. It can be interrupted anywhere: the same command again goes on where it was. Run once more, it
/// changes nothing; a thing or policy that exists with other content is exit code 7, and nothing is written.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  iotctl provision --thing pump-7
  iotctl provision --thing pump-7 --thing-type pump --attribute site=plant1 --group line22
  iotctl provision --thing simple-publishing --template tutorial-publisher --topic bme680/temperature
")]
pub(super) struct Provision {
    /// Name of the thing; also its client id
    #[arg(long, value_name = "NAME")]
    thing: ThingName,
    /// Folder of the bundles: this one goes to DIR/NAME
    #[arg(long, default_value = "certs", value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    policy: PolicyTemplate,
    /// Name of the policy [default: iotctl-TEMPLATE, or TEMPLATE-NAME if the template names the thing]
    #[arg(long, value_name = "NAME")]
    policy_name: Option<PolicyName>,
    /// What it publishes to; can be repeated [default: PREFIX/NAME/temperature]
    #[arg(long = "topic", value_name = "TOPIC")]
    topics: Vec<TopicName>,
    /// Thing type; made if missing
    #[arg(long, value_name = "NAME")]
    thing_type: Option<ThingName>,
    /// Attribute of the thing; can be repeated (3 without a thing type, 50 with one)
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = attribute)]
    attributes: Vec<(AttributeName, AttributeValue)>,
    /// Thing group; made if missing; can be repeated
    #[arg(long = "group", value_name = "NAME")]
    groups: Vec<ThingName>,
    /// Where the private key is made
    #[arg(long, value_enum, default_value_t = KeyFrom::Here, value_name = "WHERE")]
    key_from: KeyFrom,
    /// Certificate signing request of a key that is kept elsewhere (PEM)
    #[arg(long, value_name = "FILE", conflicts_with = "key_from")]
    csr: Option<PathBuf>,
    /// Refuse any account but this
    #[arg(long, value_name = "ID")]
    account: Option<AccountId>,
    /// Where the device connects to [default: what AWS answers for iot:Data-ATS]
    #[arg(long, value_name = "HOST[:PORT]")]
    data_endpoint: Option<DataEndpoint>,
    /// Roots for the server certificate [default: Amazon's, or those of `iotctl local`]
    #[arg(long, value_name = "FILE")]
    root_ca: Option<PathBuf>,
    /// Go on when the certificate carries another key than ours (moto does that); it cannot connect
    #[arg(long)]
    accept_foreign_key: bool,
}

/// Where a private key is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum KeyFrom {
    /// On this machine: P-256, by a signing request
    Here,
    /// By AWS: RSA 2048, sent once (CreateKeysAndCertificate)
    Aws,
}

fn attribute(text: &str) -> std::result::Result<(AttributeName, AttributeValue), String> {
    let (name, value) = pair(text)?;
    let name = name.parse().map_err(|e: crate::error::Error| e.to_string())?;
    Ok((name, value.parse().map_err(|e: crate::error::Error| e.to_string())?))
}

pub(super) async fn run(arguments: Provision, global: &Global, ui: Ui) -> Result<u8> {
    let request = request(arguments)?;
    let client = client::connect(&client_options(global)).await?;
    let outcome = provision::run(&client, request, &mut |step| show(&step, ui)).await?;
    ui.result(|| sentence(&outcome), &answer(&outcome));
    Ok(0)
}

/// The AWS settings among the global flags.
pub(super) fn client_options(global: &Global) -> ClientOptions {
    ClientOptions {
        profile: global.profile.clone(),
        region: global.region.clone(),
        endpoint_url: global.endpoint_url.clone(),
    }
}

fn request(arguments: Provision) -> Result<Request> {
    let template = arguments.policy.load()?;
    let mut variables = arguments.policy.variables(&template)?;
    let mut topics = arguments.topics;
    if template.variables()?.contains("topic") {
        variables.extend(topics.first().map(|topic| ("topic".to_owned(), topic.to_string())));
    }
    if let (true, Some(prefix)) = (topics.is_empty(), variables.get("prefix")) {
        topics.push(format!("{prefix}/{}/temperature", arguments.thing).parse()?);
    }
    let feeder_toml = topics.first().map(|topic| FeederSettings::default_for(topic.clone()).to_toml());
    let key = match (arguments.csr, arguments.key_from) {
        (Some(path), _) => KeyPlan::Csr(atomic::read(&path)?),
        (None, KeyFrom::Here) => KeyPlan::Local,
        (None, KeyFrom::Aws) => KeyPlan::Aws,
    };
    Ok(Request {
        thing: arguments.thing,
        out: arguments.out,
        template,
        variables,
        policy_name: arguments.policy_name,
        thing_type: arguments.thing_type,
        attributes: arguments.attributes.into_iter().collect(),
        groups: arguments.groups,
        key,
        topics,
        feeder_toml: feeder_toml.unwrap_or_default(),
        data_endpoint: arguments.data_endpoint,
        roots_pem: arguments.root_ca.map(|path| atomic::read(&path)).transpose()?,
        accept_foreign_key: arguments.accept_foreign_key,
        account_guard: arguments.account,
    })
}

/// One line of progress.
pub(super) fn show(step: &Step, ui: Ui) {
    match step {
        Step::Done(text) => ui.done(text),
        Step::Same(text) => ui.same(text),
        Step::Warning(text) => ui.warn(text),
    }
}

fn sentence(outcome: &Outcome) -> String {
    let folder = outcome.folder.path().display();
    match outcome.changed {
        true => format!("{} is ready in {folder}\nnext: iotctl run --bundle {folder}", outcome.manifest.thing),
        false => format!("{} is ready in {folder}, no change", outcome.manifest.thing),
    }
}

/// The manifest, with where it is and whether anything was changed.
fn answer(outcome: &Outcome) -> serde_json::Value {
    let mut value = json!(outcome.manifest);
    value["bundle"] = json!(outcome.folder.path());
    value["changed"] = json!(outcome.changed);
    value
}
