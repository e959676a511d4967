//! Asking for a certificate: the one call that must not be repeated blindly, because each repetition makes another.

use std::time::Duration;

use aws_sdk_iot::config::retry::RetryConfig;
use aws_sdk_iot::error::SdkError;

use crate::control::client::{self, Client, ServiceError};
use crate::error::{Error, Result};
use crate::names::Arn;
use crate::pki::key::PrivateKey;

/// Pauses after being throttled, each shortened at random; AWS takes 15 requests a second by default.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];

/// A certificate as AWS sent it.
pub(super) struct Issued {
    pub(super) id: String,
    pub(super) arn: Arn,
    pub(super) pem: String,
}

/// What came of asking.
pub(super) enum Asked {
    /// A certificate, INACTIVE.
    Issued(Issued),
    /// Nobody knows whether one was made: the answer was lost.
    Unknown(Error),
}

impl Issued {
    /// Of the members of an answer.
    pub(super) fn new(id: Option<String>, arn: Option<String>, pem: Option<String>) -> Result<Self> {
        match (id, arn, pem) {
            (Some(id), Some(arn), Some(pem)) => Ok(Self { id, arn: arn.parse()?, pem }),
            _ => Err(Error::failed("AWS answered without a certificate")),
        }
    }
}

/// Asks for a certificate of the key that signed `csr`.
///
/// It is INACTIVE because `setAsActive` is left out (API reference: false by default); moto takes `false` for true.
pub(super) async fn by_csr(client: &Client, csr: &str) -> Result<Asked> {
    let call = client.iot.create_certificate_from_csr().certificate_signing_request(csr);
    let answer = unless_throttled(|| call.clone().customize().config_override(no_retries()).send()).await;
    let unknown = answer.as_ref().is_err_and(client::is_unknown);
    match client.answer("iot:CreateCertificateFromCsr", "get a certificate", answer) {
        Err(error) if unknown => Ok(Asked::Unknown(error)),
        answer => answer
            .and_then(|made| Issued::new(made.certificate_id, made.certificate_arn, made.certificate_pem))
            .map(Asked::Issued),
    }
}

/// Asks for a key and its certificate. The key exists nowhere else: write it down at once.
pub(super) async fn with_key(client: &Client) -> Result<(Issued, PrivateKey)> {
    let call = client.iot.create_keys_and_certificate();
    let answer = unless_throttled(|| call.clone().customize().config_override(no_retries()).send()).await;
    let made = client.answer("iot:CreateKeysAndCertificate", "get a key and a certificate", answer)?;
    let pem = made.key_pair.and_then(|pair| pair.private_key).map(zeroize::Zeroizing::new);
    let pem = pem.ok_or_else(|| Error::failed("AWS answered without a private key"))?;
    let key = PrivateKey::from_pem("the private key that AWS sent", &pem)?;
    Ok((Issued::new(made.certificate_id, made.certificate_arn, made.certificate_pem)?, key))
}

/// The SDK repeats a call whose answer was lost.
fn no_retries() -> aws_sdk_iot::config::Builder {
    aws_sdk_iot::Config::builder().retry_config(RetryConfig::disabled())
}

/// Repeats a call that was refused for its rate: then nothing was made.
async fn unless_throttled<T, E: ServiceError, F>(call: impl Fn() -> F) -> std::result::Result<T, SdkError<E>>
where
    F: Future<Output = std::result::Result<T, SdkError<E>>>,
{
    for pause in PAUSES {
        match call().await {
            Err(error) if client::is_throttled(&error) => tokio::time::sleep(shortened(pause)).await,
            answer => return answer,
        }
    }
    call().await
}

/// Full jitter: anything from nothing to `pause`, so that many at work do not come back together.
fn shortened(pause: Duration) -> Duration {
    let part = getrandom::u32().map_or(0.5, |random| f64::from(random) / f64::from(u32::MAX));
    pause.mul_f64(part)
}
