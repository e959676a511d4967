//! Device certificates: by CSR, by CreateKeysAndCertificate, registered, listed, switched, deleted.

use serde_json::{Value, json};

use super::context::Context;
use super::input::Input;
use super::page;
use crate::error::Kind;
use crate::local::registry::entry::{Certificate, CertificateStatus};
use crate::local::registry::fault::{Exception, Fault};

/// Mode of certificates that a CA signed which AWS IoT knows, and of those registered without one.
const DEFAULT: &str = "DEFAULT";
const SNI_ONLY: &str = "SNI_ONLY";

pub(super) fn create_from_csr(context: &Context, input: &Input) -> Result<Value, Fault> {
    let signed = context.ca.sign(input.text("certificateSigningRequest"));
    let pem = signed.map_err(|e| match e.kind() {
        Kind::BadInput => Fault::invalid(e.to_string()),
        _ => Fault::new(Exception::InternalFailure, e.to_string()),
    })?;
    register(context, &pem, status_by_flag(input), DEFAULT)
}

pub(super) fn create_keys(context: &Context, input: &Input) -> Result<Value, Fault> {
    let made = context.ca.keys_and_certificate();
    let made = made.map_err(|e| Fault::new(Exception::InternalFailure, e.to_string()))?;
    let mut answer = register(context, &made.certificate_pem, status_by_flag(input), DEFAULT)?;
    answer["keyPair"] = json!({"PublicKey": made.public_key_pem, "PrivateKey": made.private_key_pem.as_str()});
    Ok(answer)
}

pub(super) fn register_without_ca(context: &Context, input: &Input) -> Result<Value, Fault> {
    let status = input.maybe("status").map_or(Ok(CertificateStatus::Inactive), status)?;
    let mut answer = register(context, input.text("certificatePem"), status, SNI_ONLY)?;
    if let Some(members) = answer.as_object_mut() {
        members.remove("certificatePem");
    }
    Ok(answer)
}

pub(super) fn describe(context: &Context, input: &Input) -> Result<Value, Fault> {
    let id = input.text("certificateId");
    context.registry.read(|state| {
        let certificate = state.certificate(id)?;
        let mut description = row(id, state.arn("cert", id), certificate);
        description["certificatePem"] = json!(certificate.pem);
        description["ownedBy"] = json!(context.registry.scope().account);
        description["lastModifiedDate"] = json!(certificate.modified);
        description["customerVersion"] = json!(certificate.version);
        description["generationId"] = json!(format!("{id}-{}", certificate.version));
        description["validity"] = json!({"notBefore": certificate.not_before, "notAfter": certificate.not_after});
        Ok(json!({"certificateDescription": description}))
    })
}

pub(super) fn update(context: &Context, input: &Input) -> Result<Value, Fault> {
    let status = status(input.text("newStatus"))?;
    let id = input.text("certificateId");
    context.registry.change(|state| state.update_certificate(id, status, context.now()).map(|()| json!({})))
}

pub(super) fn delete(context: &Context, input: &Input) -> Result<Value, Fault> {
    let force = input.flag("forceDelete");
    context.registry.change(|state| state.delete_certificate(input.text("certificateId"), force).map(|()| json!({})))
}

pub(super) fn list(context: &Context, input: &Input) -> Result<Value, Fault> {
    let items = context.registry.read(|state| {
        let all = state.certificates.iter();
        all.map(|(id, certificate)| (page::by_age(certificate.serial), row(id, state.arn("cert", id), certificate)))
            .collect()
    });
    page::page_by_age("certificates", items, input)
}

fn register(context: &Context, pem: &str, status: CertificateStatus, mode: &'static str) -> Result<Value, Fault> {
    context.registry.change(|state| {
        let id = state.register_certificate(pem, status, mode, context.now())?;
        Ok(json!({"certificateArn": state.arn("cert", &id), "certificateId": id, "certificatePem": pem}))
    })
}

fn row(id: &str, arn: String, certificate: &Certificate) -> Value {
    json!({
        "certificateArn": arn,
        "certificateId": id,
        "status": certificate.status.name(),
        "certificateMode": certificate.mode,
        "creationDate": certificate.created,
    })
}

fn status_by_flag(input: &Input) -> CertificateStatus {
    if input.flag("setAsActive") { CertificateStatus::Active } else { CertificateStatus::Inactive }
}

fn status(name: &str) -> Result<CertificateStatus, Fault> {
    let known = [CertificateStatus::Active, CertificateStatus::Inactive, CertificateStatus::Revoked];
    known.into_iter().find(|status| status.name() == name).ok_or_else(|| {
        Fault::invalid(format!("The certificate status {name} cannot be set; it may be ACTIVE, INACTIVE or REVOKED"))
    })
}
