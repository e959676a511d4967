//! The embedded AWS IoT Core.
//!
//! [`registry`] is the state, [`api`] changes it over HTTP, [`broker`] decides by it over MQTT, [`shadow`] keeps shadows
//! for both, [`ca`] signs, [`decisions`] tells what happened and why.

use std::io::Write;
use std::sync::Arc;

use serde_json::json;
use time::OffsetDateTime;
use tokio::sync::broadcast;

pub mod api;
pub mod broker;
pub mod ca;
pub mod decisions;
pub mod registry;
pub mod shadow;

use api::Api;
use api::context::Context;
use broker::Broker;
use ca::Ca;
use decisions::{Decisions, Record};
use registry::Registry;

use crate::error::Result;
use crate::names::{AccountId, Region};
use crate::policy::checks::Scope;

/// What a stand-in is started with.
pub struct Options {
    /// Port of the control plane; 0 takes a free one.
    pub http_port: u16,
    /// Port of the message broker; 0 takes a free one.
    pub mqtt_port: u16,
    /// Account in every ARN.
    pub account: AccountId,
    /// Region in every ARN.
    pub region: Region,
    /// Every decision of the broker goes here, a JSON object a line.
    pub decision_log: Option<Box<dyn Write + Send>>,
}

/// A stand-in that runs. Listens on loopback only; makes new keys at each start and forgets everything at its end.
#[derive(Debug)]
pub struct Local {
    api: Api,
    broker: Broker,
    decisions: Decisions,
    control_plane: String,
}

impl Local {
    /// Starts it.
    ///
    /// Errors: a port is taken.
    pub async fn start(options: Options) -> Result<Self> {
        let Options { http_port, mqtt_port, account, region, decision_log } = options;
        let registry = Registry::new(Scope { partition: partition(&region).to_owned(), region, account });
        let ca = Arc::new(Ca::new(OffsetDateTime::now_utc())?);
        let decisions = Decisions::new(decision_log);
        // Both ports are taken before anything is served.
        let listener = api::bind(http_port).await?;
        let (shadows, notices) = broker::shadowing::shadows(|| OffsetDateTime::now_utc().unix_timestamp());
        let identity = ca.server_identity()?;
        let shadowing = (shadows.clone(), notices);
        let broker = Broker::start(mqtt_port, identity, registry.clone(), decisions.clone(), shadowing).await?;
        let about = json!({
            "version": 1,
            "mqtt_host": broker::HOST,
            "mqtt_port": broker.port(),
            "root_ca": ca.root_pem(),
        });
        let context = Context { registry, ca, shadows, clock: OffsetDateTime::now_utc, data_host: broker::HOST };
        let api = Api::start(listener, context, about)?;
        let control_plane = format!("http://{}", api.address());
        Ok(Self { api, broker, decisions, control_plane })
    }

    /// Address of the control plane, as AWS SDKs take it.
    pub fn control_plane(&self) -> &str {
        &self.control_plane
    }

    /// Port of the control plane.
    pub fn http_port(&self) -> u16 {
        self.api.address().port()
    }

    /// Port of the message broker.
    pub fn mqtt_port(&self) -> u16 {
        self.broker.port()
    }

    /// What happens at the broker from now on.
    pub fn records(&self) -> broadcast::Receiver<Record> {
        self.decisions.subscribe()
    }

    /// Ends it.
    pub async fn stop(self) {
        self.api.stop().await;
        self.broker.stop().await;
    }
}

/// The partition a Region belongs to (AWS General Reference, "AWS service endpoints").
fn partition(region: &Region) -> &'static str {
    match region.as_str() {
        name if name.starts_with("cn-") => "aws-cn",
        name if name.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}
