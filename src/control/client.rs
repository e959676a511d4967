//! The control plane of one account and Region, with the settings of the AWS CLI: profiles, SSO, web identity,
//! environment, `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_IOT`, `AWS_ENDPOINT_URL_IOT_DATA_PLANE`, `AWS_MAX_ATTEMPTS`.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region as SdkRegion, SdkConfig};
use aws_sdk_iot::config::AppName;
use aws_sdk_iot::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_types::timeout::TimeoutConfig;

use crate::config::environment;
use crate::error::{Error, Kind, Result};
use crate::names::Region;

mod address;
mod credentials;
mod failure;

use address::Address;
use failure::Circumstances;

/// A reachable control plane completes a TCP and TLS handshake well within this.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// One try of a call.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);
/// A call with all its retries and the pauses between them (the SDK adds jitter to those).
const CALL_TIMEOUT: Duration = Duration::from_secs(45);

/// Which account and Region, if the command line says it.
#[derive(Debug, Clone, Default)]
pub struct ClientOptions {
    /// A profile of `~/.aws/config`; else `AWS_PROFILE`, else `default`.
    pub profile: Option<String>,
    /// The Region; else `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's, the EC2 instance's.
    pub region: Option<Region>,
    /// Address of another control plane; else `AWS_ENDPOINT_URL_IOT`, `AWS_ENDPOINT_URL`, the profile's.
    pub endpoint_url: Option<String>,
}

/// A connection to the control plane. Nothing is sent, and no credentials are looked for, before the first call.
#[derive(Debug, Clone)]
pub struct Client {
    /// The SDK's client.
    pub(super) iot: aws_sdk_iot::Client,
    /// The SDK's client of the data endpoint, where shadows are.
    pub(super) data: aws_sdk_iotdataplane::Client,
    region: Region,
    profile: Option<String>,
    address: Address,
}

/// Gathers the settings.
///
/// # Errors
///
/// `Configuration` if no Region is set, `Usage` for an endpoint that is no URL.
pub async fn connect(options: &ClientOptions) -> Result<Client> {
    if let Some(url) = &options.endpoint_url {
        check_url(url)?;
    }
    let region = region(options).await?;
    let config = load(options, &region).await;
    let address = Address::default();
    let service = aws_sdk_iot::config::Builder::from(&config).interceptor(address.clone()).build();
    let data = aws_sdk_iotdataplane::config::Builder::from(&config).interceptor(address.clone()).build();
    let profile = options.profile.clone().or_else(environment::profile);
    let (iot, data) = (aws_sdk_iot::Client::from_conf(service), aws_sdk_iotdataplane::Client::from_conf(data));
    Ok(Client { iot, data, region, profile, address })
}

async fn load(options: &ClientOptions, region: &Region) -> SdkConfig {
    let profile = options.profile.as_deref();
    let region = SdkRegion::new(region.to_string());
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(CALL_TIMEOUT)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .timeout_config(timeouts)
        .credentials_provider(credentials::chain(profile, region.clone()).await)
        .region(region);
    if let Ok(name) = AppName::new(concat!("iotctl-", env!("CARGO_PKG_VERSION"))) {
        loader = loader.app_name(name);
    }
    if let Some(profile) = profile {
        loader = loader.profile_name(profile);
    }
    if let Some(url) = &options.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    loader.load().await
}

/// The SDK finds out at the first call, and then says "builder error".
fn check_url(url: &str) -> Result<()> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    match rest.filter(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace)) {
        Some(_) => Ok(()),
        None => Err(Error::usage(format!("endpoint `{}` is not a URL", url.escape_debug()))
            .hint("it looks like `http://127.0.0.1:4883`")),
    }
}

async fn region(options: &ClientOptions) -> Result<Region> {
    if let Some(region) = &options.region {
        return Ok(region.clone());
    }
    let found = credentials::region(options.profile.as_deref()).await;
    let Some(region) = found.filter(|region| !region.as_ref().is_empty()) else {
        return Err(Error::new(Kind::Configuration, "no AWS region is set")
            .hint("export AWS_REGION=eu-central-1")
            .hint("or once: --region eu-central-1"));
    };
    region.as_ref().parse().map_err(|e: Error| {
        Error::new(Kind::Configuration, format!("the AWS region of this environment is `{region}`, which is none"))
            .because(e)
            .hint("export AWS_REGION=eu-central-1")
    })
}

impl Client {
    /// The Region.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// Where the calls go, as `http://127.0.0.1:4883`; known after the first one.
    pub fn address(&self) -> Option<&str> {
        self.address.get()
    }

    /// The answer of a call, or what its failure means: a sentence that begins "cannot `doing`", and what to do.
    ///
    /// `action` is the IAM action of the call.
    pub(super) fn answer<T, E: ServiceError>(
        &self,
        action: &str,
        doing: &str,
        answer: std::result::Result<T, SdkError<E>>,
    ) -> Result<T> {
        let circumstances = Circumstances {
            action,
            doing,
            address: self.address(),
            region: &self.region,
            profile: self.profile.as_deref(),
        };
        answer.map_err(|error| circumstances.explain(error))
    }

    /// The same for a call that reads: what does not exist is no failure.
    pub(super) fn found<T, E: ServiceError>(
        &self,
        action: &str,
        doing: &str,
        answer: std::result::Result<T, SdkError<E>>,
    ) -> Result<Option<T>> {
        match answer {
            Err(error) if is(&error, "ResourceNotFoundException") => Ok(None),
            answer => self.answer(action, doing, answer).map(Some),
        }
    }
}

/// The error type of any operation.
pub(super) trait ServiceError: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static {}

impl<E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static> ServiceError for E {}

/// Whether AWS answered with this error code.
pub(super) fn is<E: ServiceError>(error: &SdkError<E>, code: &str) -> bool {
    matches!(error, SdkError::ServiceError(service) if service.err().code() == Some(code))
}

/// Whether AWS refused a call for its rate alone: it was surely not carried out (HTTP 400 in AWS IoT, not 429).
pub(super) fn is_throttled<E: ServiceError>(error: &SdkError<E>) -> bool {
    failure::THROTTLED.iter().any(|code| is(error, code))
}

/// Whether nobody can say if a call was carried out: the answer was lost, or the service failed half-way.
pub(super) fn is_unknown<E: ServiceError>(error: &SdkError<E>) -> bool {
    match error {
        SdkError::ServiceError(service) => service.raw().status().is_server_error(),
        SdkError::ConstructionFailure(_) => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_must_be_a_url() {
        for good in ["http://127.0.0.1:4883", "https://iot.eu-west-1.amazonaws.com"] {
            assert!(check_url(good).is_ok());
        }
        for bad in ["127.0.0.1:4883", "localhost", "http://", "http://a b", ""] {
            assert_eq!(check_url(bad).unwrap_err().kind(), Kind::Usage, "{bad}");
        }
    }
}
