//! The certificate that an earlier run asked for and never saw: found again by its public key.
//!
//! AWS keeps no idempotency token for certificates, and a list of them names no keys. So the newest are listed, those
//! of the time of the request that are INACTIVE are read one by one, and their keys compared. That is bounded twice:
//! by time, and by number. A certificate that is not found stays INACTIVE, which nobody can connect with.

use aws_sdk_iot::types::{Certificate, CertificateStatus};
use time::{Duration, OffsetDateTime};

use super::issued::Issued;
use crate::control::client::Client;
use crate::error::Result;
use crate::pki::certificate;

/// How far the clock of this machine and the time that a call needs may move a certificate's creation away from the
/// note of the request. AWS refuses signatures that are more than five minutes off.
const SLACK: Duration = Duration::minutes(15);
/// Listed certificates after which the search is given up: 100 pages of 250, ten seconds at AWS's default rate.
const MOST_LISTED: usize = 25_000;
/// Certificates that are read, at most.
const MOST_READ: usize = 500;

/// What a search came to.
pub(super) enum Search {
    /// This is it.
    Found(Issued),
    /// It was never made.
    Nothing,
    /// There are too many certificates to look at.
    GivenUp,
}

/// Looks for the INACTIVE certificate of `public_key` that was asked for at `asked`.
pub(super) async fn find(client: &Client, asked: OffsetDateTime, public_key: &[u8]) -> Result<Search> {
    let (candidates, complete) = candidates(client, asked).await?;
    for id in candidates.iter().take(MOST_READ) {
        if let Some(issued) = read(client, id).await?.filter(|issued| carries(issued, public_key)) {
            return Ok(Search::Found(issued));
        }
    }
    Ok(if complete && candidates.len() <= MOST_READ { Search::Nothing } else { Search::GivenUp })
}

/// Ids of the INACTIVE certificates of that time, newest first, and whether the list is complete.
pub(super) async fn candidates(client: &Client, asked: OffsetDateTime) -> Result<(Vec<String>, bool)> {
    let (from, to) = ((asked - SLACK).unix_timestamp(), (asked + SLACK).unix_timestamp());
    let call = client.iot.list_certificates().ascending_order(false).page_size(250);
    let mut pages = call.into_paginator().send();
    let (mut found, mut listed) = (Vec::new(), 0);
    while let Some(page) = pages.next().await {
        let page = client.answer("iot:ListCertificates", "list the newest certificates", page)?;
        let created = |certificate: &Certificate| certificate.creation_date().map_or(from, |date| date.secs());
        let of_that_time = page.certificates().iter().filter(|certificate| {
            (from..=to).contains(&created(certificate)) && certificate.status() == Some(&CertificateStatus::Inactive)
        });
        found.extend(of_that_time.filter_map(|certificate| certificate.certificate_id().map(str::to_owned)));
        listed += page.certificates().len();
        let past = page.certificates().last().is_some_and(|oldest| created(oldest) < from);
        if past || listed >= MOST_LISTED {
            return Ok((found, past));
        }
    }
    Ok((found, true))
}

async fn read(client: &Client, id: &str) -> Result<Option<Issued>> {
    let answer = client.iot.describe_certificate().certificate_id(id).send().await;
    let found = client.found("iot:DescribeCertificate", &format!("read certificate `{id}`"), answer)?;
    let description = found.and_then(|found| found.certificate_description);
    description.map(|found| Issued::new(found.certificate_id, found.certificate_arn, found.certificate_pem)).transpose()
}

fn carries(issued: &Issued, public_key: &[u8]) -> bool {
    certificate::Certificate::from_pem(&issued.id, &issued.pem).is_ok_and(|found| found.public_key() == public_key)
}
