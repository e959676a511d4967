//! CreateThing, DescribeThing, UpdateThing, DeleteThing, ListThings, GetThingConnectivityData.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::context::{self, Context};
use super::input::Input;
use super::page::{self, NEXT_TOKEN};
use crate::local::registry::entry::Thing;
use crate::local::registry::fault::Fault;
use crate::local::registry::things::ThingChange;

pub(super) fn create(context: &Context, input: &Input) -> Result<Value, Fault> {
    if input.maybe("billingGroupName").is_some() {
        return Err(Fault::invalid("`iotctl local` does not have billing groups yet"));
    }
    let (name, type_name) = (input.text("thingName"), input.maybe("thingTypeName"));
    let attributes = attributes(input).unwrap_or_default();
    context.registry.change(|state| {
        let thing = state.create_thing(name, type_name, attributes)?;
        Ok(json!({"thingName": name, "thingArn": state.arn("thing", name), "thingId": thing.id}))
    })
}

pub(super) fn describe(context: &Context, input: &Input) -> Result<Value, Fault> {
    let name = input.text("thingName");
    context.registry.read(|state| {
        let thing = state.thing(name)?;
        Ok(json!({
            "defaultClientId": name,
            "thingName": name,
            "thingId": thing.id,
            "thingArn": state.arn("thing", name),
            "thingTypeName": thing.type_name,
            "attributes": thing.attributes,
            "version": thing.version,
        }))
    })
}

pub(super) fn update(context: &Context, input: &Input) -> Result<Value, Fault> {
    let change = ThingChange {
        type_name: input.maybe("thingTypeName").map(str::to_owned),
        remove_type: input.flag("removeThingType"),
        attributes: attributes(input),
        merge: input.value("attributePayload")["merge"].as_bool().unwrap_or(false),
        expected_version: input.number("expectedVersion"),
    };
    context.registry.change(|state| state.update_thing(input.text("thingName"), change).map(|()| json!({})))
}

pub(super) fn delete(context: &Context, input: &Input) -> Result<Value, Fault> {
    let expected = input.number("expectedVersion");
    context.registry.change(|state| state.delete_thing(input.text("thingName"), expected).map(|()| json!({})))
}

/// Connectivity as fleet indexing has it; on AWS it must be switched on first (UpdateIndexingConfiguration).
pub(super) fn connectivity(context: &Context, input: &Input) -> Result<Value, Fault> {
    let name = input.text("thingName");
    context.registry.read(|state| state.thing(name).map(|_| ()))?;
    let presence = context.registry.presence(name);
    Ok(json!({
        "thingName": name,
        "connected": presence.is_some_and(|presence| presence.connected),
        "timestamp": presence.map(|presence| context::epoch(presence.since_ms)),
        "disconnectReason": presence.and_then(|presence| presence.disconnect_reason),
    }))
}

pub(super) fn list(context: &Context, input: &Input) -> Result<Value, Fault> {
    let items = context.registry.read(|state| {
        let chosen = state.things.iter().filter(|(_, thing)| is_wanted(thing, input));
        chosen.map(|(name, thing)| (name.clone(), row(name, state.arn("thing", name), thing))).collect()
    });
    page::page("things", items, NEXT_TOKEN, input)
}

fn row(name: &str, arn: String, thing: &Thing) -> Value {
    json!({
        "thingName": name,
        "thingArn": arn,
        "thingTypeName": thing.type_name,
        "attributes": thing.attributes,
        "version": thing.version,
    })
}

fn is_wanted(thing: &Thing, input: &Input) -> bool {
    let is_type = input.maybe("thingTypeName").is_none_or(|wanted| thing.type_name.as_deref() == Some(wanted));
    let prefix = input.flag("usePrefixAttributeValue");
    let fits = |value: &str| match input.maybe("attributeValue") {
        Some(wanted) if prefix => value.starts_with(wanted),
        Some(wanted) => value == wanted,
        None => true,
    };
    let has_attribute =
        input.maybe("attributeName").is_none_or(|name| thing.attributes.get(name).is_some_and(|v| fits(v)));
    is_type && has_attribute
}

fn attributes(input: &Input) -> Option<BTreeMap<String, String>> {
    let given = input.value("attributePayload").get("attributes")?.as_object()?;
    Some(given.iter().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect())
}
