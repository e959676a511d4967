//! DescribeEndpoint, ListDomainConfigurations: where devices connect to.

use serde_json::{Value, json};

use super::context::Context;
use super::input::Input;
use super::page::{self, MARKER};
use crate::local::registry::fault::Fault;

/// One broker serves all; the port is not AWS's to tell, so `iotctl` asks elsewhere.
pub(super) fn describe(context: &Context, input: &Input) -> Result<Value, Fault> {
    match input.maybe("endpointType").unwrap_or("iot:Data") {
        "iot:Data" | "iot:Data-ATS" => Ok(json!({"endpointAddress": context.data_host})),
        other => Err(Fault::invalid(format!("`iotctl local` has no endpoint of type {other}"))),
    }
}

/// The account's own configurations, which AWS keeps for everybody.
pub(super) fn list(context: &Context, input: &Input) -> Result<Value, Fault> {
    let name = "iot:Data-ATS";
    let arn = context.registry.read(|state| state.arn("domainconfiguration", name));
    let wanted = input.maybe("serviceType").is_none_or(|wanted| wanted == "DATA");
    let row = json!({"domainConfigurationName": name, "domainConfigurationArn": arn, "serviceType": "DATA"});
    page::page("domainConfigurations", wanted.then(|| (name.to_owned(), row)).into_iter().collect(), MARKER, input)
}
