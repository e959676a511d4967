//! Static thing groups and their members.

use std::collections::BTreeSet;

use serde_json::Value;

use super::entry::{Epoch, Target, ThingGroup};
use super::fault::Fault;
use super::state::State;
use super::things::check_version;

/// Levels of groups, groups right below one, and groups a thing is in, at most (AWS quotas page).
const MOST_LEVELS: usize = 7;
const MOST_CHILDREN: usize = 100;
const MOST_GROUPS_OF_THING: usize = 10;

impl State {
    /// Makes a group; the same again is no error, another of this name is.
    pub fn create_group(
        &mut self,
        name: &str,
        parent: Option<&str>,
        properties: Value,
        now: Epoch,
    ) -> Result<ThingGroup, Fault> {
        if let Some(found) = self.groups.get(name) {
            return match found.parent.as_deref() == parent && found.properties == properties {
                true => Ok(found.clone()),
                false => Err(Fault::exists("Thing group", name, &found.id, self.arn("thinggroup", name))),
            };
        }
        if let Some(parent) = parent {
            self.group(parent)?;
            if self.lineage(parent).count() >= MOST_LEVELS {
                return Err(Fault::invalid(format!("A thing group hierarchy has at most {MOST_LEVELS} levels")));
            }
            if self.children(parent).count() >= MOST_CHILDREN {
                return Err(Fault::invalid(format!("Thing group {parent} has {MOST_CHILDREN} child groups already")));
            }
        }
        let parent = parent.map(str::to_owned);
        let group = ThingGroup { id: self.fresh_id(), parent, properties, version: 1, created: now };
        self.groups.insert(name.to_owned(), group.clone());
        self.members.insert(name.to_owned(), BTreeSet::new());
        Ok(group)
    }

    /// Deletes a group without children, members or not; a missing one is no error.
    pub fn delete_group(&mut self, name: &str, expected_version: Option<u64>) -> Result<(), Fault> {
        let Some(group) = self.groups.get(name) else { return Ok(()) };
        check_version(name, group.version, expected_version)?;
        if self.children(name).next().is_some() {
            return Err(Fault::invalid(format!(
                "Cannot delete thing group : {name} when there are still child groups attached to it"
            )));
        }
        self.groups.remove(name);
        self.members.remove(name);
        self.attached.remove(&Target::Group(name.to_owned()));
        self.tags.remove(&self.arn("thinggroup", name));
        Ok(())
    }

    fn children<'a>(&'a self, parent: &'a str) -> impl Iterator<Item = &'a ThingGroup> {
        self.groups.values().filter(move |group| group.parent.as_deref() == Some(parent))
    }

    /// Puts a thing into a group; again is no error.
    pub fn add_to_group(&mut self, thing: &str, group: &str) -> Result<(), Fault> {
        self.thing(thing)?;
        self.group(group)?;
        let present: Vec<&str> = self.groups_of(thing).collect();
        if present.contains(&group) {
            return Ok(());
        }
        if present.len() >= MOST_GROUPS_OF_THING {
            return Err(Fault::invalid(format!("Thing {thing} is in {MOST_GROUPS_OF_THING} groups already")));
        }
        let root = |name| self.lineage(name).last();
        if let Some(other) = present.iter().find(|other| root(other) == root(group)) {
            return Err(Fault::invalid(format!(
                "Thing {thing} is in group {other}, which shares an ancestor with group {group}"
            )));
        }
        self.members.entry(group.to_owned()).or_default().insert(thing.to_owned());
        Ok(())
    }

    /// Takes a thing out of a group; if it is not in it, that is no error.
    pub fn remove_from_group(&mut self, thing: &str, group: &str) -> Result<(), Fault> {
        self.thing(thing)?;
        self.group(group)?;
        if let Some(things) = self.members.get_mut(group) {
            things.remove(thing);
        }
        Ok(())
    }
}
