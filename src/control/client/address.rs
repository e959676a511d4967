//! The address that calls really go to, whatever flag, variable or profile it came from.

use std::sync::{Arc, OnceLock};

use aws_sdk_iot::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_iot::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_iot::error::BoxError;

/// Reads the address off the first request, so that the SDK's rules need not be written twice.
#[derive(Debug, Clone, Default)]
pub(super) struct Address(Arc<OnceLock<String>>);

impl Address {
    /// Scheme, host and port; nothing before the first call.
    pub(super) fn get(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}

impl Intercept for Address {
    fn name(&self) -> &'static str {
        "Address"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.get_or_init(|| origin(context.request().uri()).to_owned());
        Ok(())
    }
}

/// `http://host:port/a?b` without its path and query.
fn origin(uri: &str) -> &str {
    let host = uri.find("://").map_or(0, |at| at + 3);
    uri[host..].find(['/', '?']).map_or(uri, |path| &uri[..host + path])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_and_query_are_left_out() {
        assert_eq!(origin("http://127.0.0.1:4883/things/a?b=/"), "http://127.0.0.1:4883");
        assert_eq!(origin("https://iot.eu-west-1.amazonaws.com"), "https://iot.eu-west-1.amazonaws.com");
    }
}
