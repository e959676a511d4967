//! The policy: rendered, compared with what is there, and judged before anybody depends on it.

use super::difference;
use super::request::{KeyPlan, Request};
use super::work::Work;
use crate::bundle::POLICY_FILE;
use crate::bundle::manifest::State;
use crate::control::client::{self, Client};
use crate::error::{Error, Kind, Result};
use crate::names::{Arn, PolicyName};
use crate::policy::checks::{self, Scope};
use crate::policy::document::Document;
use crate::policy::engine::{Attached, decide};
use crate::policy::request::{Connection, ThingFacts};
use crate::template::{Rendered, Variables};

/// Which policy, and whether it is there already.
pub(super) struct PolicyPlan {
    pub(super) name: PolicyName,
    pub(super) exists: bool,
}

/// A policy as AWS has it.
pub(super) struct Existing {
    pub(super) arn: Arn,
    /// Its default version.
    document: String,
}

/// Fills in the template for this scope.
pub(super) fn render(request: &Request, scope: &Scope) -> Result<Rendered> {
    let known = [
        ("partition", scope.partition.clone()),
        ("region", scope.region.to_string()),
        ("account", scope.account.to_string()),
        ("thing", request.thing.to_string()),
    ];
    let known: Variables = known.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    request.template.render(&request.variables, &known)
}

/// The policy of this name, if there is one.
pub(super) async fn read(client: &Client, name: &PolicyName) -> Result<Option<Existing>> {
    let answer = client.iot.get_policy().policy_name(name.as_str()).send().await;
    let Some(found) = client.found("iot:GetPolicy", &format!("read policy `{name}`"), answer)? else { return Ok(None) };
    let document = found.policy_document().unwrap_or_default().to_owned();
    Ok(Some(Existing { arn: found.policy_arn().unwrap_or_default().parse()?, document }))
}

/// Refuses (`Conflict`) a policy of this name that means something else; white space and order of members are free.
pub(super) fn compare(request: &Request, name: &PolicyName, existing: &Existing, wanted: &Rendered) -> Result<()> {
    let found = Document::parse(name.as_str(), &existing.document);
    if found.as_ref().is_ok_and(|found| found == &wanted.document) {
        return Ok(());
    }
    let error = Error::new(Kind::Conflict, format!("policy `{name}` exists with another document"));
    let error = match &found {
        Ok(found) => {
            difference::lines(found, &wanted.document).into_iter().fold(error, |error, line| error.because(line))
        }
        Err(unreadable) => error.because(unreadable.to_string()),
    };
    Err(error
        .hint("leave it alone and take another name: --policy-name NAME")
        .hint(format!("what it says: aws iot get-policy --policy-name {name}"))
        .hint(format!(
            "what is wanted: iotctl policy render --template {} (with the same --var)",
            request.template.name
        )))
}

/// Refuses (`Denied`) a policy under which the device could not connect as itself or publish to its own topics.
pub(super) fn judge(
    request: &Request,
    name: &PolicyName,
    rendered: &Rendered,
    scope: &Scope,
    thing: ThingFacts,
) -> Result<()> {
    let policies = [Attached { name: name.as_str(), document: &rendered.document, deny_only: false }];
    let connection = connection(request, thing);
    let connect = ("connect".to_owned(), checks::connect(scope, request.thing.as_str(), None));
    let publish = |topic: &crate::topic::TopicName| {
        (format!("publish to `{topic}`"), checks::publish(scope, topic.as_str(), false))
    };
    for (what, requests) in std::iter::once(connect).chain(request.topics.iter().map(publish)) {
        let decisions = requests.iter().map(|asked| decide(&policies, &connection, asked));
        if let Some(denied) = decisions.into_iter().find(|decision| !decision.is_allowed()) {
            let error = Error::new(Kind::Denied, format!("policy `{name}` would not let `{}` {what}", request.thing));
            let told = denied.explain();
            return Err(told
                .lines()
                .fold(error, |error, line| error.because(line))
                .hint("give a topic that the policy allows: --topic TOPIC")
                .hint(format!(
                    "or another policy: --template FILE (this one: iotctl policy render --template {})",
                    request.template.name
                )));
        }
    }
    Ok(())
}

/// The device as it will connect.
fn connection(request: &Request, thing: ThingFacts) -> Connection {
    let common_name = match &request.key {
        KeyPlan::Local => Some(request.thing.as_str()),
        KeyPlan::Aws => Some("AWS IoT Certificate"),
        KeyPlan::Csr(csr) => csr.common_name(),
    };
    let common_name = common_name.map(|name| ("Subject.CommonName".to_owned(), vec![name.to_owned()]));
    Connection {
        client_id: Some(request.thing.clone().into()),
        thing: Some(thing),
        is_attached: Some(true),
        certificate: common_name.into_iter().collect(),
        ..Connection::default()
    }
}

/// Makes the policy if it is missing, and puts it into the bundle as it is attached.
pub(super) async fn ensure(work: &mut Work<'_>, plan: &PolicyPlan) -> Result<()> {
    let name = &plan.name;
    let arn = work.certificate_arn()?;
    let rendered = render(work.request, &Scope::of(arn))?;
    match plan.exists || !make(work, name, &rendered).await? {
        true => work.progress.same(format!("policy {name}")),
        false => work.progress.done(format!("policy {name}")),
    }
    if work.manifest.state == State::Pending {
        work.folder.write_file(&mut work.manifest, POLICY_FILE, &rendered.json)?;
        work.save()?;
    }
    Ok(())
}

/// Whether it was made now; false if another run was quicker, with the same document.
async fn make(work: &Work<'_>, name: &PolicyName, rendered: &Rendered) -> Result<bool> {
    let client = work.client;
    let answer = client.iot.create_policy().policy_name(name.as_str()).policy_document(&rendered.json).send().await;
    if answer.as_ref().is_err_and(|e| client::is(e, "ResourceAlreadyExistsException"))
        && let Some(existing) = read(client, name).await?
    {
        return compare(work.request, name, &existing, rendered).map(|()| false);
    }
    client.answer("iot:CreatePolicy", &format!("make policy `{name}`"), answer).map(|_| true)
}
