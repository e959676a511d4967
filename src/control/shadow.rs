//! Shadows as the operator sees them: read and changed at the data endpoint, with the credentials of the AWS CLI.

use aws_sdk_iotdataplane::primitives::Blob;
use serde_json::Value;

use super::client::{Client, is};
use crate::error::{Error, Result};
use crate::names::ShadowAddress;

/// The whole document; `None` if there is no such shadow.
pub async fn get(client: &Client, address: &ShadowAddress) -> Result<Option<Value>> {
    let call = client.data.get_thing_shadow().thing_name(address.thing.as_str());
    let answer = call.set_shadow_name(address.name.as_ref().map(ToString::to_string)).send().await;
    let found = client.found("iot:GetThingShadow", &format!("read {address}"), answer)?;
    found.map(|found| document(address, found.payload())).transpose()
}

/// Sends an update document; the answer is what AWS accepted of it.
///
/// # Errors
///
/// `Conflict` if the document names a version that is not the present one; the hint says which is.
pub async fn update(client: &Client, address: &ShadowAddress, change: &Value) -> Result<Value> {
    let call = client.data.update_thing_shadow().thing_name(address.thing.as_str());
    let call = call.set_shadow_name(address.name.as_ref().map(ToString::to_string));
    let answer = call.payload(Blob::new(change.to_string())).send().await;
    let is_conflict = answer.as_ref().is_err_and(|error| is(error, "ConflictException"));
    match client.answer("iot:UpdateThingShadow", &format!("change {address}"), answer) {
        Ok(answer) => document(address, answer.payload()),
        Err(error) if is_conflict => Err(with_version(client, address, error).await),
        Err(error) => Err(error),
    }
}

/// The names of the named shadows of a thing.
pub async fn names(client: &Client, address: &ShadowAddress) -> Result<Vec<String>> {
    let thing = &address.thing;
    let mut names = Vec::new();
    let mut token = None;
    loop {
        let call = client.data.list_named_shadows_for_thing().thing_name(thing.as_str()).set_next_token(token);
        let doing = format!("list the shadows of `{thing}`");
        let page = client.answer("iot:ListNamedShadowsForThing", &doing, call.send().await)?;
        names.extend_from_slice(page.results());
        token = page.next_token().map(str::to_owned);
        if token.is_none() {
            return Ok(names);
        }
    }
}

/// Whoever meets a conflict wants to know what is there now.
async fn with_version(client: &Client, address: &ShadowAddress, error: Error) -> Error {
    match get(client, address).await {
        Ok(Some(document)) => error.hint(format!(
            "it is at version {} now: look at it with iotctl shadow get, then --version {0}",
            document["version"]
        )),
        Ok(None) => error.hint("it is not there: leave --version out to make it"),
        Err(_) => error,
    }
}

fn document(address: &ShadowAddress, payload: Option<&Blob>) -> Result<Value> {
    serde_json::from_slice(payload.map_or(&[][..], Blob::as_ref))
        .map_err(|error| Error::failed(format!("the answer for {address} is no JSON")).because(error))
}
