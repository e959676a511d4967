//! `iotctl provision`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::global::Global;
use super::policy::template::{PolicyTemplate, pair};
use crate::bundle::atomic;
use crate::control::client::{self, ClientOptions};
use crate::control::progress::Step;
use crate::control::provision;
use crate::control::provision::report::Outcome;
use crate::control::provision::request::{KeyPlan, Request};
use crate::error::{Error, Result};
use crate::names::{AccountId, AttributeName, AttributeValue, DataEndpoint, PolicyName, ThingName};
use crate::pki::certificate::Certificate;
use crate::pki::csr::SigningRequest;
use crate::template::{Template, Variables};
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
  iotctl provision --thing simple-publishing --template tutorial-publisher \\
      --topic bme680/temperature

IAM actions that it calls:
  always    iot:DescribeThing iot:DescribeEndpoint iot:GetPolicy iot:CreateThing iot:CreatePolicy
            iot:CreateCertificateFromCsr iot:AttachThingPrincipal iot:AttachPolicy
            iot:UpdateCertificate
  again     iot:ListThingPrincipals iot:ListCertificates iot:DescribeCertificate
            iot:ListAttachedPolicies
  with --thing-type, --group
            iot:DescribeThingType iot:CreateThingType iot:DescribeThingGroup
            iot:ListThingGroupsForThing iot:CreateThingGroup iot:AddThingToThingGroup
  with --key-from aws
            iot:CreateKeysAndCertificate
  if allowed, to tell the account of an empty Region
            iot:ListDomainConfigurations
  to clean up behind a stand-in that certifies another key
            iot:DeleteCertificate
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
    let outcome = provision::run(&client, &request, &mut |step| show(&step, ui)).await?;
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
    let topics = topics(arguments.topics, &arguments.thing, &template, &mut variables)?;
    let key = match (arguments.csr, arguments.key_from) {
        (Some(path), _) => KeyPlan::Csr(SigningRequest::from_pem(&path.display().to_string(), &atomic::read(&path)?)?),
        (None, KeyFrom::Here) => KeyPlan::Local,
        (None, KeyFrom::Aws) => KeyPlan::Aws,
    };
    Ok(Request {
        thing: arguments.thing,
        out: arguments.out,
        template,
        variables,
        policy_name: arguments.policy_name,
        topics,
        thing_type: arguments.thing_type,
        attributes: distinct(arguments.attributes)?,
        groups: arguments.groups.into_iter().collect(),
        key,
        account: arguments.account,
        data_endpoint: arguments.data_endpoint,
        roots_pem: arguments.root_ca.as_deref().map(roots).transpose()?,
        accept_foreign_key: arguments.accept_foreign_key,
    })
}

/// What the device publishes to. The template's variable `topic` is the first one; its `prefix` makes a default, if the
/// policy lets the device publish at all.
fn topics(
    mut topics: Vec<TopicName>,
    thing: &ThingName,
    template: &Template,
    variables: &mut Variables,
) -> Result<Vec<TopicName>> {
    if template.variables()?.contains("topic") {
        variables.extend(topics.first().map(|topic| ("topic".to_owned(), topic.to_string())));
    }
    if let (true, Some(prefix)) = (topics.is_empty(), variables.get("prefix"))
        && publishes(template, thing, variables)?
    {
        topics.push(format!("{prefix}/{thing}/temperature").parse()?);
    }
    Ok(topics)
}

/// Whether the policy lets its device publish anything; account and Region do not matter for that.
fn publishes(template: &Template, thing: &ThingName, variables: &Variables) -> Result<bool> {
    let facts = [("partition", "aws"), ("region", "us-east-1"), ("account", "000000000000"), ("thing", thing.as_str())];
    let facts: Variables = facts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Ok(template.render(variables, &facts)?.document.allows_somewhere("iot:Publish"))
}

fn distinct(attributes: Vec<(AttributeName, AttributeValue)>) -> Result<BTreeMap<AttributeName, AttributeValue>> {
    let mut distinct = BTreeMap::new();
    for (name, value) in attributes {
        if distinct.insert(name.clone(), value).is_some() {
            return Err(Error::usage(format!("attribute `{name}` is given twice")));
        }
    }
    Ok(distinct)
}

fn roots(path: &Path) -> Result<String> {
    let pem = atomic::read(path)?;
    Certificate::from_pem(&path.display().to_string(), &pem).map(|_| pem)
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
    let (folder, thing) = (outcome.folder.path().display(), &outcome.manifest.thing);
    match (outcome.foreign_key, outcome.changed) {
        (true, _) => format!("{thing} is in {folder}, and cannot connect: the certificate carries another key"),
        (false, true) if outcome.manifest.topics.is_empty() => {
            format!("{thing} is ready in {folder}\nnext: iotctl sub --bundle {folder} 'FILTER'")
        }
        (false, true) => format!("{thing} is ready in {folder}\nnext: iotctl run --bundle {folder}"),
        (false, false) => format!("{thing} is ready in {folder}, no change"),
    }
}

/// The manifest, with where it is, whether anything was changed, and whether the device can connect at all.
fn answer(outcome: &Outcome) -> serde_json::Value {
    let mut value = json!(outcome.manifest);
    value["bundle"] = json!(outcome.folder.path());
    value["changed"] = json!(outcome.changed);
    value["foreign_key"] = json!(outcome.foreign_key);
    value
}
