//! `iotctl policy explain`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::facts::FactFlags;
use super::source::{Loaded, Rendering};
use crate::bundle::folder::Folder;
use crate::cli::global::Global;
use crate::error::{Error, Kind, Result};
use crate::names::ClientId;
use crate::policy::actions::{self, ACTIONS, Action};
use crate::policy::checks::Scope;
use crate::policy::decision::Decision;
use crate::policy::engine::{Attached, decide};
use crate::policy::facts::Facts;
use crate::policy::request::{Connection, Request};
use crate::ui::Ui;

/// Say whether a request is allowed, and why
///
/// Which statements decided, how their variables were filled in, which statement came nearest, and the smallest one
/// that would allow it. Nothing is sent: AWS is not asked. Exit code 5 if it is denied.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  iotctl policy explain Publish sensors/pump-7/temperature --bundle certs/pump-7
  iotctl policy explain iot:Connect pump-7 --policy policy.json --thing pump-7 --attached no
  iotctl policy explain Subscribe 'orders/#' --template sensor --thing pump-7
")]
pub(in crate::cli) struct Explain {
    /// Such as iot:Publish; `iot:` and letter case may be left out
    action: String,
    /// An ARN, or what follows its account: topic/a/b, or just a/b
    resource: String,
    /// A bundle: its policy, thing, client id, Region and account
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,
    /// A policy of the certificate, up to ten; `-` for stdin
    #[arg(long = "policy", value_name = "FILE", num_args = 1.., required_unless_present_any = ["bundle", "template"])]
    policies: Vec<PathBuf>,
    #[command(flatten)]
    rendering: Rendering,
    #[command(flatten)]
    connection: FactFlags,
}

pub(super) fn run(arguments: &Explain, global: &Global, ui: Ui) -> Result<u8> {
    let action = actions::find(&arguments.action).ok_or_else(|| unknown(&arguments.action))?;
    let mut said = arguments.connection.facts(arguments.rendering.known.thing.as_ref());
    said.client_id = said.client_id.or_else(|| client_id_asked_for(action, &arguments.resource));
    let mut scope = arguments.rendering.scope(global)?;
    let mut policies = arguments.rendering.load(&arguments.policies, global)?;
    let mut facts = said.clone();
    if let Some(bundle) = &arguments.bundle {
        let folder = Folder::find(bundle, said.thing.as_ref())?;
        policies.push(Loaded::read(folder.path())?);
        facts = said.over(&of_bundle(&folder, &mut scope)?);
    }
    let request = scope.asked(action, &arguments.resource);
    let connection = facts.connection(&scope);
    let decision = answer(&request, &policies, &connection);
    let text = || format!("{}\n\n{}", asker(&connection, &policies), decision.explain());
    ui.result(text, &json!({"decision": decision, "explanation": decision.explain()}));
    Ok(if decision.is_allowed() { 0 } else { Kind::Denied.exit_code() })
}

fn answer(request: &Request, policies: &[Loaded], connection: &Connection) -> Decision {
    let attached = policies.iter().map(|p| Attached { name: &p.name, document: &p.document, deny_only: false });
    decide(&attached.collect::<Vec<_>>(), connection, request)
}

/// Who connects has the client id that is asked for.
fn client_id_asked_for(action: &Action, resource: &str) -> Option<ClientId> {
    let named = resource.rsplit_once(":client/").map(|(_, name)| name).or_else(|| resource.strip_prefix("client/"));
    named.unwrap_or(resource).parse().ok().filter(|_| action.name == "iot:Connect")
}

/// What `bundle.json` knows of the connection and of its ARNs.
fn of_bundle(folder: &Folder, scope: &mut Scope) -> Result<Facts> {
    let manifest = folder.manifest()?;
    let arn = manifest.certificate_arn.as_ref();
    scope.region =
        manifest.region.clone().or_else(|| arn.map(|arn| arn.region.clone())).unwrap_or(scope.region.clone());
    scope.account =
        manifest.account.clone().or_else(|| arn.map(|arn| arn.account.clone())).unwrap_or(scope.account.clone());
    scope.partition = arn.map_or_else(|| scope.partition.clone(), |arn| arn.partition.clone());
    Ok(Facts {
        client_id: Some(manifest.client_id),
        thing: Some(manifest.thing),
        certificate_id: manifest.certificate_id,
        domain_name: manifest.endpoint,
        ..Facts::default()
    })
}

/// Who asks, and what holds for them.
fn asker(connection: &Connection, policies: &[Loaded]) -> String {
    let who = match (&connection.client_id, &connection.thing) {
        (None, _) => "nobody in particular, or over HTTP (--thing and --client-id name a client)".to_owned(),
        (Some(id), Some(thing)) => format!("client `{id}`, attached to thing `{}`", thing.name),
        (Some(id), None) => format!("client `{id}`, attached to no thing of its name"),
    };
    let names: Vec<String> = policies.iter().map(|policy| format!("`{}`", policy.name)).collect();
    format!("asked by {who}; under {}", names.join(", "))
}

fn unknown(action: &str) -> Error {
    let known: Vec<&str> = ACTIONS.iter().map(|action| action.name).collect();
    Error::usage(format!("`{action}` is no action of AWS IoT policies")).hint(format!("they are {}", known.join(", ")))
}
