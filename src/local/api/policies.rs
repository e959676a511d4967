//! Policies and their versions.

use serde_json::{Value, json};

use super::context::Context;
use super::input::Input;
use super::{page, tags};
use crate::local::registry::fault::Fault;
use crate::local::registry::state::State;

pub(super) fn create(context: &Context, input: &Input) -> Result<Value, Fault> {
    let (name, text) = (input.text("policyName"), input.text("policyDocument"));
    let tags = tags::given(input)?;
    context.registry.change(|state| {
        state.create_policy(name, text, context.now())?;
        let arn = state.arn("policy", name);
        state.tags.insert(arn.clone(), tags);
        Ok(json!({
            "policyName": name,
            "policyArn": arn,
            "policyDocument": text,
            "policyVersionId": "1",
        }))
    })
}

pub(super) fn get(context: &Context, input: &Input) -> Result<Value, Fault> {
    let name = input.text("policyName");
    context.registry.read(|state| {
        let policy = state.policy(name)?;
        Ok(json!({
            "policyName": name,
            "policyArn": state.arn("policy", name),
            "policyDocument": policy.default_version().map(|version| &version.text),
            "defaultVersionId": policy.default.to_string(),
            "creationDate": policy.created,
            "lastModifiedDate": policy.modified,
            "generationId": format!("{name}-{}", policy.default),
        }))
    })
}

pub(super) fn delete(context: &Context, input: &Input) -> Result<Value, Fault> {
    context.registry.change(|state| state.delete_policy(input.text("policyName")).map(|()| json!({})))
}

pub(super) fn list(context: &Context, input: &Input) -> Result<Value, Fault> {
    let items = context.registry.read(|state| {
        state.policies.iter().map(|(name, policy)| (page::by_age(policy.serial), row(state, name))).collect()
    });
    page::page_by_age("policies", items, input)
}

pub(super) fn create_version(context: &Context, input: &Input) -> Result<Value, Fault> {
    let (name, text, default) = (input.text("policyName"), input.text("policyDocument"), input.flag("setAsDefault"));
    context.registry.change(|state| {
        let number = state.create_policy_version(name, text, default, context.now())?;
        Ok(json!({
            "policyArn": state.arn("policy", name),
            "policyDocument": text,
            "policyVersionId": number.to_string(),
            "isDefaultVersion": default,
        }))
    })
}

pub(super) fn get_version(context: &Context, input: &Input) -> Result<Value, Fault> {
    let (name, number) = (input.text("policyName"), number(input)?);
    context.registry.read(|state| {
        let version = state.policy_version(name, number)?;
        Ok(json!({
            "policyArn": state.arn("policy", name),
            "policyName": name,
            "policyDocument": version.text,
            "policyVersionId": number.to_string(),
            "isDefaultVersion": state.policy(name)?.default == number,
            "creationDate": version.created,
            "lastModifiedDate": version.created,
            "generationId": format!("{name}-{number}"),
        }))
    })
}

pub(super) fn list_versions(context: &Context, input: &Input) -> Result<Value, Fault> {
    context.registry.read(|state| {
        let policy = state.policy(input.text("policyName"))?;
        let versions = policy.versions.iter().rev().map(|(number, version)| {
            let is_default = *number == policy.default;
            json!({"versionId": number.to_string(), "isDefaultVersion": is_default, "createDate": version.created})
        });
        Ok(json!({"policyVersions": versions.collect::<Vec<_>>()}))
    })
}

pub(super) fn set_default_version(context: &Context, input: &Input) -> Result<Value, Fault> {
    let (name, number) = (input.text("policyName"), number(input)?);
    context.registry.change(|state| state.set_default_policy_version(name, number, context.now()).map(|()| json!({})))
}

pub(super) fn delete_version(context: &Context, input: &Input) -> Result<Value, Fault> {
    let (name, number) = (input.text("policyName"), number(input)?);
    context.registry.change(|state| state.delete_policy_version(name, number).map(|()| json!({})))
}

/// A policy as lists show it.
pub(super) fn row(state: &State, name: &str) -> Value {
    json!({"policyName": name, "policyArn": state.arn("policy", name)})
}

fn number(input: &Input) -> Result<u64, Fault> {
    let text = input.text("policyVersionId");
    text.parse().map_err(|_| Fault::invalid(format!("Invalid policy version id {text}")))
}
