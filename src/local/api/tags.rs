//! TagResource, UntagResource, ListTagsForResource, and the tags of create calls.

use serde_json::{Value, json};

use super::context::Context;
use super::input::Input;
use super::page::{self, NEXT_TOKEN};
use crate::local::registry::fault::Fault;
use crate::local::registry::tags::{self, Tags};

pub(super) fn tag(context: &Context, input: &Input) -> Result<Value, Fault> {
    let given = given(input)?;
    context.registry.change(|state| state.tag(input.text("resourceArn"), given).map(|()| json!({})))
}

pub(super) fn untag(context: &Context, input: &Input) -> Result<Value, Fault> {
    let keys = input.texts("tagKeys");
    context.registry.change(|state| state.untag(input.text("resourceArn"), &keys).map(|()| json!({})))
}

pub(super) fn list(context: &Context, input: &Input) -> Result<Value, Fault> {
    let tags = context.registry.read(|state| state.tags(input.text("resourceArn")))?;
    let rows = tags.into_iter().map(|(key, value)| (key.clone(), json!({"Key": key, "Value": value})));
    page::page("tags", rows.collect(), NEXT_TOKEN, input)
}

/// The tags of a call, before anything is made: not too many, and no key twice.
pub(super) fn given(input: &Input) -> Result<Tags, Fault> {
    let mut given = Tags::new();
    for tag in input.value("tags").as_array().into_iter().flatten() {
        let part = |name: &str| tag[name].as_str().unwrap_or_default().to_owned();
        if given.insert(part("Key"), part("Value")).is_some() {
            return Err(Fault::invalid(format!("The tag key {} stands twice", part("Key"))));
        }
    }
    tags::check_count(&given).map(|()| given)
}
