//! The versions of a policy.

use super::plan::Plan;
use crate::control::client::Client;
use crate::control::progress::Progress;
use crate::error::{Error, Kind, Result};
use crate::names::PolicyName;
use crate::policy::document::Document;

/// Versions that AWS keeps of a policy (API reference, `CreatePolicyVersion`).
pub(super) const MOST: usize = 5;

/// The numbers of all versions.
pub(super) async fn list(client: &Client, name: &PolicyName) -> Result<Vec<String>> {
    let answer = client.iot.list_policy_versions().policy_name(name.as_str()).send().await;
    let answer = client.answer("iot:ListPolicyVersions", &format!("list the versions of policy `{name}`"), answer)?;
    Ok(answer.policy_versions().iter().filter_map(|version| version.version_id().map(str::to_owned)).collect())
}

/// The version that means the same as `wanted`, if there is one.
pub(super) async fn same(
    client: &Client,
    name: &PolicyName,
    versions: &[String],
    wanted: &Document,
) -> Result<Option<String>> {
    for version in versions {
        let call = client.iot.get_policy_version().policy_name(name.as_str()).policy_version_id(version);
        let answer = client.answer("iot:GetPolicyVersion", &format!("read policy `{name}`"), call.send().await)?;
        let found = Document::parse(name.as_str(), answer.policy_document().unwrap_or_default());
        if found.is_ok_and(|found| &found == wanted) {
            return Ok(Some(version.clone()));
        }
    }
    Ok(None)
}

/// AWS has no condition on this call, so the policy is looked at once more right before.
pub(super) async fn guard(client: &Client, plan: &Plan) -> Result<()> {
    let name = &plan.push.name;
    let answer = client.iot.get_policy().policy_name(name.as_str()).send().await;
    let found = client.answer("iot:GetPolicy", &format!("read policy `{name}`"), answer)?;
    match found.default_version_id() == Some(plan.default.as_str()) {
        true => Ok(()),
        false => Err(Error::new(
            Kind::Conflict,
            format!(
                "policy `{name}` was changed meanwhile: its default version was {}, and is {}",
                plan.default,
                found.default_version_id().unwrap_or("-")
            ),
        )
        .hint(format!("look at it (aws iot get-policy --policy-name {name}), then the same command again"))),
    }
}

/// Makes the wanted content the default version.
pub(super) async fn set_default(client: &Client, plan: &Plan, progress: &mut Progress<'_>) -> Result<()> {
    let name = &plan.push.name;
    if let Some(version) = &plan.existing {
        let call = client.iot.set_default_policy_version().policy_name(name.as_str()).policy_version_id(version);
        let doing = format!("make version {version} of policy `{name}` the default");
        client.answer("iot:SetDefaultPolicyVersion", &doing, call.send().await)?;
        progress.done(format!("version {version} of policy {name} is the default"));
        return Ok(());
    }
    if let Some(version) = &plan.pruned {
        let call = client.iot.delete_policy_version().policy_name(name.as_str()).policy_version_id(version);
        let doing = format!("delete version {version} of policy `{name}`");
        client.answer("iot:DeletePolicyVersion", &doing, call.send().await)?;
        progress.done(format!("version {version} of policy {name} deleted"));
    }
    let call = client.iot.create_policy_version().policy_name(name.as_str()).set_as_default(true);
    let answer = call.policy_document(&plan.rendered.json).send().await;
    let made = client.answer("iot:CreatePolicyVersion", &format!("make a version of policy `{name}`"), answer)?;
    progress.done(format!("version {} of policy {name} is the default", made.policy_version_id().unwrap_or("-")));
    Ok(())
}
