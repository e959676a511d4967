//! The policies that count for a device now: those of its certificate, and those of its thing's groups.

use std::collections::BTreeMap;

use crate::control::client::Client;
use crate::error::Result;
use crate::names::{Arn, ThingName};
use crate::policy::document::Document;

/// A policy by its default version.
#[derive(Debug, Clone)]
pub struct Live {
    /// Its name.
    pub name: String,
    /// What it says.
    pub document: Document,
    /// The group that brings it; else the certificate has it.
    pub group: Option<ThingName>,
}

/// Reads them; each document once, however often it is attached.
pub async fn policies(client: &Client, certificate: &Arn, thing: &ThingName) -> Result<Vec<Live>> {
    let mut places = attached(client, &certificate.to_string(), None).await?;
    for group in groups(client, thing).await? {
        // With `recursive`, those of all groups that it is in come along.
        let arn = certificate.sibling("thinggroup", group.as_str()).to_string();
        places.extend(attached(client, &arn, Some(group)).await?);
    }
    let mut documents: BTreeMap<String, Document> = BTreeMap::new();
    let mut found = Vec::new();
    for (name, group) in places {
        if !documents.contains_key(&name) {
            documents.insert(name.clone(), document(client, &name).await?);
        }
        found.extend(documents.get(&name).cloned().map(|document| Live { name, document, group }));
    }
    Ok(found)
}

async fn groups(client: &Client, thing: &ThingName) -> Result<Vec<ThingName>> {
    let call = client.iot.list_thing_groups_for_thing().thing_name(thing.as_str());
    let mut pages = call.into_paginator().items().send();
    let mut found = Vec::new();
    while let Some(group) = pages.next().await {
        let doing = format!("list the groups of thing `{thing}`");
        let group = client.answer("iot:ListThingGroupsForThing", &doing, group)?;
        found.push(group.group_name().unwrap_or_default().parse()?);
    }
    Ok(found)
}

async fn attached(client: &Client, target: &str, group: Option<ThingName>) -> Result<Vec<(String, Option<ThingName>)>> {
    let call = client.iot.list_attached_policies().target(target).recursive(group.is_some());
    let mut pages = call.into_paginator().items().send();
    let mut found = Vec::new();
    while let Some(policy) = pages.next().await {
        let policy = client.answer("iot:ListAttachedPolicies", &format!("list the policies of `{target}`"), policy)?;
        found.extend(policy.policy_name().map(|name| (name.to_owned(), group.clone())));
    }
    Ok(found)
}

async fn document(client: &Client, name: &str) -> Result<Document> {
    let answer = client.iot.get_policy().policy_name(name).send().await;
    let answer = client.answer("iot:GetPolicy", &format!("read policy `{name}`"), answer)?;
    Document::parse(name, answer.policy_document().unwrap_or_default())
}
