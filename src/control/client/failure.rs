//! What a failed call means, in one place: kind, sentence, causes, and what to type next.
//!
//! Codes: the AWS service model of IoT (control-plane.md, section 1) and the common errors of every AWS API.

use aws_config::imds::client::error::ImdsError;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_iot::error::{ProvideErrorMetadata, SdkError};

use crate::control::stand_in::is_loopback;
use crate::error::{Error, Kind};
use crate::names::Region;

/// Refused for the rate of calls alone.
pub(super) const THROTTLED: &[&str] =
    &["ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"];
/// The credentials were good once.
const EXPIRED: &[&str] = &["ExpiredToken", "ExpiredTokenException", "RequestExpired"];
/// The signature does not fit: another secret, or a clock that is off.
const SIGNATURE: &[&str] = &["InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteSignatureException"];
/// Nobody with such credentials is known.
const UNKNOWN_CALLER: &[&str] =
    &["UnrecognizedClientException", "InvalidClientTokenId", "MissingAuthenticationTokenException", "OptInRequired"];
/// The caller is known and may not do this.
const FORBIDDEN: &[&str] = &["AccessDenied", "AccessDeniedException", "ForbiddenException", "UnauthorizedException"];
/// Something is there already, or not in the state that the call needs.
const CONFLICT: &[&str] = &[
    "CertificateConflictException",
    "CertificateStateException",
    "ConflictException",
    "ConflictingResourceUpdateException",
    "DeleteConflictException",
    "InvalidStateTransitionException",
    "ResourceAlreadyExistsException",
    "VersionConflictException",
];
/// The content of the call is not what AWS takes.
const INVALID: &[&str] = &[
    "InvalidRequestException",
    "MalformedPolicyException",
    "CertificateValidationException",
    "RequestEntityTooLargeException",
    "UnsupportedDocumentEncodingException",
    "ValidationException",
];

/// What was tried, and where.
pub(super) struct Circumstances<'a> {
    /// IAM action, `iot:CreateThing`.
    pub(super) action: &'a str,
    /// Completes "cannot ...".
    pub(super) doing: &'a str,
    /// Where the call went, if it went anywhere.
    pub(super) address: Option<&'a str>,
    pub(super) region: &'a Region,
    /// The profile that was asked for, if one was.
    pub(super) profile: Option<&'a str>,
}

impl Circumstances<'_> {
    pub(super) fn explain<E>(&self, error: SdkError<E>) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        if let SdkError::ServiceError(service) = &error {
            let answer = service.err().meta();
            return self.refused(service.raw().status().as_u16(), answer.code(), answer.message().unwrap_or(""));
        }
        let answered = matches!(error, SdkError::ResponseError(_));
        let cause: Box<dyn std::error::Error> = error.into_source().unwrap_or_else(|error| error.into());
        match find::<CredentialsError>(cause.as_ref()) {
            Some(error) => self.no_credentials(error),
            None if answered => self.not_aws().because(cause),
            None => self.unreachable(cause),
        }
    }

    fn refused(&self, status: u16, code: Option<&str>, message: &str) -> Error {
        let Some(code) = code else { return self.not_aws().because(format!("it answered HTTP {status}")) };
        let is = |codes: &[&str]| codes.contains(&code);
        let error = |kind| self.cannot(kind).because(said(code, message));
        match status {
            _ if is(EXPIRED) => error(Kind::Credentials).hint("renew them: aws sso login, or a new session token"),
            _ if is(SIGNATURE) => error(Kind::Credentials)
                .hint("is the secret key the one of this access key? aws configure")
                .hint("is the clock right? date -u"),
            _ if is(UNKNOWN_CALLER) => error(Kind::Credentials)
                .hint(format!(
                    "are these keys of an account that has {} enabled? aws sts get-caller-identity",
                    self.region
                ))
                .hint("other credentials: export AWS_PROFILE=NAME, or aws configure sso"),
            _ if is(FORBIDDEN) => self.forbidden(error(Kind::Credentials)),
            _ if is(THROTTLED) => error(Kind::Unreachable).hint("wait a minute and run the same command again"),
            _ if is(CONFLICT) => error(Kind::Conflict),
            _ if is(INVALID) => error(Kind::BadInput),
            _ if code == "LimitExceededException" => error(Kind::Failed)
                .hint("quotas: https://console.aws.amazon.com/servicequotas/home/services/iotcore/quotas"),
            401 | 403 => self.forbidden(error(Kind::Credentials)),
            503 => error(Kind::Unreachable).hint("wait a minute and run the same command again"),
            _ => error(Kind::Failed),
        }
    }

    fn forbidden(&self, error: Error) -> Error {
        let action = self.action;
        error
            .hint(format!("allow `{action}` in the IAM policy of this user or role"))
            .hint("or take other credentials: export AWS_PROFILE=NAME")
    }

    fn no_credentials(&self, error: &CredentialsError) -> Error {
        let absent = matches!(error, CredentialsError::CredentialsNotLoaded(_));
        // The chain ends at the metadata service of EC2: what fails there, failed everywhere before.
        let missing = absent || find::<ImdsError>(error).is_some();
        let of_profile = self.profile.map_or_else(String::new, |profile| format!(" in profile `{profile}`"));
        let sentence = match missing {
            true => format!("no AWS credentials were found{of_profile}"),
            false => format!("the AWS credentials{of_profile} cannot be loaded"),
        };
        let told = Error::new(Kind::Credentials, sentence);
        let told = match absent {
            true => told,
            false => causes(error).into_iter().fold(told, |told, cause| told.because(cause)),
        };
        match self.profile {
            Some(profile) if missing => told.hint("which profiles are there? aws configure list-profiles").hint(
                format!("set this one up: aws configure sso --profile {profile}, or aws configure --profile {profile}"),
            ),
            Some(profile) => told.hint(format!("with SSO: aws sso login --profile {profile}")),
            None => told
                .hint("set them up: aws configure sso, or aws configure")
                .hint("or take a profile that is there: export AWS_PROFILE=NAME"),
        }
    }

    fn unreachable(&self, cause: Box<dyn std::error::Error>) -> Error {
        let error = match self.address {
            Some(address) => Error::new(Kind::Unreachable, format!("`{address}` does not answer")).because(cause),
            None => self.cannot(Kind::Failed).because(cause),
        };
        match self.address.unwrap_or_default() {
            address if is_loopback(address) => error
                .hint("is the stand-in running? iotctl local")
                .hint("or to reach AWS: unset AWS_ENDPOINT_URL_IOT AWS_ENDPOINT_URL"),
            _ => error
                .hint(format!("is the region right? it is `{}`: --region NAME", self.region))
                .hint("is this machine online? a proxy of the environment (HTTPS_PROXY) is not used"),
        }
    }

    fn not_aws(&self) -> Error {
        let address = self.address.unwrap_or("the endpoint");
        Error::new(Kind::Failed, format!("`{address}` does not answer like the control plane of AWS IoT"))
            .hint("check --endpoint-url, AWS_ENDPOINT_URL_IOT and AWS_ENDPOINT_URL")
    }

    fn cannot(&self, kind: Kind) -> Error {
        Error::new(kind, format!("cannot {}", self.doing))
    }
}

/// What AWS answered; some services answer with a code alone.
fn said(code: &str, message: &str) -> String {
    let name = code.strip_suffix("Exception").unwrap_or(code);
    match message.trim().trim_end_matches('.') {
        "" => name.to_owned(),
        message => format!("{name}: {message}"),
    }
}

/// The first error of this type in a chain of sources.
fn find<'a, T: std::error::Error + 'static>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a T> {
    std::iter::successors(Some(error), |error| error.source()).find_map(|error| error.downcast_ref())
}

/// The sources of an error, as sentences.
fn causes(error: &dyn std::error::Error) -> Vec<String> {
    std::iter::successors(error.source(), |error| error.source()).map(ToString::to_string).collect()
}
