//! Answers as AWS's REST-JSON has them.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use crate::local::registry::fault::Fault;

const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
/// Every answer has an id of its own, as AWS's have; a number is enough to tell them apart.
static ANSWERS: AtomicU64 = AtomicU64::new(1);

/// 200 with a JSON object.
pub(super) fn success(value: &Value) -> Response {
    answer(StatusCode::OK, value)
}

/// The exception's status, its name in a header, its message in the body.
pub(super) fn refusal(fault: &Fault) -> Response {
    let (name, status) = fault.exception.wire();
    let mut body = json!({"message": fault.message});
    if let Some((id, arn)) = &fault.existing {
        body["resourceId"] = json!(id);
        body["resourceArn"] = json!(arn);
    }
    let mut response = answer(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), &body);
    response.headers_mut().insert(ERROR_TYPE, HeaderValue::from_static(name));
    response
}

fn answer(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let id = format!("00000000-0000-4000-8000-{:012x}", ANSWERS.fetch_add(1, Ordering::Relaxed));
    headers.extend(HeaderValue::from_str(&id).ok().map(|id| (REQUEST_ID, id)));
    response
}

/// AWS sends members that have no value not at all.
pub(super) fn without_null(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_null(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_null).collect(),
        other => other,
    }
}
