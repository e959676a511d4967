//! Policies on targets, certificates on things.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::context::Context;
use super::input::Input;
use super::page::{self, MARKER, NEXT_TOKEN};
use super::policies;
use crate::local::registry::entry::Attachment;
use crate::local::registry::fault::Fault;
use crate::local::registry::state::State;

pub(super) fn attach_policy(context: &Context, input: &Input) -> Result<Value, Fault> {
    let (name, target) = (input.text("policyName"), input.text("target"));
    context.registry.change(|state| state.attach_policy(name, target).map(|()| json!({})))
}

pub(super) fn detach_policy(context: &Context, input: &Input) -> Result<Value, Fault> {
    let (name, target) = (input.text("policyName"), input.text("target"));
    context.registry.change(|state| state.detach_policy(name, target).map(|()| json!({})))
}

pub(super) fn list_policies(context: &Context, input: &Input) -> Result<Value, Fault> {
    let items = context.registry.read(|state| {
        let target = state.target(input.text("target"))?;
        let names = state.attached_policies(&target, input.flag("recursive"));
        let rows: BTreeMap<_, _> = names.into_iter().map(|name| (name.clone(), policies::row(state, &name))).collect();
        Ok(rows.into_iter().collect())
    })?;
    page::page("policies", items, MARKER, input)
}

pub(super) fn list_targets(context: &Context, input: &Input) -> Result<Value, Fault> {
    let name = input.text("policyName");
    let items = context.registry.read(|state| {
        state.policy(name)?;
        let having = state.attached.iter().filter(|(_, policies)| policies.iter().any(|policy| policy == name));
        let arns = having.map(|(target, _)| state.target_arn(target));
        Ok(arns.map(|arn| (arn.clone(), json!(arn))).collect())
    })?;
    page::page("targets", items, MARKER, input)
}

pub(super) fn attach_principal(context: &Context, input: &Input) -> Result<Value, Fault> {
    let exclusive = input.maybe("thingPrincipalType") == Some(EXCLUSIVE);
    let (thing, principal) = (input.text("thingName"), input.text("principal"));
    context.registry.change(|state| state.attach_principal(thing, principal, exclusive).map(|()| json!({})))
}

pub(super) fn detach_principal(context: &Context, input: &Input) -> Result<Value, Fault> {
    let (thing, principal) = (input.text("thingName"), input.text("principal"));
    context.registry.change(|state| state.detach_principal(thing, principal).map(|()| json!({})))
}

pub(super) fn list_principals(context: &Context, input: &Input) -> Result<Value, Fault> {
    let items = principals(context, input, |arn, _| json!(arn))?;
    page::page("principals", items, NEXT_TOKEN, input)
}

pub(super) fn list_principals_2(context: &Context, input: &Input) -> Result<Value, Fault> {
    let row = |arn: &str, a: &Attachment| json!({"principal": arn, "thingPrincipalType": kind(a)});
    let items = principals(context, input, row)?;
    page::page("thingPrincipalObjects", items, NEXT_TOKEN, input)
}

pub(super) fn list_things(context: &Context, input: &Input) -> Result<Value, Fault> {
    let items = things(context, input, |a| json!(a.thing))?;
    page::page("things", items, NEXT_TOKEN, input)
}

pub(super) fn list_things_2(context: &Context, input: &Input) -> Result<Value, Fault> {
    let items = things(context, input, |a| json!({"thingName": a.thing, "thingPrincipalType": kind(a)}))?;
    page::page("principalThingObjects", items, NEXT_TOKEN, input)
}

const EXCLUSIVE: &str = "EXCLUSIVE_THING";
const NON_EXCLUSIVE: &str = "NON_EXCLUSIVE_THING";

type Rows = Vec<(String, Value)>;

fn kind(attachment: &Attachment) -> &'static str {
    if attachment.exclusive { EXCLUSIVE } else { NON_EXCLUSIVE }
}

fn is_wanted(attachment: &Attachment, input: &Input) -> bool {
    input.maybe("thingPrincipalType").is_none_or(|wanted| wanted == kind(attachment))
}

/// The certificates of a thing.
fn principals(context: &Context, input: &Input, row: impl Fn(&str, &Attachment) -> Value) -> Result<Rows, Fault> {
    let thing = input.text("thingName");
    context.registry.read(|state: &State| {
        state.thing(thing)?;
        let all = state.principals.iter().flat_map(|(id, things)| things.iter().map(move |a| (id, a)));
        let wanted = all.filter(|(_, attachment)| attachment.thing == thing && is_wanted(attachment, input));
        let arns = wanted.map(|(id, attachment)| (state.arn("cert", id), attachment));
        Ok(arns.map(|(arn, attachment)| (arn.clone(), row(&arn, attachment))).collect())
    })
}

/// The things of a certificate.
fn things(context: &Context, input: &Input, row: impl Fn(&Attachment) -> Value) -> Result<Rows, Fault> {
    context.registry.read(|state| {
        let id = state.principal_id(input.text("principal"))?;
        let attachments = state.principals.get(&id).into_iter().flatten().filter(|a| is_wanted(a, input));
        let rows: BTreeMap<_, _> = attachments.map(|attachment| (attachment.thing.clone(), row(attachment))).collect();
        Ok(rows.into_iter().collect())
    })
}
