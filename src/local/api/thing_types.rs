//! CreateThingType, DescribeThingType, DeprecateThingType, DeleteThingType, ListThingTypes.

use serde_json::{Value, json};

use super::context::Context;
use super::input::Input;
use super::page::{self, NEXT_TOKEN};
use super::tags;
use crate::local::registry::entry::ThingType;
use crate::local::registry::fault::Fault;

/// Searchable attributes of a type at most (API reference of `CreateThingType`).
const MOST_SEARCHABLE: usize = 3;

pub(super) fn create(context: &Context, input: &Input) -> Result<Value, Fault> {
    let (name, properties) = (input.text("thingTypeName"), properties(input.value("thingTypeProperties"))?);
    let tags = tags::given(input)?;
    context.registry.change(|state| {
        let made = state.create_thing_type(name, properties, context.now())?;
        let arn = state.arn("thingtype", name);
        state.tags.entry(arn.clone()).or_insert(tags);
        Ok(json!({"thingTypeName": name, "thingTypeArn": arn, "thingTypeId": made.id}))
    })
}

/// What is kept of `thingTypeProperties`: the same for none and for empty ones.
fn properties(given: &Value) -> Result<Value, Fault> {
    if !given["mqtt5Configuration"].is_null() {
        return Err(Fault::invalid("`iotctl local` does not have mqtt5Configuration of thing types yet"));
    }
    let searchable = given["searchableAttributes"].as_array().cloned().unwrap_or_default();
    if searchable.len() > MOST_SEARCHABLE {
        return Err(Fault::invalid(format!("A thing type has at most {MOST_SEARCHABLE} searchable attributes")));
    }
    Ok(json!({"thingTypeDescription": given["thingTypeDescription"], "searchableAttributes": searchable}))
}

pub(super) fn describe(context: &Context, input: &Input) -> Result<Value, Fault> {
    let name = input.text("thingTypeName");
    context.registry.read(|state| {
        let found = state.thing_type(name)?;
        let mut answer = row(name, state.arn("thingtype", name), found);
        answer["thingTypeId"] = json!(found.id);
        Ok(answer)
    })
}

pub(super) fn deprecate(context: &Context, input: &Input) -> Result<Value, Fault> {
    let undo = input.flag("undoDeprecate");
    let name = input.text("thingTypeName");
    context.registry.change(|state| state.deprecate_thing_type(name, undo, context.now()).map(|()| json!({})))
}

pub(super) fn delete(context: &Context, input: &Input) -> Result<Value, Fault> {
    let name = input.text("thingTypeName");
    context.registry.change(|state| state.delete_thing_type(name, context.now()).map(|()| json!({})))
}

pub(super) fn list(context: &Context, input: &Input) -> Result<Value, Fault> {
    // The filter is a prefix (control-plane.md, 3.7).
    let prefix = input.maybe("thingTypeName").unwrap_or_default();
    let items = context.registry.read(|state| {
        let chosen = state.thing_types.iter().filter(|(name, _)| name.starts_with(prefix));
        chosen.map(|(name, found)| (name.clone(), row(name, state.arn("thingtype", name), found))).collect()
    });
    page::page("thingTypes", items, NEXT_TOKEN, input)
}

fn row(name: &str, arn: String, found: &ThingType) -> Value {
    json!({
        "thingTypeName": name,
        "thingTypeArn": arn,
        "thingTypeProperties": found.properties,
        "thingTypeMetadata": {
            "deprecated": found.deprecated.is_some(),
            "deprecationDate": found.deprecated,
            "creationDate": found.created,
        },
    })
}
