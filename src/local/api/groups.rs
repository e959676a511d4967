//! Thing groups: CreateThingGroup, DescribeThingGroup, DeleteThingGroup, ListThingGroups, and their members.

use serde_json::{Map, Value, json};

use super::context::Context;
use super::input::Input;
use super::page::{self, NEXT_TOKEN};
use super::tags;
use crate::local::registry::fault::Fault;
use crate::local::registry::state::State;

pub(super) fn create(context: &Context, input: &Input) -> Result<Value, Fault> {
    let (name, parent) = (input.text("thingGroupName"), input.maybe("parentGroupName"));
    let (properties, tags) = (properties(input.value("thingGroupProperties")), tags::given(input)?);
    context.registry.change(|state| {
        let group = state.create_group(name, parent, properties, context.now())?;
        let arn = state.arn("thinggroup", name);
        state.tags.entry(arn.clone()).or_insert(tags);
        Ok(json!({"thingGroupName": name, "thingGroupArn": arn, "thingGroupId": group.id}))
    })
}

/// What is kept of `thingGroupProperties`: the same for none and for empty ones, and not how they came (`merge`).
fn properties(given: &Value) -> Value {
    let attributes = given["attributePayload"]["attributes"].as_object().cloned().unwrap_or_default();
    let attributes: Map<_, _> = attributes.into_iter().filter(|(_, value)| value != "").collect();
    json!({"thingGroupDescription": given["thingGroupDescription"], "attributePayload": {"attributes": attributes}})
}

pub(super) fn describe(context: &Context, input: &Input) -> Result<Value, Fault> {
    let name = input.text("thingGroupName");
    context.registry.read(|state| {
        let group = state.group(name)?;
        let mut above: Vec<&str> = state.lineage(name).skip(1).collect();
        above.reverse();
        let above: Vec<Value> = above.into_iter().map(|name| row(state, name)).collect();
        Ok(json!({
            "thingGroupName": name,
            "thingGroupId": group.id,
            "thingGroupArn": state.arn("thinggroup", name),
            "version": group.version,
            "thingGroupProperties": group.properties,
            "thingGroupMetadata": {
                "parentGroupName": group.parent,
                "rootToParentThingGroups": above,
                "creationDate": group.created,
            },
        }))
    })
}

pub(super) fn delete(context: &Context, input: &Input) -> Result<Value, Fault> {
    let expected = input.number("expectedVersion");
    context.registry.change(|state| state.delete_group(input.text("thingGroupName"), expected).map(|()| json!({})))
}

pub(super) fn list(context: &Context, input: &Input) -> Result<Value, Fault> {
    let prefix = input.maybe("namePrefixFilter").unwrap_or_default();
    let (parent, recursive) = (input.maybe("parentGroup"), input.value("recursive").as_bool().unwrap_or(true));
    let items = context.registry.read(|state| {
        parent.map_or(Ok(()), |parent| state.group(parent).map(|_| ()))?;
        let below = |name: &str| match parent {
            None => recursive || state.groups.get(name).is_some_and(|group| group.parent.is_none()),
            Some(parent) if recursive => state.lineage(name).skip(1).any(|above| above == parent),
            Some(parent) => state.lineage(name).nth(1) == Some(parent),
        };
        let names = state.groups.keys().filter(|name| name.starts_with(prefix) && below(name));
        Ok(names.map(|name| (name.clone(), row(state, name))).collect())
    })?;
    page::page("thingGroups", items, NEXT_TOKEN, input)
}

pub(super) fn add_thing(context: &Context, input: &Input) -> Result<Value, Fault> {
    context.registry.change(|state| {
        let (thing, group) = pair(state, input)?;
        state.add_to_group(&thing, &group).map(|()| json!({}))
    })
}

pub(super) fn remove_thing(context: &Context, input: &Input) -> Result<Value, Fault> {
    context.registry.change(|state| {
        let (thing, group) = pair(state, input)?;
        state.remove_from_group(&thing, &group).map(|()| json!({}))
    })
}

pub(super) fn list_of_thing(context: &Context, input: &Input) -> Result<Value, Fault> {
    let thing = input.text("thingName");
    let items = context.registry.read(|state| {
        state.thing(thing)?;
        Ok(state.groups_of(thing).map(|name| (name.to_owned(), row(state, name))).collect())
    })?;
    page::page("thingGroups", items, NEXT_TOKEN, input)
}

pub(super) fn list_things(context: &Context, input: &Input) -> Result<Value, Fault> {
    let (group, recursive) = (input.text("thingGroupName"), input.flag("recursive"));
    let items = context.registry.read(|state| {
        state.group(group)?;
        let counts = |name: &str| name == group || (recursive && state.lineage(name).any(|above| above == group));
        let things: std::collections::BTreeSet<&String> =
            state.members.iter().filter(|(name, _)| counts(name)).flat_map(|(_, things)| things).collect();
        Ok(things.into_iter().map(|name| (name.clone(), json!(name))).collect())
    })?;
    page::page("things", items, NEXT_TOKEN, input)
}

fn row(state: &State, name: &str) -> Value {
    json!({"groupName": name, "groupArn": state.arn("thinggroup", name)})
}

/// Thing and group, each by name or by ARN.
fn pair(state: &State, input: &Input) -> Result<(String, String), Fault> {
    Ok((one(state, input, "thing", "thing")?, one(state, input, "thingGroup", "thinggroup")?))
}

fn one(state: &State, input: &Input, member: &str, kind: &str) -> Result<String, Fault> {
    let by_name = input.maybe(&format!("{member}Name"));
    let by_arn = input.maybe(&format!("{member}Arn")).and_then(|arn| state.name_in(arn, kind));
    by_name
        .or(by_arn)
        .map(str::to_owned)
        .ok_or_else(|| Fault::invalid(format!("{member}Name or {member}Arn is required")))
}
