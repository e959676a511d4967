//! Where everything is kept, and how it is looked up.

use std::collections::{BTreeMap, BTreeSet};

use super::entry::{Attachment, Certificate, Policy, Target, Thing, ThingGroup, ThingType};
use super::fault::Fault;
use crate::pki::sha256_hex;
use crate::policy::checks::Scope;

/// The whole registry. Lists are in the order of their names, as paging needs a fixed order.
#[derive(Debug)]
pub struct State {
    scope: Scope,
    ids: u64,
    pub(crate) things: BTreeMap<String, Thing>,
    pub(crate) thing_types: BTreeMap<String, ThingType>,
    pub(crate) groups: BTreeMap<String, ThingGroup>,
    /// Group name to the things in it.
    pub(crate) members: BTreeMap<String, BTreeSet<String>>,
    pub(crate) certificates: BTreeMap<String, Certificate>,
    pub(crate) policies: BTreeMap<String, Policy>,
    /// What each target has, in the order of attaching.
    pub(crate) attached: BTreeMap<Target, Vec<String>>,
    /// Certificate id to its things.
    pub(crate) principals: BTreeMap<String, Vec<Attachment>>,
    /// ARN to tags.
    pub(crate) tags: BTreeMap<String, BTreeMap<String, String>>,
}

impl State {
    pub(super) fn new(scope: Scope) -> Self {
        Self {
            scope,
            ids: 0,
            things: BTreeMap::new(),
            thing_types: BTreeMap::new(),
            groups: BTreeMap::new(),
            members: BTreeMap::new(),
            certificates: BTreeMap::new(),
            policies: BTreeMap::new(),
            attached: BTreeMap::new(),
            principals: BTreeMap::new(),
            tags: BTreeMap::new(),
        }
    }

    /// The ARN of an object of this account.
    pub fn arn(&self, kind: &str, name: &str) -> String {
        let Scope { partition, region, account } = &self.scope;
        format!("arn:{partition}:iot:{region}:{account}:{kind}/{name}")
    }

    /// The name in an ARN of this account, if it is one of this kind.
    pub fn name_in<'a>(&self, arn: &'a str, kind: &str) -> Option<&'a str> {
        arn.strip_prefix(self.arn(kind, "").as_str()).filter(|name| !name.is_empty())
    }

    /// A number that no object had before.
    pub(super) fn fresh_serial(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    /// A fresh id in the form of a UUID. Counted, not thrown: a stand-in does the same thing twice in the same way.
    pub(super) fn fresh_id(&mut self) -> String {
        let serial = self.fresh_serial();
        let digest = sha256_hex(format!("{} {serial}", self.scope.account).as_bytes());
        let part = |from: usize, to: usize| digest.get(from..to).unwrap_or_default();
        format!("{}-{}-4{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
    }

    /// The thing of this name.
    pub fn thing(&self, name: &str) -> Result<&Thing, Fault> {
        self.things.get(name).ok_or_else(|| Fault::not_found("Thing", name))
    }

    /// The group of this name.
    pub fn group(&self, name: &str) -> Result<&ThingGroup, Fault> {
        self.groups.get(name).ok_or_else(|| Fault::not_found("Thing group", name))
    }

    /// The certificate of this id.
    pub fn certificate(&self, id: &str) -> Result<&Certificate, Fault> {
        self.certificates.get(id).ok_or_else(|| Fault::not_found("Certificate", id))
    }

    /// The policy of this name.
    pub fn policy(&self, name: &str) -> Result<&Policy, Fault> {
        self.policies.get(name).ok_or_else(|| Fault::not_found("Policy", name))
    }

    /// A group and all it is in, the nearest first.
    pub fn lineage<'a>(&'a self, group: &'a str) -> impl Iterator<Item = &'a str> {
        std::iter::successors(Some(group), |name| self.groups.get(*name)?.parent.as_deref())
    }

    /// The groups that a thing is in itself.
    pub fn groups_of<'a>(&'a self, thing: &'a str) -> impl Iterator<Item = &'a str> {
        self.members.iter().filter(move |(_, things)| things.contains(thing)).map(|(group, _)| group.as_str())
    }
}
