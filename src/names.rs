//! Names as AWS IoT takes them, checked before anything is sent: things, policies, clients, shadows, regions, ARNs.
//!
//! Source: botocore `data/iot/2015-05-28` (patterns and lengths), AWS General Reference `iot-core`.

mod arn;
mod endpoint;
mod proxy;
mod shadow;
mod text;

pub use arn::Arn;
pub use endpoint::{DataEndpoint, MQTT_PORT};
pub use proxy::Proxy;
pub use shadow::ShadowAddress;
pub use text::{AccountId, AttributeName, AttributeValue, ClientId, PolicyName, Region, ShadowName, ThingName};
