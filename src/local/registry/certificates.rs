//! Device certificates: registered, switched on and off, deleted.

use super::entry::{Certificate, CertificateStatus, Epoch, Target};
use super::fault::{Exception, Fault};
use super::state::State;
use super::subject;
use crate::pki::certificate::Certificate as Parsed;

impl State {
    /// Registers a certificate (PEM) and returns its id; one that is registered is refused with its id and ARN.
    pub fn register_certificate(
        &mut self,
        pem: &str,
        status: CertificateStatus,
        mode: &'static str,
        now: Epoch,
    ) -> Result<String, Fault> {
        let invalid = |e: crate::error::Error| Fault::new(Exception::CertificateValidation, e.to_string());
        let parsed = Parsed::from_pem("certificate", pem).map_err(invalid)?;
        let id = parsed.id();
        if self.certificates.contains_key(&id) {
            let existing = Some((id.clone(), self.arn("cert", &id)));
            let message = "The certificate is already provisioned or registered";
            return Err(Fault { existing, ..Fault::new(Exception::ResourceAlreadyExists, message) });
        }
        let certificate = Certificate {
            serial: self.fresh_serial(),
            pem: pem.to_owned(),
            status,
            mode,
            created: now,
            modified: now,
            version: 1,
            not_before: parsed.not_before.unix_timestamp(),
            not_after: parsed.not_after.unix_timestamp(),
            names: subject::names(parsed.der()),
        };
        self.certificates.insert(id.clone(), certificate);
        Ok(id)
    }

    /// Switches a certificate on or off.
    pub fn update_certificate(&mut self, id: &str, status: CertificateStatus, now: Epoch) -> Result<(), Fault> {
        self.certificate(id)?;
        if let Some(certificate) = self.certificates.get_mut(id).filter(|c| c.status != status) {
            certificate.status = status;
            certificate.modified = now;
            certificate.version += 1;
        }
        Ok(())
    }

    /// Deletes a certificate that is not active and not attached; `force` minds no policies.
    pub fn delete_certificate(&mut self, id: &str, force: bool) -> Result<(), Fault> {
        if self.certificate(id)?.status == CertificateStatus::Active {
            return Err(Fault::new(
                Exception::CertificateState,
                format!("Certificate must be deactivated (not ACTIVE) before deletion. id={id}"),
            ));
        }
        let target = Target::Certificate(id.to_owned());
        if !force && self.attached.get(&target).is_some_and(|policies| !policies.is_empty()) {
            return Err(Fault::new(
                Exception::DeleteConflict,
                format!("Certificate policies must be detached before deletion (arn: {})", self.arn("cert", id)),
            ));
        }
        if self.principals.get(id).is_some_and(|things| !things.is_empty()) {
            return Err(Fault::new(
                Exception::DeleteConflict,
                format!("Things must be detached before deletion (arn: {})", self.arn("cert", id)),
            ));
        }
        self.certificates.remove(id);
        self.attached.remove(&target);
        self.principals.remove(id);
        Ok(())
    }
}
