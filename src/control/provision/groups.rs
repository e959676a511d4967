//! The thing groups that the thing shall be in.

use std::collections::BTreeSet;

use super::request::Request;
use super::work::Work;
use crate::control::client::Client;
use crate::error::{Error, Kind, Result};
use crate::names::{Arn, ThingName};

/// What is missing of the groups.
pub(super) struct GroupsPlan {
    to_make: Vec<ThingName>,
    to_join: Vec<ThingName>,
    arn: Option<Arn>,
}

impl GroupsPlan {
    /// Whether all of them exist and the thing is in each.
    pub(super) fn are_there(&self) -> bool {
        self.to_join.is_empty()
    }

    /// An ARN of the account, if one was met.
    pub(super) fn arn(&self) -> Option<&Arn> {
        self.arn.as_ref()
    }
}

pub(super) async fn read(client: &Client, request: &Request, thing_exists: bool) -> Result<GroupsPlan> {
    let mut plan = GroupsPlan { to_make: Vec::new(), to_join: Vec::new(), arn: None };
    if request.groups.is_empty() {
        return Ok(plan);
    }
    for group in &request.groups {
        match describe(client, group).await? {
            Some(arn) => plan.arn = Some(arn),
            None => plan.to_make.push(group.clone()),
        }
    }
    let joined = if thing_exists { groups_of(client, &request.thing).await? } else { BTreeSet::new() };
    plan.to_join = request.groups.iter().filter(|group| !joined.contains(group.as_str())).cloned().collect();
    Ok(plan)
}

/// The group's ARN, if there is such a group.
async fn describe(client: &Client, group: &ThingName) -> Result<Option<Arn>> {
    let answer = client.iot.describe_thing_group().thing_group_name(group.as_str()).send().await;
    let found = client.found("iot:DescribeThingGroup", &format!("read thing group `{group}`"), answer)?;
    let Some(found) = found else { return Ok(None) };
    if found.query_string().is_some() {
        return Err(Error::new(
            Kind::Conflict,
            format!("thing group `{group}` is dynamic: its query decides who is in it"),
        )
        .hint("leave it out, or give the thing the attributes that its query asks for"));
    }
    found.thing_group_arn().unwrap_or_default().parse().map(Some)
}

async fn groups_of(client: &Client, thing: &ThingName) -> Result<BTreeSet<String>> {
    let mut pages = client.iot.list_thing_groups_for_thing().thing_name(thing.as_str()).into_paginator().items().send();
    let mut names = BTreeSet::new();
    while let Some(group) = pages.next().await {
        let doing = format!("list the groups of thing `{thing}`");
        names.extend(client.answer("iot:ListThingGroupsForThing", &doing, group)?.group_name().map(str::to_owned));
    }
    Ok(names)
}

/// Makes the missing groups and puts the thing into each. Making one twice is no error (control-plane.md, 3.1).
pub(super) async fn ensure(work: &mut Work<'_>, plan: &GroupsPlan) -> Result<()> {
    let (iot, thing) = (&work.client.iot, &work.request.thing);
    for group in &plan.to_make {
        let answer = iot.create_thing_group().thing_group_name(group.as_str()).send().await;
        work.client.answer("iot:CreateThingGroup", &format!("make thing group `{group}`"), answer)?;
        work.progress.done(format!("thing group {group}"));
    }
    for group in &plan.to_join {
        let call = iot.add_thing_to_thing_group().thing_group_name(group.as_str()).thing_name(thing.as_str());
        let doing = format!("put thing `{thing}` into group `{group}`");
        work.client.answer("iot:AddThingToThingGroup", &doing, call.send().await)?;
        work.progress.done(format!("{thing} in group {group}"));
    }
    for group in work.request.groups.iter().filter(|group| !plan.to_join.contains(group)) {
        work.progress.same(format!("{thing} in group {group}"));
    }
    Ok(())
}
