//! What is wanted of a policy, and what is to be done for it.

use std::time::Duration;

use crate::error::Result;
use crate::names::{PolicyName, ThingName};
use crate::template::{Rendered, Template, Variables};

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Push {
    /// The policy, which must exist.
    pub name: PolicyName,
    /// Its new content.
    pub template: Template,
    /// Values of the template's variables.
    pub variables: Variables,
    /// Try it on this device first.
    pub canary: Option<Canary>,
}

/// One device that tries a policy.
#[derive(Debug, Clone)]
pub struct Canary {
    /// The thing; its client id must be its name.
    pub thing: ThingName,
    /// How long it may take to connect anew. AWS needs 6 to 8 minutes until a policy counts.
    pub patience: Duration,
    /// How long it must then stay connected: a policy that forbids what a device does makes AWS close the connection.
    pub settle: Duration,
}

/// What is to be done, found out by reading alone.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What is wanted.
    pub push: Push,
    pub(super) rendered: Rendered,
    /// The version that counts now.
    pub(super) default: String,
    /// The document of that version.
    pub current: String,
    /// A version that has the wanted content already.
    pub(super) existing: Option<String>,
    /// The version that must go to make room.
    pub(super) pruned: Option<String>,
}

impl Plan {
    /// Whether the default version says what is wanted.
    pub fn is_carried_out(&self) -> bool {
        self.existing.as_ref() == Some(&self.default)
    }

    /// The wanted document.
    pub fn wanted(&self) -> &str {
        &self.rendered.json
    }

    /// The name of the policy that only the canary gets.
    pub(super) fn trial_name(&self) -> Result<PolicyName> {
        format!("{}-canary", self.push.name).parse()
    }

    /// What will be done, a line a step.
    pub fn steps(&self) -> Vec<String> {
        let name = &self.push.name;
        let mut steps = Vec::new();
        if let Some(canary) = &self.push.canary {
            steps.push(format!(
                "try it on `{}` alone, and wait until it has connected anew and stayed for {} s",
                canary.thing,
                canary.settle.as_secs()
            ));
        }
        steps.extend(
            self.pruned.iter().map(|version| format!("delete version {version} of `{name}`, the oldest, to make room")),
        );
        steps.push(match &self.existing {
            Some(version) => format!("make version {version} of `{name}`, which says this already, the default"),
            None => format!("make a new version of `{name}`, and the default (now version {})", self.default),
        });
        steps
    }
}
