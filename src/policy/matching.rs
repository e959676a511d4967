//! One statement against one request.

use super::document::{Effect, Resources, Statement};
use super::fit::Fit;
use super::pattern::Pattern;
use super::request::{Connection, Request};

/// A request, and what is the same for every statement it is held against.
pub(super) struct Question<'a> {
    pub(super) connection: &'a Connection,
    pub(super) request: &'a Request,
    /// Older pages of AWS spell `iotjobsdata:DescribeJobExecution` as `iot:DescribeJobExecution`.
    former_action: Option<String>,
}

impl<'a> Question<'a> {
    pub(super) fn new(connection: &'a Connection, request: &'a Request) -> Self {
        let former_action = request.action.strip_prefix("iotjobsdata:").map(|name| format!("iot:{name}"));
        Self { connection, request, former_action }
    }

    /// Whether the whole statement matches.
    pub(super) fn fit(&self, statement: &Statement) -> Fit {
        if !self.action(statement) {
            return Fit::No;
        }
        match self.resource(statement) {
            Fit::No => Fit::No,
            fit => fit.min(self.conditions(statement)),
        }
    }

    pub(super) fn action(&self, statement: &Statement) -> bool {
        statement.actions.iter().any(|pattern| {
            let former = self.former_action.as_deref().is_some_and(|former| former == pattern.text());
            former || pattern.fit(self.connection, &self.request.action) == Fit::Yes
        })
    }

    pub(super) fn resource(&self, statement: &Statement) -> Fit {
        match &statement.resources {
            Resources::Only(patterns) => Fit::any(patterns.iter().map(|pattern| self.named(pattern))),
            // Without its value nobody knows what an exception excepts: the statement does not match.
            Resources::AllBut(patterns) if patterns.iter().any(|p| p.fill(self.connection).is_err()) => Fit::No,
            Resources::AllBut(patterns) => !Fit::any(patterns.iter().map(|pattern| self.named(pattern))),
        }
    }

    pub(super) fn conditions(&self, statement: &Statement) -> Fit {
        Fit::all(statement.conditions.iter().map(|condition| condition.fit(self.connection)))
    }

    fn named(&self, pattern: &Pattern) -> Fit {
        pattern.fit(self.connection, &self.request.resource)
    }
}

/// Whether a statement of this effect counts: what AWS leaves open denies, and does not allow.
pub(super) fn counts(effect: Effect, fit: Fit) -> bool {
    match effect {
        Effect::Allow => fit == Fit::Yes,
        Effect::Deny => fit != Fit::No,
    }
}
