//! Which thing a connection is associated with, and whether the policies of its groups count.
//!
//! Sources: AWS IoT Developer Guide, "Associating a thing to a connection" (exclusive attachments) and "Static thing
//! groups".

use std::str::FromStr;

use serde::Deserialize;

use super::request::{Connection, ThingFacts};

/// How a certificate is attached to a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Attachment {
    /// To no thing.
    No,
    /// As `NON_EXCLUSIVE_THING`, the default of AWS: it counts where the client id is the name of the thing.
    #[default]
    Yes,
    /// As `EXCLUSIVE_THING`: it counts under any client id.
    Exclusive,
}

impl FromStr for Attachment {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "no" => Ok(Self::No),
            "yes" => Ok(Self::Yes),
            "exclusive" => Ok(Self::Exclusive),
            _ => Err("it is `yes`, `no` or `exclusive`".to_owned()),
        }
    }
}

/// Which statements of the policies of a thing group count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupPolicies {
    /// All.
    All,
    /// Only each Deny: AWS wants the client id to be the name of the thing, and it is not.
    DenyOnly,
    /// None: no thing, no groups.
    None,
}

impl Connection {
    /// Associates the connection with `thing`, to which its certificate is attached. Without a client id it comes over
    /// HTTP, where no thing is known.
    pub fn associate(&mut self, thing: Option<ThingFacts>, attachment: Attachment) {
        let Some(client_id) = &self.client_id else { return };
        let named = |thing: &ThingFacts| thing.name == client_id.as_str();
        self.thing = thing.filter(|thing| match attachment {
            Attachment::No => false,
            Attachment::Yes => named(thing),
            Attachment::Exclusive => true,
        });
        self.is_attached = Some(self.thing.is_some());
    }

    /// Whether the policies of the groups of its thing count.
    pub fn group_policies(&self) -> GroupPolicies {
        match (&self.thing, &self.client_id) {
            (Some(thing), Some(id)) if thing.name == id.as_str() => GroupPolicies::All,
            (Some(_), _) => GroupPolicies::DenyOnly,
            (None, _) => GroupPolicies::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn associated(client_id: &str, attachment: Attachment) -> (Option<bool>, GroupPolicies) {
        let mut connection = Connection { client_id: client_id.parse().ok(), ..Connection::default() };
        connection.associate(Some(ThingFacts { name: "pump-7".into(), ..ThingFacts::default() }), attachment);
        assert_eq!(connection.thing.is_some(), connection.is_attached == Some(true));
        (connection.is_attached, connection.group_policies())
    }

    #[test]
    fn the_client_id_counts_unless_the_attachment_is_exclusive() {
        assert_eq!(associated("pump-7", Attachment::Yes), (Some(true), GroupPolicies::All));
        assert_eq!(associated("pump-8", Attachment::Yes), (Some(false), GroupPolicies::None));
        assert_eq!(associated("pump-7", Attachment::No), (Some(false), GroupPolicies::None));
        assert_eq!(associated("pump-7", Attachment::Exclusive), (Some(true), GroupPolicies::All));
        assert_eq!(associated("gateway", Attachment::Exclusive), (Some(true), GroupPolicies::DenyOnly));
    }

    #[test]
    fn over_http_no_thing_is_known() {
        assert_eq!(associated("", Attachment::Exclusive), (None, GroupPolicies::None));
    }
}
