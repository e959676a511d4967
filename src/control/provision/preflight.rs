//! Everything that is read and judged before anything is written.

use super::account;
use super::certificate::{self, Own};
use super::groups::{self, GroupsPlan};
use super::policy::{self, PolicyPlan};
use super::request::Request;
use super::server::{self, Server};
use super::thing::{self, ThingPlan};
use crate::bundle::manifest::{Manifest, State};
use crate::control::client::Client;
use crate::error::Result;
use crate::names::PolicyName;

/// What is there, and so what is missing.
pub(super) struct Plan {
    pub(super) thing: ThingPlan,
    pub(super) groups: GroupsPlan,
    pub(super) policy: PolicyPlan,
    /// The bundle's certificate as AWS has it, if the bundle has one.
    pub(super) own: Option<Own>,
    /// Where the device will connect to; not asked for again once the bundle is ready.
    pub(super) server: Option<Server>,
}

impl Plan {
    /// Whether nothing is missing at AWS.
    pub(super) fn is_carried_out(&self) -> bool {
        let Some(own) = &self.own else { return false };
        self.thing.is_there()
            && self.groups.are_there()
            && self.policy.exists
            && own.active
            && self.thing.has(&own.arn)
            && own.has(&self.policy.name)
    }
}

pub(super) async fn read(
    client: &Client,
    request: &Request,
    policy_name: PolicyName,
    manifest: Option<&Manifest>,
) -> Result<Plan> {
    // A template that cannot be rendered is known without asking anybody.
    policy::render(request, &account::assumed(client.region())?)?;
    let thing = thing::read(client, request).await?;
    let groups = groups::read(client, request, thing.is_there()).await?;
    let existing = policy::read(client, &policy_name).await?;
    let own = certificate::read(client, manifest).await?;
    let arns = [thing.arn(), groups.arn(), existing.as_ref().map(|p| &p.arn), own.as_ref().map(|own| &own.arn)];
    let scope = account::find(client, arns.into_iter().flatten().next()).await?;
    account::guard(request, scope.as_ref())?;
    let scope = scope.map_or_else(|| account::assumed(client.region()), Ok)?;
    let rendered = policy::render(request, &scope)?;
    let exists = existing.is_some();
    if let Some(existing) = existing {
        policy::compare(request, &policy_name, &existing, &rendered)?;
    }
    let ready = manifest.is_some_and(|manifest| manifest.state == State::Ready);
    let server = if ready { None } else { Some(server::find(client, request).await?) };
    policy::judge(request, &policy_name, &rendered, &scope, thing.facts(request))?;
    Ok(Plan { thing, groups, policy: PolicyPlan { name: policy_name, exists }, own, server })
}
