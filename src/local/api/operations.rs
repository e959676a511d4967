//! Which function serves which operation.

use std::collections::BTreeMap;

use super::context::Operation;
use super::{
    attachments, authorization, certificates, endpoints, groups, policies, shadows, tags, thing_types, things,
};

/// Operations by name.
pub(super) struct Operations(BTreeMap<&'static str, Operation>);

impl Operations {
    /// Every operation that the stand-in serves.
    pub(super) fn all() -> Self {
        let all: [(&str, Operation); 56] = [
            ("CreateThing", things::create),
            ("DescribeThing", things::describe),
            ("UpdateThing", things::update),
            ("DeleteThing", things::delete),
            ("ListThings", things::list),
            ("GetThingConnectivityData", things::connectivity),
            ("CreateThingType", thing_types::create),
            ("DescribeThingType", thing_types::describe),
            ("DeprecateThingType", thing_types::deprecate),
            ("DeleteThingType", thing_types::delete),
            ("ListThingTypes", thing_types::list),
            ("CreateThingGroup", groups::create),
            ("DescribeThingGroup", groups::describe),
            ("DeleteThingGroup", groups::delete),
            ("ListThingGroups", groups::list),
            ("AddThingToThingGroup", groups::add_thing),
            ("RemoveThingFromThingGroup", groups::remove_thing),
            ("ListThingGroupsForThing", groups::list_of_thing),
            ("ListThingsInThingGroup", groups::list_things),
            ("CreateCertificateFromCsr", certificates::create_from_csr),
            ("CreateKeysAndCertificate", certificates::create_keys),
            ("RegisterCertificateWithoutCA", certificates::register_without_ca),
            ("DescribeCertificate", certificates::describe),
            ("UpdateCertificate", certificates::update),
            ("DeleteCertificate", certificates::delete),
            ("ListCertificates", certificates::list),
            ("CreatePolicy", policies::create),
            ("GetPolicy", policies::get),
            ("DeletePolicy", policies::delete),
            ("ListPolicies", policies::list),
            ("CreatePolicyVersion", policies::create_version),
            ("GetPolicyVersion", policies::get_version),
            ("ListPolicyVersions", policies::list_versions),
            ("SetDefaultPolicyVersion", policies::set_default_version),
            ("DeletePolicyVersion", policies::delete_version),
            ("AttachPolicy", attachments::attach_policy),
            ("DetachPolicy", attachments::detach_policy),
            ("ListAttachedPolicies", attachments::list_policies),
            ("ListTargetsForPolicy", attachments::list_targets),
            ("AttachThingPrincipal", attachments::attach_principal),
            ("DetachThingPrincipal", attachments::detach_principal),
            ("ListThingPrincipals", attachments::list_principals),
            ("ListThingPrincipalsV2", attachments::list_principals_2),
            ("ListPrincipalThings", attachments::list_things),
            ("ListPrincipalThingsV2", attachments::list_things_2),
            ("GetEffectivePolicies", authorization::effective_policies),
            ("TestAuthorization", authorization::test),
            ("TagResource", tags::tag),
            ("UntagResource", tags::untag),
            ("ListTagsForResource", tags::list),
            ("DescribeEndpoint", endpoints::describe),
            ("ListDomainConfigurations", endpoints::list),
            ("GetThingShadow", shadows::get),
            ("UpdateThingShadow", shadows::update),
            ("DeleteThingShadow", shadows::delete),
            ("ListNamedShadowsForThing", shadows::list),
        ];
        Self(all.into())
    }

    /// The function of an operation.
    pub(super) fn get(&self, name: &str) -> Option<Operation> {
        self.0.get(name).copied()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::model::Model;
    use super::*;

    #[test]
    fn what_is_served_is_what_the_model_has_members_for() {
        let model = Model::load().unwrap();
        let described = model.operations.iter().filter(|o| o.members.is_some()).map(|o| o.name.as_str());
        let served = Operations::all();
        assert_eq!(served.0.keys().copied().collect::<BTreeSet<_>>(), described.collect());
    }
}
