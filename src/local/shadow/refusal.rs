//! Refusals of the Device Shadow service: a code of HTTP and a message, over MQTT and over REST alike.

use serde_json::{Value, json};

/// Why a request was not carried out. Source: shadow.md, section 5.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// 400, 404, 409, 413 or 415.
    pub code: u16,
    /// In AWS's words.
    pub message: String,
}

impl Refusal {
    /// A refusal with this code and message.
    pub fn new(code: u16, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The request is not what it must be.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }

    /// The payload of the topic `.../rejected`.
    pub fn payload(&self, token: Option<&str>, now: i64) -> Value {
        let mut payload = json!({"code": self.code, "message": self.message, "timestamp": now});
        if let Some(token) = token {
            payload["clientToken"] = json!(token);
        }
        payload
    }
}
