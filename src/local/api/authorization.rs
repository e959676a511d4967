//! GetEffectivePolicies and TestAuthorization, by the engine that the broker decides with.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::context::Context;
use super::input::Input;
use crate::local::registry::entry::Target;
use crate::local::registry::fault::{Exception, Fault};
use crate::local::registry::view::{EffectivePolicy, PrincipalView};
use crate::names::ClientId;
use crate::policy::decision::{Decision, Outcome};
use crate::policy::engine;
use crate::policy::request::{Connection, Request};

/// Of a certificate: its own policies and, with the name of a thing of its, those of the thing's groups. Of a thing
/// group: its own and those of the groups above it.
pub(super) fn effective_policies(context: &Context, input: &Input) -> Result<Value, Fault> {
    let names: BTreeSet<String> = match group(context, input)? {
        Some(policies) => policies.into_iter().collect(),
        None => {
            let (_, view) = principal(context, input, input.maybe("thingName").unwrap_or_default())?;
            view.policies.into_iter().map(|policy| policy.name).collect()
        }
    };
    context.registry.read(|state| {
        input.maybe("thingName").map_or(Ok(()), |thing| state.thing(thing).map(|_| ()))?;
        let rows = names.iter().map(|name| {
            let text = state.policies.get(name).and_then(|p| p.default_version()).map(|v| &v.text);
            json!({"policyName": name, "policyArn": state.arn("policy", name), "policyDocument": text})
        });
        Ok(json!({"effectivePolicies": rows.collect::<Vec<_>>()}))
    })
}

/// The policies of the principal, if it is a thing group.
fn group(context: &Context, input: &Input) -> Result<Option<Vec<String>>, Fault> {
    context.registry.read(|state| {
        let Some(name) = state.name_in(input.maybe("principal").unwrap_or_default(), "thinggroup") else {
            return Ok(None);
        };
        state.group(name)?;
        Ok(Some(state.attached_policies(&Target::Group(name.to_owned()), true)))
    })
}

pub(super) fn test(context: &Context, input: &Input) -> Result<Value, Fault> {
    let client_id: Option<ClientId> = match input.maybe("clientId") {
        Some(text) => Some(text.parse().map_err(|e| Fault::invalid(format!("Invalid clientId: {e}")))?),
        None => None,
    };
    let (id, view) = principal(context, input, client_id.as_ref().map_or("", ClientId::as_str))?;
    let policies = chosen(context, input, view.policies.clone())?;
    let connection = Connection {
        client_id,
        thing: view.thing,
        is_attached: Some(view.is_attached),
        certificate_id: Some(id),
        certificate: view.certificate,
        ..Connection::default()
    };
    let asked = input.value("authInfos").as_array().into_iter().flatten();
    let results: Result<Vec<Value>, Fault> = asked.map(|info| one(context, info, &policies, &connection)).collect();
    Ok(json!({"authResults": results?}))
}

/// The certificate that is asked about, as a connection under `client_id` sees it.
fn principal(context: &Context, input: &Input, client_id: &str) -> Result<(String, PrincipalView), Fault> {
    let arn =
        input.maybe("principal").ok_or_else(|| Fault::invalid("principal is required: the ARN of a certificate"))?;
    context.registry.read(|state| {
        let id = state.principal_id(arn)?;
        let view = state.principal(&id, client_id).ok_or_else(|| Fault::not_found("Certificate", &id))?;
        Ok((id, view))
    })
}

/// The policies with `policyNamesToAdd`, without `policyNamesToSkip`.
fn chosen(context: &Context, input: &Input, present: Vec<EffectivePolicy>) -> Result<Vec<EffectivePolicy>, Fault> {
    let skipped = input.texts("policyNamesToSkip");
    let kept = present.into_iter().filter(|policy| !skipped.contains(&policy.name.as_str()));
    let added = context.registry.read(|state| {
        let names = input.texts("policyNamesToAdd").into_iter();
        let found = names.map(|name| state.effective(name, false).ok_or_else(|| Fault::not_found("Policy", name)));
        found.collect::<Result<Vec<_>, _>>()
    })?;
    Ok(kept.chain(added).collect())
}

fn one(context: &Context, info: &Value, policies: &[EffectivePolicy], connection: &Connection) -> Result<Value, Fault> {
    let action = match info["actionType"].as_str().unwrap_or_default() {
        "PUBLISH" => "iot:Publish",
        "SUBSCRIBE" => "iot:Subscribe",
        "RECEIVE" => "iot:Receive",
        "CONNECT" => "iot:Connect",
        other => return Err(Fault::invalid(format!("Invalid actionType {other}"))),
    };
    let resources = info["resources"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let attached = EffectivePolicy::attached(policies);
    let decide = |resource: &str| {
        let request = Request { action: action.to_owned(), resource: resource.to_owned() };
        engine::decide(&attached, connection, &request)
    };
    let decisions: Vec<Decision> = resources.map(decide).collect();
    match decisions.is_empty() {
        true => Err(Fault::new(Exception::InvalidRequest, "resources must not be empty")),
        false => Ok(result(context, info, &decisions)),
    }
}

/// The answer for all resources together: one denial denies, and every policy that decided is named.
fn result(context: &Context, info: &Value, decisions: &[Decision]) -> Value {
    let with = |outcome: Outcome| decisions.iter().filter(move |decision| decision.outcome == outcome);
    let rows = |outcome: Outcome| {
        let names: BTreeSet<&str> =
            with(outcome).flat_map(|d| &d.statements).map(|statement| statement.policy.as_str()).collect();
        context.registry.read(|state| names.iter().map(|name| super::policies::row(state, name)).collect::<Vec<_>>())
    };
    let denials = [Outcome::ExplicitDeny, Outcome::ImplicitDeny];
    let worst = denials.into_iter().find(|outcome| with(*outcome).next().is_some()).unwrap_or(Outcome::Allowed);
    let variables = decisions.iter().flat_map(|decision| &decision.variables);
    let missing: BTreeSet<&String> = variables.filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect();
    json!({
        "authInfo": info,
        "allowed": {"policies": rows(Outcome::Allowed)},
        "denied": {
            "implicitDeny": {"policies": rows(Outcome::ImplicitDeny)},
            "explicitDeny": {"policies": rows(Outcome::ExplicitDeny)},
        },
        "authDecision": worst,
        "missingContextValues": missing,
    })
}
