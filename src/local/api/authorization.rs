//! GetEffectivePolicies and TestAuthorization, by the engine that the broker decides with.

use serde_json::{Value, json};

use super::context::Context;
use super::input::Input;
use crate::local::registry::fault::{Exception, Fault};
use crate::local::registry::view::{EffectivePolicy, PrincipalView};
use crate::policy::decision::{Decision, Outcome};
use crate::policy::engine;
use crate::policy::request::{Connection, Request};

pub(super) fn effective_policies(context: &Context, input: &Input) -> Result<Value, Fault> {
    let thing = input.maybe("thingName").unwrap_or_default();
    let (_, view) = principal(context, input, thing)?;
    context.registry.read(|state| {
        let rows = view.policies.iter().map(|policy| {
            let text = state.policies.get(&policy.name).and_then(|p| p.default_version()).map(|v| &v.text);
            json!({"policyName": policy.name, "policyArn": state.arn("policy", &policy.name), "policyDocument": text})
        });
        Ok(json!({"effectivePolicies": rows.collect::<Vec<_>>()}))
    })
}

pub(super) fn test(context: &Context, input: &Input) -> Result<Value, Fault> {
    let client_id = input.maybe("clientId").unwrap_or_default();
    let (id, view) = principal(context, input, client_id)?;
    let policies = chosen(context, input, view.policies.clone())?;
    let connection = Connection {
        client_id: client_id.parse().ok(),
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
    let worst =
        [Outcome::ExplicitDeny, Outcome::ImplicitDeny].into_iter().find(|o| decisions.iter().any(|d| d.outcome == *o));
    let Some(last) = decisions.iter().find(|d| Some(d.outcome) == worst).or(decisions.last()) else {
        return Err(Fault::new(Exception::InvalidRequest, "resources must not be empty"));
    };
    Ok(result(context, info, last))
}

fn result(context: &Context, info: &Value, decision: &Decision) -> Value {
    let rows = |outcome: Outcome| {
        let mut names: Vec<&str> = decision.statements.iter().map(|statement| statement.policy.as_str()).collect();
        names.dedup();
        let named = names.into_iter().filter(|_| decision.outcome == outcome);
        context.registry.read(|state| named.map(|name| super::policies::row(state, name)).collect::<Vec<_>>())
    };
    let missing: Vec<_> =
        decision.variables.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect();
    json!({
        "authInfo": info,
        "allowed": {"policies": rows(Outcome::Allowed)},
        "denied": {
            "implicitDeny": {"policies": rows(Outcome::ImplicitDeny)},
            "explicitDeny": {"policies": rows(Outcome::ExplicitDeny)},
        },
        "authDecision": decision.outcome,
        "missingContextValues": missing,
    })
}
