//! A new version of a policy that is in use: all at once, or first for one device (`canary`).
//!
//! Only the default version of a policy counts (AWS IoT Developer Guide, "Policy versions"), and it counts for every
//! device that has the policy. A mistake in it silences the fleet, so it can be tried on one device before.

use crate::control::client::Client;
use crate::control::progress::{Progress, Step};
use crate::error::{Error, Kind, Result};
use crate::names::Arn;
use crate::policy::checks::Scope;
use crate::template::{Rendered, Variables};

mod canary;
pub mod plan;
mod versions;

use plan::{Plan, Push};

/// Reads what is there, and judges.
///
/// # Errors
///
/// `Configuration` if there is no such policy; those of the template; `Configuration` for a canary that cannot be watched.
pub async fn plan(client: &Client, push: Push) -> Result<Plan> {
    let name = &push.name;
    let answer = client.iot.get_policy().policy_name(name.as_str()).send().await;
    let found = client.found("iot:GetPolicy", &format!("read policy `{name}`"), answer)?;
    let found = found.ok_or_else(|| {
        Error::new(Kind::Configuration, format!("there is no policy `{name}`"))
            .hint("make it with its first device: iotctl provision --thing NAME")
            .hint("which there are: aws iot list-policies")
    })?;
    let arn: Arn = found.policy_arn().unwrap_or_default().parse()?;
    let default = found.default_version_id().unwrap_or_default().to_owned();
    let current = found.policy_document().unwrap_or_default().to_owned();
    let rendered = render(&push, &Scope::of(&arn))?;
    let versions = versions::list(client, name).await?;
    let existing = versions::same(client, name, &versions, &rendered.document).await?;
    let oldest = versions.iter().filter(|version| **version != default).min_by_key(|v| v.parse::<u64>().unwrap_or(0));
    let pruned = oldest.filter(|_| existing.is_none() && versions.len() >= versions::MOST).cloned();
    let plan = Plan { rendered, default, current, existing, pruned, push };
    if let (Some(canary), false) = (&plan.push.canary, plan.is_carried_out()) {
        canary::check(client, canary, &plan.push.name).await?;
    }
    Ok(plan)
}

/// Does it. `stop` ends the wait for a canary, and what was tried is undone.
///
/// # Errors
///
/// `Conflict` if the policy was changed since it was read, `Unreachable` if the canary did not come back.
pub async fn carry_out(
    client: &Client,
    plan: &Plan,
    tell: &mut dyn FnMut(Step),
    stop: impl Future<Output = ()>,
) -> Result<()> {
    let mut progress = Progress::new(tell);
    if plan.is_carried_out() {
        progress.same(format!("policy {} says so already (version {})", plan.push.name, plan.default));
        return Ok(());
    }
    if let Some(canary) = &plan.push.canary {
        canary::fly(client, plan, canary, &mut progress, stop).await?;
    }
    let changed = change(client, plan, &mut progress).await;
    // Whatever came of it, the canary goes back to the policy of the fleet.
    if let Some(canary) = &plan.push.canary {
        canary::land(client, plan, canary, &mut progress).await?;
    }
    changed
}

async fn change(client: &Client, plan: &Plan, progress: &mut Progress<'_>) -> Result<()> {
    versions::guard(client, plan).await?;
    versions::set_default(client, plan, progress).await
}

fn render(push: &Push, scope: &Scope) -> Result<Rendered> {
    let known = [
        ("partition", scope.partition.clone()),
        ("region", scope.region.to_string()),
        ("account", scope.account.to_string()),
    ];
    let known: Variables = known.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    push.template.render(&push.variables, &known)
}
