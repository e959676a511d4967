//! [`decide`]: policies and facts in, decision out.

use std::collections::BTreeMap;

use super::decision::{Decision, Outcome};
use super::document::Document;
use super::request::{Connection, Request};

/// A document under the name it is attached by. `Effective` decides which count.
#[derive(Debug, Clone, Copy)]
pub struct Attached<'a> {
    /// Name of the policy.
    pub name: &'a str,
    /// Its default version.
    pub document: &'a Document,
    /// Whether only its Deny statements count (group policies of an exclusively attached thing whose name is not
    /// the client id).
    pub deny_only: bool,
}

/// Decides whether `connection` may do `request` under `policies`.
pub fn decide(policies: &[Attached<'_>], connection: &Connection, request: &Request) -> Decision {
    let _ = (policies, connection, request);
    Decision {
        outcome: Outcome::ImplicitDeny,
        statements: Vec::new(),
        variables: BTreeMap::new(),
        near: Vec::new(),
        suggestion: None,
    }
}
