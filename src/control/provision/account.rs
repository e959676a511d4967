//! Which account and partition the credentials belong to.
//!
//! STS would say it, but it is another service with another endpoint: an override for IoT alone would not hold for
//! it, and a stand-in has none. Every ARN that AWS IoT answers says it too. If neither thing, group, policy nor
//! certificate exists yet, the account's own domain configurations (`iot:Data-ATS` and others) are asked for: AWS
//! keeps them for every account. Where that is not allowed, the ARN of the first thing that is made will tell.

use aws_sdk_iot::error::SdkError;

use super::request::Request;
use crate::control::client::Client;
use crate::error::{Error, Kind, Result};
use crate::names::{Arn, Region};
use crate::policy::checks::Scope;

/// Stands for the account in a policy that is only judged, while the account is not known.
const UNKNOWN_ACCOUNT: &str = "000000000000";

/// Partition, Region and account, if something tells them.
pub(super) async fn find(client: &Client, known: Option<&Arn>) -> Result<Option<Scope>> {
    if let Some(arn) = known {
        return Ok(Some(Scope::of(arn)));
    }
    let answer = match client.iot.list_domain_configurations().page_size(1).send().await {
        // Not allowed, or not imitated: nothing is lost.
        Err(SdkError::ServiceError(_) | SdkError::ResponseError(_)) => return Ok(None),
        answer => client.answer("iot:ListDomainConfigurations", "list the domain configurations", answer)?,
    };
    let arn = answer.domain_configurations().iter().find_map(|domain| domain.domain_configuration_arn());
    Ok(arn.and_then(|arn| arn.parse().ok()).as_ref().map(Scope::of))
}

/// A scope to judge a policy by: its variables give the same in every account.
pub(super) fn assumed(region: &Region) -> Result<Scope> {
    let partition = match region.as_str() {
        china if china.starts_with("cn-") => "aws-cn",
        gov if gov.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    Ok(Scope { partition: partition.to_owned(), region: region.clone(), account: UNKNOWN_ACCOUNT.parse()? })
}

/// Refuses any account but the one that was asked for.
pub(super) fn guard(request: &Request, scope: Option<&Scope>) -> Result<()> {
    let Some(wanted) = &request.account else { return Ok(()) };
    match scope.map(|scope| &scope.account) {
        Some(account) if account == wanted => Ok(()),
        Some(account) => Err(Error::new(
            Kind::Conflict,
            format!("these credentials are of account `{account}`, and only `{wanted}` is wanted"),
        )
        .hint("other credentials: export AWS_PROFILE=NAME")
        .hint(format!("or, if this account is right: --account {account}"))),
        None => Err(Error::new(Kind::Conflict, "nothing tells which account these credentials are of")
            .hint("allow `iot:ListDomainConfigurations` to them, or leave --account out")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_partition_follows_from_the_region() {
        let partition = |region: &str| assumed(&region.parse().unwrap()).unwrap().partition;
        assert_eq!(partition("cn-north-1"), "aws-cn");
        assert_eq!(partition("us-gov-west-1"), "aws-us-gov");
        assert_eq!(partition("eu-central-1"), "aws");
    }
}
