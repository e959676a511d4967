//! Which policy is on what, and which certificate on which thing.

use super::entry::{Attachment, Target};
use super::fault::{Exception, Fault};
use super::state::State;

/// Policies that a target has at most (AWS quotas page, and "Attach a policy to a thing group").
const MOST_ON_CERTIFICATE: usize = 10;
const MOST_ON_GROUP: usize = 2;

impl State {
    /// The certificate or group that an ARN names.
    pub fn target(&self, arn: &str) -> Result<Target, Fault> {
        if let Some(id) = self.name_in(arn, "cert") {
            self.certificate(id)?;
            return Ok(Target::Certificate(id.to_owned()));
        }
        if let Some(name) = self.name_in(arn, "thinggroup") {
            self.group(name)?;
            return Ok(Target::Group(name.to_owned()));
        }
        Err(Fault::invalid(format!(
            "Invalid target {arn}: a policy is attached to a certificate or a thing group of this account and region"
        )))
    }

    /// The ARN of a target.
    pub fn target_arn(&self, target: &Target) -> String {
        match target {
            Target::Certificate(id) => self.arn("cert", id),
            Target::Group(name) => self.arn("thinggroup", name),
        }
    }

    /// Attaches a policy; again is no error.
    pub fn attach_policy(&mut self, name: &str, arn: &str) -> Result<(), Fault> {
        self.policy(name)?;
        let target = self.target(arn)?;
        let most = if matches!(target, Target::Group(_)) { MOST_ON_GROUP } else { MOST_ON_CERTIFICATE };
        let present = self.attached.entry(target).or_default();
        if present.iter().any(|attached| attached == name) {
            return Ok(());
        }
        if present.len() >= most {
            let message = format!("The target {arn} has {most} policies already");
            return Err(Fault::new(Exception::LimitExceeded, message));
        }
        present.push(name.to_owned());
        Ok(())
    }

    /// Detaches a policy; if it is not attached or does not exist, that is no error, and an unknown target is an
    /// invalid one: AWS's model has no `ResourceNotFoundException` here, and that is what Terraform's provider meets.
    pub fn detach_policy(&mut self, name: &str, arn: &str) -> Result<(), Fault> {
        let invalid = |unknown: Fault| Fault::invalid(format!("Invalid Target: {}", unknown.message));
        let target = self.target(arn).map_err(invalid)?;
        if let Some(present) = self.attached.get_mut(&target) {
            present.retain(|attached| attached != name);
        }
        Ok(())
    }

    /// The policies of a target, with those of a group's ancestors if `recursive`.
    pub fn attached_policies(&self, target: &Target, recursive: bool) -> Vec<String> {
        let own = |target: &Target| self.attached.get(target).cloned().unwrap_or_default();
        match target {
            Target::Group(name) if recursive => {
                self.lineage(name).flat_map(|group| own(&Target::Group(group.to_owned()))).collect()
            }
            target => own(target),
        }
    }

    /// The certificate that a principal's ARN names.
    pub fn principal_id(&self, arn: &str) -> Result<String, Fault> {
        let id = self.name_in(arn, "cert").ok_or_else(|| {
            Fault::invalid(format!(
                "Invalid principal {arn}: the stand-in knows certificates of its own account and region"
            ))
        })?;
        self.certificate(id).map(|_| id.to_owned())
    }

    /// Attaches a certificate to a thing; again in the same way is no error.
    pub fn attach_principal(&mut self, thing: &str, principal: &str, exclusive: bool) -> Result<(), Fault> {
        self.thing(thing)?;
        let id = self.principal_id(principal)?;
        let wanted = Attachment { thing: thing.to_owned(), exclusive };
        let present = self.principals.entry(id).or_default();
        if present.contains(&wanted) {
            return Ok(());
        }
        let in_the_way = present.iter().find(|other| exclusive || other.exclusive);
        if let Some(other) = in_the_way {
            return Err(Fault::invalid(format!(
                "Principal is attached to thing {}: an exclusive attachment allows no other",
                other.thing
            )));
        }
        present.push(wanted);
        Ok(())
    }

    /// Detaches a certificate from a thing; if it is not attached, that is no error.
    pub fn detach_principal(&mut self, thing: &str, principal: &str) -> Result<(), Fault> {
        self.thing(thing)?;
        let id = self.principal_id(principal)?;
        if let Some(present) = self.principals.get_mut(&id) {
            present.retain(|attachment| attachment.thing != thing);
        }
        Ok(())
    }
}
