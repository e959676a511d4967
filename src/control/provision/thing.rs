//! The thing and its type: as they are, against what is wanted.

use std::collections::BTreeMap;

use aws_sdk_iot::types::AttributePayload;

use super::request::Request;
use super::work::Work;
use crate::control::client::{self, Client};
use crate::error::{Error, Kind, Result};
use crate::names::{Arn, ThingName};
use crate::policy::request::ThingFacts;

/// The thing, and whether its type is still to be made.
pub(super) struct ThingPlan {
    existing: Option<Existing>,
    missing_type: Option<ThingName>,
    arn_of_type: Option<Arn>,
}

/// A thing as AWS has it.
struct Existing {
    arn: Arn,
    type_name: Option<String>,
    attributes: BTreeMap<String, String>,
    /// ARNs of the certificates that are attached to it.
    principals: Vec<String>,
}

impl ThingPlan {
    pub(super) fn is_there(&self) -> bool {
        self.existing.is_some()
    }

    /// An ARN of the account, if one was met.
    pub(super) fn arn(&self) -> Option<&Arn> {
        self.existing.as_ref().map(|thing| &thing.arn).or(self.arn_of_type.as_ref())
    }

    /// Certificates on the thing.
    pub(super) fn principals(&self) -> &[String] {
        self.existing.as_ref().map_or(&[], |thing| &thing.principals)
    }

    /// Whether this certificate is attached to the thing.
    pub(super) fn has(&self, certificate: &Arn) -> bool {
        self.principals().contains(&certificate.to_string())
    }

    /// What policies will know of the thing when everything is made.
    pub(super) fn facts(&self, request: &Request) -> ThingFacts {
        let existing = self.existing.as_ref();
        let mut attributes = existing.map(|thing| thing.attributes.clone()).unwrap_or_default();
        attributes.extend(request.attributes.iter().map(|(name, value)| (name.to_string(), value.to_string())));
        ThingFacts {
            name: request.thing.to_string(),
            type_name: existing
                .and_then(|thing| thing.type_name.clone())
                .or_else(|| request.thing_type.as_ref().map(ToString::to_string)),
            attributes,
        }
    }
}

pub(super) async fn read(client: &Client, request: &Request) -> Result<ThingPlan> {
    let existing = describe(client, request).await?;
    if let Some(existing) = &existing {
        compare(existing, request)?;
    }
    let wanted = request.thing_type.as_ref().filter(|_| existing.is_none());
    let mut plan = ThingPlan { existing, missing_type: None, arn_of_type: None };
    if let Some(name) = wanted {
        plan.arn_of_type = read_type(client, name).await?;
        plan.missing_type = plan.arn_of_type.is_none().then(|| name.clone());
    }
    Ok(plan)
}

async fn describe(client: &Client, request: &Request) -> Result<Option<Existing>> {
    let name = &request.thing;
    let doing = format!("read thing `{name}`");
    let answer = client.iot.describe_thing().thing_name(name.as_str()).send().await;
    let Some(thing) = client.found("iot:DescribeThing", &doing, answer)? else { return Ok(None) };
    let mut pages = client.iot.list_thing_principals().thing_name(name.as_str()).into_paginator().items().send();
    let mut principals = Vec::new();
    while let Some(principal) = pages.next().await {
        principals.push(client.answer("iot:ListThingPrincipals", &doing, principal)?);
    }
    Ok(Some(Existing {
        arn: thing.thing_arn().unwrap_or_default().parse()?,
        type_name: thing.thing_type_name().map(str::to_owned),
        attributes: thing.attributes().into_iter().flatten().map(|(n, v)| (n.clone(), v.clone())).collect(),
        principals,
    }))
}

/// The type's ARN, if there is such a type.
async fn read_type(client: &Client, name: &ThingName) -> Result<Option<Arn>> {
    let answer = client.iot.describe_thing_type().thing_type_name(name.as_str()).send().await;
    let found = client.found("iot:DescribeThingType", &format!("read thing type `{name}`"), answer)?;
    let Some(found) = found else { return Ok(None) };
    if found.thing_type_metadata().is_some_and(|metadata| metadata.deprecated()) {
        return Err(Error::new(Kind::Conflict, format!("thing type `{name}` is deprecated: it takes no new things"))
            .hint(format!("aws iot deprecate-thing-type --thing-type-name {name} --undo-deprecate")));
    }
    found.thing_type_arn().unwrap_or_default().parse().map(Some)
}

/// What was asked for must be there; what was not asked for may be there.
fn compare(existing: &Existing, request: &Request) -> Result<()> {
    let mut differences: Vec<String> = Vec::new();
    if let (Some(wanted), found) = (&request.thing_type, existing.type_name.as_deref())
        && found != Some(wanted.as_str())
    {
        let found = found.map_or_else(|| "it has no type".to_owned(), |found| format!("its type is `{found}`"));
        differences.push(format!("{found}, and type `{wanted}` is wanted"));
    }
    for (name, wanted) in &request.attributes {
        match existing.attributes.get(name.as_str()) {
            Some(found) if found == wanted.as_str() => {}
            Some(found) => differences.push(format!("attribute `{name}` is `{found}`, and `{wanted}` is wanted")),
            None => differences.push(format!("attribute `{name}` is missing, and `{wanted}` is wanted")),
        }
    }
    if differences.is_empty() {
        return Ok(());
    }
    let name = &request.thing;
    let error = Error::new(Kind::Conflict, format!("thing `{name}` exists, and is not as it was asked for"));
    Err(differences
        .into_iter()
        .fold(error, |error, difference| error.because(difference))
        .hint(format!("look at it: aws iot describe-thing --thing-name {name}"))
        .hint("ask for what it is, or change it: aws iot update-thing"))
}

/// Makes the type and the thing, if they are missing.
pub(super) async fn ensure(work: &mut Work<'_>, plan: &ThingPlan) -> Result<()> {
    if let Some(name) = &plan.missing_type {
        make_type(work, name).await?;
    }
    let name = &work.request.thing;
    if plan.is_there() {
        work.progress.same(format!("thing {name}"));
        return Ok(());
    }
    let attributes = work.request.attributes.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
    let payload = AttributePayload::builder().set_attributes(Some(attributes)).build();
    let call = work.client.iot.create_thing().thing_name(name.as_str()).attribute_payload(payload);
    let call = call.set_thing_type_name(work.request.thing_type.as_ref().map(ToString::to_string));
    work.client.answer("iot:CreateThing", &format!("make thing `{name}`"), call.send().await)?;
    work.progress.done(format!("thing {name}"));
    Ok(())
}

async fn make_type(work: &mut Work<'_>, name: &ThingName) -> Result<()> {
    let answer = work.client.iot.create_thing_type().thing_type_name(name.as_str()).send().await;
    match answer {
        // Another run was quicker: that is all right.
        Err(e) if client::is(&e, "ResourceAlreadyExistsException") => work.progress.same(format!("thing type {name}")),
        answer => {
            work.client.answer("iot:CreateThingType", &format!("make thing type `{name}`"), answer)?;
            work.progress.done(format!("thing type {name}"));
        }
    }
    Ok(())
}
