//! Policies and their versions.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::entry::{Epoch, Policy, PolicyVersion};
use super::fault::{Exception, Fault};
use super::state::State;
use crate::policy::document::{Document, MAX_LENGTH, counted_length};

/// Versions that a policy has at most.
const MOST_VERSIONS: usize = 5;

impl State {
    /// Makes a policy with version 1. A name that is taken is refused, even for the same document.
    pub fn create_policy(&mut self, name: &str, text: &str, now: Epoch) -> Result<&Policy, Fault> {
        if self.policies.contains_key(name) {
            let message = format!("Policy cannot be created - name already exists (name={name})");
            let existing = Some((name.to_owned(), self.arn("policy", name)));
            return Err(Fault { existing, ..Fault::new(Exception::ResourceAlreadyExists, message) });
        }
        let version = parsed(name, text, now)?;
        let versions = BTreeMap::from([(1, version)]);
        let serial = self.fresh_serial();
        let policy = Policy { serial, versions, default: 1, next: 2, created: now, modified: now };
        Ok(self.policies.entry(name.to_owned()).or_insert(policy))
    }

    /// Adds a version and returns its number.
    pub fn create_policy_version(&mut self, name: &str, text: &str, default: bool, now: Epoch) -> Result<u64, Fault> {
        if self.policy(name)?.versions.len() >= MOST_VERSIONS {
            let message = format!("The policy {name} already has the maximum number of versions ({MOST_VERSIONS})");
            return Err(Fault::new(Exception::VersionsLimitExceeded, message));
        }
        let version = parsed(name, text, now)?;
        let policy = self.policy_mut(name)?;
        let number = policy.next;
        policy.next += 1;
        policy.versions.insert(number, version);
        if default {
            (policy.default, policy.modified) = (number, now);
        }
        Ok(number)
    }

    /// The version of this number.
    pub fn policy_version(&self, name: &str, number: u64) -> Result<&PolicyVersion, Fault> {
        let found = self.policy(name)?.versions.get(&number);
        found.ok_or_else(|| Fault::new(Exception::ResourceNotFound, format!("Policy {name} has no version {number}")))
    }

    /// Makes a version the one that counts.
    pub fn set_default_policy_version(&mut self, name: &str, number: u64, now: Epoch) -> Result<(), Fault> {
        self.policy_version(name, number)?;
        let policy = self.policy_mut(name)?;
        (policy.default, policy.modified) = (number, now);
        Ok(())
    }

    /// Deletes a version that is not the default.
    pub fn delete_policy_version(&mut self, name: &str, number: u64) -> Result<(), Fault> {
        self.policy_version(name, number)?;
        if self.policy(name)?.default == number {
            let message = format!("Cannot delete the default version of a policy (policy={name}, version={number})");
            return Err(Fault::new(Exception::DeleteConflict, message));
        }
        self.policy_mut(name)?.versions.remove(&number);
        Ok(())
    }

    /// Deletes a policy that is attached to nothing and has no version but the default.
    pub fn delete_policy(&mut self, name: &str) -> Result<(), Fault> {
        let conflict = |message: String| Err(Fault::new(Exception::DeleteConflict, message));
        if self.policy(name)?.versions.len() > 1 {
            return conflict(format!(
                "Cannot delete the policy because it has one or more policy versions attached to it (name={name})"
            ));
        }
        if self.attached.values().flatten().any(|attached| attached == name) {
            return conflict(format!(
                "The policy cannot be deleted as the policy is attached to one or more principals (name={name})"
            ));
        }
        self.policies.remove(name);
        self.tags.remove(&self.arn("policy", name));
        Ok(())
    }

    fn policy_mut(&mut self, name: &str) -> Result<&mut Policy, Fault> {
        self.policies.get_mut(name).ok_or_else(|| Fault::not_found("Policy", name))
    }
}

impl Policy {
    /// The document that counts.
    pub fn default_version(&self) -> Option<&PolicyVersion> {
        self.versions.get(&self.default)
    }
}

fn parsed(name: &str, text: &str, now: Epoch) -> Result<PolicyVersion, Fault> {
    let length = counted_length(text);
    if length > MAX_LENGTH {
        let message = format!("Policy document has {length} characters without white space; the limit is {MAX_LENGTH}");
        return Err(Fault::new(Exception::MalformedPolicy, message));
    }
    let malformed = |e: crate::error::Error| Fault::new(Exception::MalformedPolicy, e.to_string());
    let document = Arc::new(Document::parse(name, text).map_err(malformed)?);
    Ok(PolicyVersion { text: text.to_owned(), document, created: now })
}
