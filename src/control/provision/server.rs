//! Where the device will connect to, and which roots sign that.

use super::request::Request;
use crate::control::client::Client;
use crate::control::stand_in::{self, StandIn};
use crate::error::{Error, Result};
use crate::names::DataEndpoint;
use crate::pki::roots;

/// The endpoint type whose certificate Amazon Trust Services signs (API reference, `DescribeEndpoint`).
const ENDPOINT_TYPE: &str = "iot:Data-ATS";

/// A message broker.
pub(super) struct Server {
    pub(super) endpoint: DataEndpoint,
    /// What its certificate is checked against, PEM.
    pub(super) roots_pem: String,
}

/// What the request says, else what an `iotctl local` says of itself, else AWS's answer and Amazon's roots.
pub(super) async fn find(client: &Client, request: &Request) -> Result<Server> {
    let stand_in = match client.address() {
        Some(address) => stand_in::ask(address).await?,
        None => None,
    };
    let (local_endpoint, local_root) = stand_in.map(|StandIn { endpoint, root_ca }| (endpoint, root_ca)).unzip();
    let endpoint = match request.data_endpoint.clone().or(local_endpoint) {
        Some(endpoint) => endpoint,
        None => describe(client).await?,
    };
    let roots_pem = request.roots_pem.clone().or(local_root).unwrap_or_else(roots::amazon_roots);
    Ok(Server { endpoint, roots_pem })
}

async fn describe(client: &Client) -> Result<DataEndpoint> {
    let answer = client.iot.describe_endpoint().endpoint_type(ENDPOINT_TYPE).send().await;
    let answer = client.answer("iot:DescribeEndpoint", "ask for the endpoint of the devices", answer)?;
    let host = answer.endpoint_address().unwrap_or_default();
    host.parse().map_err(|e: Error| {
        Error::failed(format!("AWS says that devices connect to `{host}`, which is no endpoint"))
            .because(e)
            .hint("give the right one: --data-endpoint HOST")
    })
}
