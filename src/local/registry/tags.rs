//! Tags, by the ARN of what they are on: policies, thing types and thing groups. Things and certificates have none
//! (AWS service model: their create calls take none).

use std::collections::BTreeMap;

use super::fault::{Exception, Fault};
use super::state::State;

/// Tags on one resource at most (AWS General Reference, "Tagging AWS resources").
const MOST_TAGS: usize = 50;

/// Key to value.
pub type Tags = BTreeMap<String, String>;

/// Refuses more tags than a resource can have.
pub fn check_count(tags: &Tags) -> Result<(), Fault> {
    match tags.len() > MOST_TAGS {
        true => Err(Fault::new(Exception::LimitExceeded, format!("A resource has at most {MOST_TAGS} tags"))),
        false => Ok(()),
    }
}

impl State {
    /// The tags of a resource.
    pub fn tags(&self, arn: &str) -> Result<Tags, Fault> {
        let is = |kind: &str, known: &dyn Fn(&str) -> bool| self.name_in(arn, kind).map(known);
        let exists = is("policy", &|name| self.policies.contains_key(name))
            .or_else(|| is("thingtype", &|name| self.thing_types.contains_key(name)))
            .or_else(|| is("thinggroup", &|name| self.groups.contains_key(name)));
        match exists {
            Some(true) => Ok(self.tags.get(arn).cloned().unwrap_or_default()),
            Some(false) => Err(Fault::not_found("Resource", arn)),
            None => Err(Fault::invalid(format!("Invalid resource ARN {arn}: nothing of this account that has tags"))),
        }
    }

    /// Adds tags; one of the same key is replaced.
    pub fn tag(&mut self, arn: &str, tags: Tags) -> Result<(), Fault> {
        let mut all = self.tags(arn)?;
        all.extend(tags);
        check_count(&all)?;
        self.tags.insert(arn.to_owned(), all);
        Ok(())
    }

    /// Takes tags away; a key that is not there is no error.
    pub fn untag(&mut self, arn: &str, keys: &[&str]) -> Result<(), Fault> {
        let mut all = self.tags(arn)?;
        all.retain(|key, _| !keys.contains(&key.as_str()));
        self.tags.insert(arn.to_owned(), all);
        Ok(())
    }
}
