//! Which shadow a verb is about.

use clap::Args;

use crate::names::{ShadowAddress, ShadowName, ThingName};

/// Which shadow.
#[derive(Debug, Args)]
pub(super) struct Which {
    /// The thing
    #[arg(long, value_name = "NAME")]
    thing: ThingName,
    /// A named shadow [default: the classic one]
    #[arg(long, value_name = "SHADOW")]
    name: Option<ShadowName>,
}

impl Which {
    pub(super) fn address(&self) -> ShadowAddress {
        ShadowAddress { thing: self.thing.clone(), name: self.name.clone() }
    }
}
