//! Shadows over HTTP: the service that AWS calls `iot-data`, on the port of the control plane.

use serde_json::{Value, json};

use super::context::Context;
use super::input::Input;
use super::page;
use crate::local::registry::fault::{Exception, Fault};
use crate::local::shadow::refusal::Refusal;
use crate::local::shadow::service::Verb;
use crate::names::ShadowAddress;

pub(super) fn get(context: &Context, input: &Input) -> Result<Value, Fault> {
    ask(context, input, Verb::Get)
}

pub(super) fn update(context: &Context, input: &Input) -> Result<Value, Fault> {
    ask(context, input, Verb::Update)
}

pub(super) fn delete(context: &Context, input: &Input) -> Result<Value, Fault> {
    ask(context, input, Verb::Delete)
}

/// The named ones. The classic shadow is never listed, and an unknown thing has none (shadow.md, section 2).
pub(super) fn list(context: &Context, input: &Input) -> Result<Value, Fault> {
    let names = context.shadows.names(input.text("thingName"));
    let items = names.into_iter().map(|name| (name.clone(), Value::from(name))).collect();
    let mut answer = page::page("results", items, page::SHADOWS, input)?;
    answer["timestamp"] = json!((context.clock)().unix_timestamp());
    Ok(answer)
}

fn ask(context: &Context, input: &Input, verb: Verb) -> Result<Value, Fault> {
    let invalid = |e: crate::error::Error| Fault::invalid(e.to_string());
    let name = input.maybe("shadowName").map(str::parse).transpose().map_err(invalid)?;
    let address = ShadowAddress { thing: input.text("thingName").parse().map_err(invalid)?, name };
    context.shadows.over_http(&address, verb, input.payload()).map_err(fault)
}

fn fault(refusal: Refusal) -> Fault {
    let exception = match refusal.code {
        404 => Exception::ResourceNotFound,
        409 => Exception::Conflict,
        413 => Exception::RequestEntityTooLarge,
        415 => Exception::UnsupportedDocumentEncoding,
        _ => Exception::InvalidRequest,
    };
    Fault::new(exception, refusal.message)
}
