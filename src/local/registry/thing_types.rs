//! Thing types: made, deprecated, deleted.

use serde_json::Value;

use super::entry::{Epoch, ThingType};
use super::fault::Fault;
use super::state::State;

/// AWS has a deprecated type wait this long before it can be deleted (control-plane.md, 3.5).
const DEPRECATED_FOR_S: f64 = 300.0;

impl State {
    /// Makes a type; the same again is no error, another of this name is.
    pub fn create_thing_type(&mut self, name: &str, properties: Value, now: Epoch) -> Result<ThingType, Fault> {
        if let Some(found) = self.thing_types.get(name) {
            return match found.properties == properties {
                true => Ok(found.clone()),
                false => Err(Fault::exists("Thing type", name, &found.id, self.arn("thingtype", name))),
            };
        }
        let made = ThingType { id: self.fresh_id(), properties, created: now, deprecated: None };
        self.thing_types.insert(name.to_owned(), made.clone());
        Ok(made)
    }

    /// The type of this name.
    pub fn thing_type(&self, name: &str) -> Result<&ThingType, Fault> {
        self.thing_types.get(name).ok_or_else(|| Fault::not_found("Thing type", name))
    }

    /// Forbids or allows new things of this type.
    pub fn deprecate_thing_type(&mut self, name: &str, undo: bool, now: Epoch) -> Result<(), Fault> {
        self.thing_type(name)?;
        if let Some(found) = self.thing_types.get_mut(name) {
            found.deprecated = if undo { None } else { found.deprecated.or(Some(now)) };
        }
        Ok(())
    }

    /// Deletes a type that was deprecated for five minutes and that no thing has.
    pub fn delete_thing_type(&mut self, name: &str, now: Epoch) -> Result<(), Fault> {
        let since = self.thing_type(name)?.deprecated;
        if since.is_none_or(|since| now - since < DEPRECATED_FOR_S) {
            return Err(Fault::invalid(format!(
                "Cannot delete thing type : {name} . Please wait for 5 minutes after deprecation and then retry"
            )));
        }
        if self.things.values().any(|thing| thing.type_name.as_deref() == Some(name)) {
            return Err(Fault::invalid(format!(
                "Cannot delete thing type : {name} . It is still associated with things"
            )));
        }
        self.thing_types.remove(name);
        self.tags.remove(&self.arn("thingtype", name));
        Ok(())
    }

    /// Refuses a type that new things may not have.
    pub(super) fn check_type(&self, name: &str) -> Result<(), Fault> {
        match self.thing_type(name)?.deprecated {
            None => Ok(()),
            Some(_) => Err(Fault::invalid(format!("Can not create new thing with deprecated thing type:{name}"))),
        }
    }
}
