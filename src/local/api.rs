//! The control plane, and the shadows of the data endpoint, over HTTP: AWS's REST-JSON, as the AWS SDKs and the AWS CLI
//! speak it.
//!
//! ```text
//! request -> guard (host, credentials) -> route -> input (checked against AWS's own model) -> operation -> answer
//! ```
//!
//! `model.json` is generated from AWS's public service model (`tests/peers/model.py`).

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use self::context::Context;
use self::model::{Model, Place};
use self::operations::Operations;
use super::registry::fault::{Exception, Fault};
use crate::error::{Error, Result};

mod answer;
mod attachments;
mod authorization;
mod certificates;
pub mod context;
mod endpoints;
mod groups;
mod guard;
mod input;
mod limits;
mod model;
mod operations;
mod page;
mod policies;
mod route;
mod shadows;
mod tags;
mod thing_types;
mod things;

/// The largest request body; a policy document has 404,600 characters at most.
const MOST_BYTES: usize = 2 * 1024 * 1024;
/// Where a client learns what AWS's API has no field for: port and root certificate of the broker.
pub const ABOUT_PATH: &str = "/_iotctl/local";

/// A control plane that listens.
#[derive(Debug)]
pub struct Api {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

/// A listener on a loopback port; 0 takes a free one.
pub async fn bind(port: u16) -> Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|e| {
        Error::failed(format!("cannot listen on port {port} for the control plane"))
            .because(e)
            .hint("another `iotctl local` may be running; take a free port: iotctl local --http-port 0")
    })
}

impl Api {
    /// Serves `context` on `listener` until it is stopped. `about` is what [`ABOUT_PATH`] answers.
    pub fn start(listener: TcpListener, context: Context, about: serde_json::Value) -> Result<Self> {
        let address = listener.local_addr().map_err(|e| Error::failed("the listener has no address").because(e))?;
        let service = Arc::new(Service { context, model: Model::load()?, operations: Operations::all(), about });
        let router = Router::new().fallback(serve).with_state(service);
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = axum::serve(listener, router).with_graceful_shutdown(async {
            // A sender that is gone is a stop too.
            let _ = stopped.await;
        });
        Ok(Self { address, stop, task: tokio::spawn(serving.into_future()) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it; requests under way are cut off.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        self.task.abort();
        let _ = self.task.await;
    }
}

struct Service {
    context: Context,
    model: Model,
    operations: Operations,
    about: serde_json::Value,
}

async fn serve(State(service): State<Arc<Service>>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    if let Err(fault) = guard::host(&parts.headers) {
        return answer::refusal(&fault);
    }
    if parts.uri.path() == ABOUT_PATH && parts.method == Method::GET {
        return answer::success(&service.about);
    }
    let Ok(body) = to_bytes(body, MOST_BYTES).await else {
        return answer::refusal(&Fault::invalid(format!("The request body has more than {MOST_BYTES} bytes")));
    };
    // Off the runtime's only thread: an RSA key takes up to a second, and the broker must not wait for it.
    match tokio::task::spawn_blocking(move || service.answer(&parts, &body)).await {
        Ok(Ok(value)) => answer::success(&value),
        Ok(Err(fault)) => answer::refusal(&fault),
        Err(error) => answer::refusal(&Fault::new(Exception::InternalFailure, error.to_string())),
    }
}

impl Service {
    fn answer(&self, parts: &axum::http::request::Parts, body: &[u8]) -> Result<serde_json::Value, Fault> {
        guard::credentials(parts)?;
        let (operation, labels) = route::find(&self.model, parts.method.as_str(), parts.uri.path())
            .ok_or_else(|| Fault::new(Exception::UnknownOperation, format!("{} {}", parts.method, parts.uri.path())))?;
        let Some((members, run)) = operation.members.as_ref().zip(self.operations.get(&operation.name)) else {
            return Err(Fault::new(
                Exception::NotImplemented,
                format!("`iotctl local` does not have the operation {} yet", operation.name),
            ));
        };
        let input = input::gather(members, &labels, parts, body)?;
        let answer = run(&self.context, &input)?;
        // A shadow's answer says with `null` what was deleted; elsewhere AWS leaves out what has no value.
        let keeps_null = members.iter().any(|member| member.place == Place::Payload);
        Ok(if keeps_null { answer } else { answer::without_null(answer) })
    }
}
