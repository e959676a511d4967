//! Refusals of the control plane and of the data endpoint: AWS's exception names, status codes and messages.
//!
//! Source: control-plane.md, section 1 (botocore's service model of AWS IoT, 2015-05-28).

/// Which exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exception {
    /// The request is not valid. 400.
    InvalidRequest,
    /// The policy document is none. 400.
    MalformedPolicy,
    /// The certificate is none, or cannot be used. 400.
    CertificateValidation,
    /// The named object does not exist. 404.
    ResourceNotFound,
    /// The certificate's status does not allow it. 406.
    CertificateState,
    /// An object of that name exists, and differs. 409.
    ResourceAlreadyExists,
    /// Something is attached to it. 409.
    DeleteConflict,
    /// The expected version is not the present one. 409.
    VersionConflict,
    /// The expected version of a shadow is not the present one. 409.
    Conflict,
    /// A shadow would be larger than it may be. 413.
    RequestEntityTooLarge,
    /// A shadow that is not UTF-8. 415.
    UnsupportedDocumentEncoding,
    /// A policy has five versions. 409.
    VersionsLimitExceeded,
    /// A quota is used up. 410.
    LimitExceeded,
    /// No credentials were sent. 403.
    MissingAuthenticationToken,
    /// The request's Host is none of this machine's names. 403.
    Forbidden,
    /// AWS has this operation, the stand-in does not. 501.
    NotImplemented,
    /// No operation has this method and path. 404.
    UnknownOperation,
    /// The stand-in itself failed. 500.
    InternalFailure,
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which exception.
    pub exception: Exception,
    /// What a person reads.
    pub message: String,
    /// Id and ARN of what is in the way, on [`Exception::ResourceAlreadyExists`].
    pub existing: Option<(String, String)>,
}

impl Exception {
    /// The value of `x-amzn-ErrorType`, and the HTTP status.
    pub const fn wire(self) -> (&'static str, u16) {
        match self {
            Self::InvalidRequest => ("InvalidRequestException", 400),
            Self::MalformedPolicy => ("MalformedPolicyException", 400),
            Self::CertificateValidation => ("CertificateValidationException", 400),
            Self::ResourceNotFound => ("ResourceNotFoundException", 404),
            Self::CertificateState => ("CertificateStateException", 406),
            Self::ResourceAlreadyExists => ("ResourceAlreadyExistsException", 409),
            Self::DeleteConflict => ("DeleteConflictException", 409),
            Self::VersionConflict => ("VersionConflictException", 409),
            Self::Conflict => ("ConflictException", 409),
            Self::RequestEntityTooLarge => ("RequestEntityTooLargeException", 413),
            Self::UnsupportedDocumentEncoding => ("UnsupportedDocumentEncodingException", 415),
            Self::VersionsLimitExceeded => ("VersionsLimitExceededException", 409),
            Self::LimitExceeded => ("LimitExceededException", 410),
            Self::MissingAuthenticationToken => ("MissingAuthenticationTokenException", 403),
            Self::Forbidden => ("ForbiddenException", 403),
            Self::NotImplemented => ("NotImplementedException", 501),
            Self::UnknownOperation => ("UnknownOperationException", 404),
            Self::InternalFailure => ("InternalFailureException", 500),
        }
    }
}

impl Fault {
    /// A refusal with a message.
    pub fn new(exception: Exception, message: impl Into<String>) -> Self {
        Self { exception, message: message.into(), existing: None }
    }

    /// The request is not valid.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Exception::InvalidRequest, message)
    }

    /// `what` of this name does not exist.
    pub fn not_found(what: &str, name: &str) -> Self {
        Self::new(Exception::ResourceNotFound, format!("{what} {name} does not exist."))
    }

    /// `what` of this name exists, with this id and ARN.
    pub fn exists(what: &str, name: &str, id: &str, arn: String) -> Self {
        let message = format!("{what} {name} already exists in account with different properties");
        Self { existing: Some((id.to_owned(), arn)), ..Self::new(Exception::ResourceAlreadyExists, message) }
    }
}
