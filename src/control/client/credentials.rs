//! Where credentials and Region come from: the chain of the AWS CLI, but quick where there are none.
//!
//! Both chains end at the metadata service of EC2 (IMDS). Elsewhere its address swallows packets, and with the SDK's
//! four tries of a second each a laptop without credentials would wait for long seconds only to be told so.

use std::time::Duration;

use aws_config::Region;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::imds::{self, region::ImdsRegionProvider};
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::provider::SharedCredentialsProvider;

/// On an EC2 instance the service answers within a few milliseconds.
const IMDS_TIMEOUT: Duration = Duration::from_millis(400);

/// Environment, profile (SSO, assumed roles, processes), web identity, ECS, EC2. A profile that was asked for by name is
/// the only source: keys that happen to be in the environment may be of another account. The AWS CLI does the same.
pub(super) async fn chain(profile: Option<&str>, region: Region) -> SharedCredentialsProvider {
    let Some(profile) = profile else {
        let chain = DefaultCredentialsChain::builder().imds_client(quick_imds()).region(region).build().await;
        return SharedCredentialsProvider::new(chain);
    };
    let config = ProviderConfig::default().with_region(Some(region));
    let builder = ProfileFileCredentialsProvider::builder().configure(&config).profile_name(profile);
    SharedCredentialsProvider::new(builder.build())
}

/// The Region of the environment, of the profile, of the EC2 instance.
pub(super) async fn region(profile: Option<&str>) -> Option<Region> {
    let mut of_profile = ProfileFileRegionProvider::builder();
    if let Some(profile) = profile {
        of_profile = of_profile.profile_name(profile);
    }
    RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(of_profile.build())
        .or_else(ImdsRegionProvider::builder().imds_client(quick_imds()).build())
        .region()
        .await
}

fn quick_imds() -> imds::Client {
    imds::Client::builder()
        .configure(&ProviderConfig::default())
        .connect_timeout(IMDS_TIMEOUT)
        .operation_timeout(IMDS_TIMEOUT)
        .max_attempts(1)
        .build()
}
