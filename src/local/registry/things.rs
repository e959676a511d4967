//! Things: made, changed, deleted.

use std::collections::BTreeMap;

use super::entry::Thing;
use super::fault::{Exception, Fault};
use super::state::State;

/// Attributes of a thing without a type, and with one (AWS quotas page).
const ATTRIBUTES_WITHOUT_TYPE: usize = 3;
const ATTRIBUTES_WITH_TYPE: usize = 50;

type Attributes = BTreeMap<String, String>;

/// What `UpdateThing` changes.
#[derive(Debug, Clone, Default)]
pub struct ThingChange {
    /// The new type.
    pub type_name: Option<String>,
    /// Take the type away.
    pub remove_type: bool,
    /// Attributes to set; an empty value takes one away.
    pub attributes: Option<Attributes>,
    /// Keep the attributes that are not named.
    pub merge: bool,
    /// Refuse unless the thing has this version.
    pub expected_version: Option<u64>,
}

impl State {
    /// Makes a thing; the same again is no error, another of this name is.
    pub fn create_thing(
        &mut self,
        name: &str,
        type_name: Option<&str>,
        attributes: Attributes,
    ) -> Result<Thing, Fault> {
        let attributes = without_empty(attributes);
        if let Some(found) = self.things.get(name) {
            return match found.type_name.as_deref() == type_name && found.attributes == attributes {
                true => Ok(found.clone()),
                false => Err(Fault::exists("Thing", name, &found.id, self.arn("thing", name))),
            };
        }
        type_name.map_or(Ok(()), |type_name| self.check_type(type_name))?;
        check_count(&attributes, type_name.is_some())?;
        let thing = Thing { id: self.fresh_id(), type_name: type_name.map(str::to_owned), attributes, version: 1 };
        self.things.insert(name.to_owned(), thing.clone());
        Ok(thing)
    }

    /// Changes a thing.
    pub fn update_thing(&mut self, name: &str, change: ThingChange) -> Result<(), Fault> {
        let old = self.thing(name)?;
        check_version(name, old.version, change.expected_version)?;
        if change.remove_type && change.type_name.is_some() {
            return Err(Fault::invalid("Cannot both set and remove the thing type"));
        }
        let type_name = match (&change.type_name, change.remove_type) {
            (Some(wanted), _) => {
                self.check_type(wanted)?;
                Some(wanted.clone())
            }
            (None, true) => None,
            (None, false) => old.type_name.clone(),
        };
        let attributes = match change.attributes {
            None => old.attributes.clone(),
            Some(new) if change.merge => without_empty(old.attributes.clone().into_iter().chain(new).collect()),
            Some(new) => without_empty(new),
        };
        check_count(&attributes, type_name.is_some())?;
        let thing = Thing { id: old.id.clone(), type_name, attributes, version: old.version + 1 };
        self.things.insert(name.to_owned(), thing);
        Ok(())
    }

    /// Deletes a thing that no certificate is attached to; a missing one is no error.
    pub fn delete_thing(&mut self, name: &str, expected_version: Option<u64>) -> Result<(), Fault> {
        let Some(thing) = self.things.get(name) else { return Ok(()) };
        check_version(name, thing.version, expected_version)?;
        if self.principals.values().flatten().any(|attachment| attachment.thing == name) {
            return Err(Fault::invalid(format!(
                "Cannot delete. Thing {name} is still attached to one or more principals"
            )));
        }
        self.things.remove(name);
        self.members.values_mut().for_each(|things| {
            things.remove(name);
        });
        Ok(())
    }
}

fn without_empty(attributes: Attributes) -> Attributes {
    attributes.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

fn check_count(attributes: &Attributes, has_type: bool) -> Result<(), Fault> {
    let most = if has_type { ATTRIBUTES_WITH_TYPE } else { ATTRIBUTES_WITHOUT_TYPE };
    match attributes.len() {
        count if count > most => Err(Fault::invalid(format!(
            "The thing has {count} attributes; at most {most} are allowed {} a thing type",
            if has_type { "with" } else { "without" }
        ))),
        _ => Ok(()),
    }
}

/// Refuses unless the present version is the expected one.
pub(super) fn check_version(name: &str, present: u64, expected: Option<u64>) -> Result<(), Fault> {
    match expected {
        Some(expected) if expected != present => Err(Fault::new(
            Exception::VersionConflict,
            format!("The version for {name} is {present}, not the expected {expected}"),
        )),
        _ => Ok(()),
    }
}
