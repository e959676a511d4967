//! One device under the new policy: a policy of its own beside the old one's place, watched, and then undone or kept.
//!
//! The canary gets `NAME-canary` instead of `NAME`. It is seen through fleet indexing (`GetThingConnectivityData`), the
//! only place where the control plane tells of connections.

use std::time::Duration;

use aws_sdk_iot::operation::get_thing_connectivity_data::GetThingConnectivityDataOutput;
use time::OffsetDateTime;

use super::plan::{Canary, Plan};
use crate::control::client::{self, Client};
use crate::control::progress::Progress;
use crate::error::{Error, Kind, Result};
use crate::names::{PolicyName, ThingName};

/// Between two looks at the canary.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// After a policy was detached, AWS may say for up to five minutes that it is in use.
const DELETE_TRIES: u32 = 5;

/// Refuses a canary that cannot be tried or watched, before anything is changed.
pub(super) async fn check(client: &Client, canary: &Canary, name: &PolicyName) -> Result<()> {
    look(client, &canary.thing).await?;
    match certificates(client, &canary.thing, name).await?.is_empty() {
        false => Ok(()),
        true => Err(Error::new(
            Kind::Configuration,
            format!("no certificate of `{}` has the policy `{name}`", canary.thing),
        )
        .hint("a canary must have the policy on its certificate, not on a group: name another thing")),
    }
}

/// Puts the canary under the new policy, waits until it is back, and undoes it all if it does not come.
pub(super) async fn fly(
    client: &Client,
    plan: &Plan,
    canary: &Canary,
    progress: &mut Progress<'_>,
    stop: impl Future<Output = ()>,
) -> Result<()> {
    let (name, trial) = (&plan.push.name, plan.trial_name()?);
    let targets = certificates(client, &canary.thing, name).await?;
    make(client, plan, &trial).await?;
    let since = OffsetDateTime::now_utc();
    for target in &targets {
        attach(client, &trial, target).await?;
        detach(client, name, target).await?;
    }
    progress.done(format!("`{}` has policy {trial} instead of {name}; waiting until it connects anew", canary.thing));
    let outcome = tokio::select! {
        seen = watch(client, canary, since) => seen,
        () = stop => Err(Error::new(Kind::Interrupted, "stopped while the canary was tried")),
    };
    match outcome {
        Ok(()) => {
            progress.done(format!("`{}` has connected under the new policy, and stays", canary.thing));
            Ok(())
        }
        Err(error) => {
            undo(client, plan, &trial, &targets).await?;
            progress.done(format!("rolled back: `{}` has policy {name} again", canary.thing));
            Err(error)
        }
    }
}

/// Gives the canary the fleet's policy back, which says the same by now.
pub(super) async fn land(client: &Client, plan: &Plan, canary: &Canary, progress: &mut Progress<'_>) -> Result<()> {
    let trial = plan.trial_name()?;
    let targets = certificates(client, &canary.thing, &trial).await?;
    undo(client, plan, &trial, &targets).await?;
    progress.done(format!("`{}` has policy {} again, policy {trial} is gone", canary.thing, plan.push.name));
    Ok(())
}

async fn undo(client: &Client, plan: &Plan, trial: &PolicyName, targets: &[String]) -> Result<()> {
    for target in targets {
        attach(client, &plan.push.name, target).await?;
        detach(client, trial, target).await?;
    }
    delete(client, trial).await
}

/// Waits for a connection that is younger than `since`, and until it has lasted.
async fn watch(client: &Client, canary: &Canary, since: OffsetDateTime) -> Result<()> {
    let arrival = async {
        loop {
            let first = connected_at(&look(client, &canary.thing).await?).filter(|at| *at >= seconds(since));
            if let Some(first) = first {
                tokio::time::sleep(canary.settle).await;
                if connected_at(&look(client, &canary.thing).await?) == Some(first) {
                    return Ok(());
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(canary.patience, arrival).await.unwrap_or_else(|_| {
        Err(Error::new(
            Kind::Unreachable,
            format!(
                "`{}` did not connect and stay under the new policy within {} s",
                canary.thing,
                canary.patience.as_secs()
            ),
        )
        .hint("is it on? a device that stays connected must be restarted to connect anew")
        .hint("what would the policy deny it? iotctl policy explain"))
    })
}

async fn look(client: &Client, thing: &ThingName) -> Result<GetThingConnectivityDataOutput> {
    let answer = client.iot.get_thing_connectivity_data().thing_name(thing.as_str()).send().await;
    let off = answer.as_ref().is_err_and(|e| client::is(e, "IndexNotReadyException"));
    let answer = client.answer("iot:GetThingConnectivityData", &format!("see whether `{thing}` is connected"), answer);
    answer.map_err(|error| match off {
        true => error.hint(
            "switch it on: aws iot update-indexing-configuration --thing-indexing-configuration \
             thingIndexingMode=REGISTRY,thingConnectivityIndexingMode=STATUS",
        ),
        false => error,
    })
}

/// Since when it is connected, in seconds since 1970.
fn connected_at(data: &GetThingConnectivityDataOutput) -> Option<f64> {
    data.timestamp().filter(|_| data.connected() == Some(true)).map(|at| at.as_secs_f64())
}

fn seconds(at: OffsetDateTime) -> f64 {
    (at - OffsetDateTime::UNIX_EPOCH).as_seconds_f64()
}

/// ARNs of the thing's certificates that have this policy.
async fn certificates(client: &Client, thing: &ThingName, policy: &PolicyName) -> Result<Vec<String>> {
    let mut pages = client.iot.list_thing_principals().thing_name(thing.as_str()).into_paginator().items().send();
    let mut found = Vec::new();
    while let Some(principal) = pages.next().await {
        let arn = client.answer("iot:ListThingPrincipals", &format!("read thing `{thing}`"), principal)?;
        let mut attached = client.iot.list_attached_policies().target(&arn).into_paginator().items().send();
        while let Some(one) = attached.next().await {
            let one = client.answer("iot:ListAttachedPolicies", &format!("list the policies of `{thing}`"), one)?;
            if one.policy_name() == Some(policy.as_str()) {
                found.push(arn.clone());
            }
        }
    }
    Ok(found)
}

/// The trial policy; one that an interrupted run left is made anew, because it may say something else.
async fn make(client: &Client, plan: &Plan, trial: &PolicyName) -> Result<()> {
    let call = client.iot.create_policy().policy_name(trial.as_str()).policy_document(&plan.rendered.json);
    let answer = call.clone().send().await;
    let answer = match answer {
        Err(error) if client::is(&error, "ResourceAlreadyExistsException") => {
            delete(client, trial).await?;
            call.send().await
        }
        answer => answer,
    };
    client.answer("iot:CreatePolicy", &format!("make policy `{trial}`"), answer).map(|_| ())
}

async fn attach(client: &Client, policy: &PolicyName, target: &str) -> Result<()> {
    let answer = client.iot.attach_policy().policy_name(policy.as_str()).target(target).send().await;
    client.answer("iot:AttachPolicy", &format!("attach policy `{policy}`"), answer).map(|_| ())
}

async fn detach(client: &Client, policy: &PolicyName, target: &str) -> Result<()> {
    let answer = client.iot.detach_policy().policy_name(policy.as_str()).target(target).send().await;
    client.answer("iot:DetachPolicy", &format!("detach policy `{policy}`"), answer).map(|_| ())
}

async fn delete(client: &Client, policy: &PolicyName) -> Result<()> {
    for _ in 1..DELETE_TRIES {
        let answer = client.iot.delete_policy().policy_name(policy.as_str()).send().await;
        match answer {
            Err(error) if client::is(&error, "DeleteConflictException") => tokio::time::sleep(LOOK_EVERY).await,
            answer => {
                return client.found("iot:DeletePolicy", &format!("delete policy `{policy}`"), answer).map(|_| ());
            }
        }
    }
    let answer = client.iot.delete_policy().policy_name(policy.as_str()).send().await;
    let kept = client.answer("iot:DeletePolicy", &format!("delete policy `{policy}`"), answer);
    kept.map(|_| ()).map_err(|error| error.hint(format!("later: aws iot delete-policy --policy-name {policy}")))
}
