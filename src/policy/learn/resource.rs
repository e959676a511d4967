//! A resource as it stands in a learned policy: levels that are literal, a variable, or anything.

use std::collections::{BTreeMap, BTreeSet};

use super::observation::Observation;

const THING: &str = "${iot:Connection.Thing.ThingName}";
const CLIENT: &str = "${iot:ClientId}";

/// `topic/lab/${iot:Connection.Thing.ThingName}/temperature`, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Resource {
    kind: String,
    levels: Vec<Level>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Literal(String),
    Thing,
    Client,
    Anything,
}

impl Resource {
    /// The resource of an observation; `None` for what is no ARN of a broker's resource.
    pub(super) fn of(observation: &Observation) -> Option<Self> {
        let (kind, name) = observation.resource.splitn(6, ':').nth(5)?.split_once('/')?;
        let level = |text: &str| match &observation.thing {
            Some(thing) if thing == text => Level::Thing,
            None if observation.client_id == text => Level::Client,
            _ => Level::Literal(text.to_owned()),
        };
        // A client id is one name, slashes and all.
        let levels = if kind == "client" { vec![level(name)] } else { name.split('/').map(level).collect() };
        Some(Self { kind: kind.to_owned(), levels })
    }

    /// `client/` with the name of the thing.
    pub(super) fn is_own_client(&self) -> bool {
        self.kind == "client" && self.levels == [Level::Thing]
    }

    /// As a policy writes it, without the ARN in front.
    pub(super) fn text(&self) -> String {
        let levels = self.levels.iter().map(|level| match level {
            Level::Literal(text) => text.replace("${", "${$}{").replace('*', "${*}").replace('?', "${?}"),
            Level::Thing => THING.to_owned(),
            Level::Client => CLIENT.to_owned(),
            Level::Anything => "*".to_owned(),
        });
        format!("{}/{}", self.kind, levels.collect::<Vec<_>>().join("/"))
    }

    /// The same with anything at this level.
    fn opened(&self, at: usize) -> Self {
        let mut opened = self.clone();
        if let Some(level) = opened.levels.get_mut(at) {
            *level = Level::Anything;
        }
        opened
    }

    /// Whether every resource that `other` stands for is one that this stands for. `*` reaches over slashes, but to say so
    /// would be to widen by accident; level by level is enough to drop what is not needed.
    fn covers(&self, other: &Self) -> bool {
        let level = |(mine, theirs): (&Level, &Level)| mine == theirs || *mine == Level::Anything;
        self.kind == other.kind
            && self.levels.len() == other.levels.len()
            && self.levels.iter().zip(&other.levels).all(level)
    }
}

/// Joins levels that have `enough` different literal values where all others are alike, and drops what is covered then.
pub(super) fn generalized(mut resources: BTreeSet<Resource>, enough: usize) -> BTreeSet<Resource> {
    loop {
        let mut alike: BTreeMap<Resource, usize> = BTreeMap::new();
        for resource in &resources {
            for (at, level) in resource.levels.iter().enumerate() {
                if matches!(level, Level::Literal(_)) {
                    *alike.entry(resource.opened(at)).or_default() += 1;
                }
            }
        }
        let Some(opened) = alike.into_iter().find(|(_, count)| *count >= enough.max(2)).map(|(opened, _)| opened)
        else {
            return resources;
        };
        resources.retain(|resource| !opened.covers(resource));
        resources.insert(opened);
    }
}

/// Text that a template takes as it is: what would open an expression is written as one.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match (c, rest.peek()) {
            ('{', Some('{' | '%' | '#')) => quoted.push_str("{{ '{' }}"),
            _ => quoted.push(c),
        }
    }
    quoted
}
