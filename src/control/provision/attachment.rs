//! The certificate on the thing, and the policy on the certificate. Attaching twice is no error.

use super::preflight::Plan;
use super::work::Work;
use crate::error::Result;

/// Attaches the certificate to the thing.
pub(super) async fn to_thing(work: &mut Work<'_>, plan: &Plan) -> Result<()> {
    let arn = work.certificate_arn()?.clone();
    let thing = &work.request.thing;
    if plan.thing.has(&arn) {
        work.progress.same(format!("certificate on thing {thing}"));
        return Ok(());
    }
    if !plan.thing.principals().is_empty() {
        work.progress.warn(format!(
            "thing {thing} has other certificates, too: {}; what is no longer used should be deactivated",
            plan.thing.principals().join(", ")
        ));
    }
    let call = work.client.iot.attach_thing_principal().thing_name(thing.as_str()).principal(arn.to_string());
    let doing = format!("attach the certificate to thing `{thing}`");
    work.client.answer("iot:AttachThingPrincipal", &doing, call.send().await)?;
    work.progress.done(format!("certificate on thing {thing}"));
    Ok(())
}

/// Attaches the policy to the certificate.
pub(super) async fn of_policy(work: &mut Work<'_>, plan: &Plan) -> Result<()> {
    let name = &plan.policy.name;
    if plan.own.as_ref().is_some_and(|own| own.has(name)) {
        work.progress.same(format!("policy {name} on the certificate"));
        return Ok(());
    }
    let target = work.certificate_arn()?.to_string();
    let answer = work.client.iot.attach_policy().policy_name(name.as_str()).target(target).send().await;
    work.client.answer("iot:AttachPolicy", &format!("attach policy `{name}` to the certificate"), answer)?;
    work.progress.done(format!("policy {name} on the certificate"));
    Ok(())
}
