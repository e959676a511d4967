//! The shadows of a running stand-in: one lock, one clock, one way out for the messages.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::refusal::Refusal;
use super::request::{self, Update};
use super::store::{Store, Updated};
use crate::names::ShadowAddress;

/// A message that AWS publishes on a reserved topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Where to.
    pub topic: String,
    /// What.
    pub payload: Vec<u8>,
}

/// What a client asks for over MQTT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// The document.
    Get,
    /// A change.
    Update,
    /// That it goes.
    Delete,
}

impl Verb {
    /// The verb of the last part of a topic.
    pub fn of(suffix: &str) -> Option<Self> {
        match suffix {
            "get" => Some(Self::Get),
            "update" => Some(Self::Update),
            "delete" => Some(Self::Delete),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// Where notices go. It is called under the lock, so that they leave in the order of the versions, and must not wait.
type Outlet = dyn Fn(Vec<Notice>) + Send + Sync;

/// A cheap handle.
#[derive(Clone)]
pub struct Shadows {
    shared: Arc<Shared>,
}

struct Shared {
    store: Mutex<Store>,
    /// Seconds since 1970.
    clock: fn() -> i64,
    outlet: Box<Outlet>,
}

impl Shadows {
    /// No shadows yet.
    pub fn new(clock: fn() -> i64, outlet: impl Fn(Vec<Notice>) + Send + Sync + 'static) -> Self {
        Self { shared: Arc::new(Shared { store: Mutex::default(), clock, outlet: Box::new(outlet) }) }
    }

    /// Serves a request that came over MQTT: the answer is a message too. Says why, if it was rejected.
    pub fn over_mqtt(&self, address: &ShadowAddress, verb: Verb, payload: &[u8]) -> Option<Refusal> {
        let mut store = self.store();
        let refusal = self.answer(&mut store, address, verb, payload).err()?;
        let token = token_of(payload);
        let topic = format!("{}/{}/rejected", address.prefix(), verb.name());
        let payload = refusal.payload(token.as_deref(), (self.shared.clock)()).to_string().into();
        (self.shared.outlet)(vec![Notice { topic, payload }]);
        Some(refusal)
    }

    /// Serves a request that came over HTTP; subscribers hear of what it changed, and of nothing else.
    pub fn over_http(&self, address: &ShadowAddress, verb: Verb, payload: &[u8]) -> Result<Value, Refusal> {
        let mut store = self.store();
        match verb {
            Verb::Get => store.get(address, (self.shared.clock)()),
            Verb::Update | Verb::Delete => self.answer(&mut store, address, verb, payload),
        }
    }

    /// The names of the named shadows of a thing, in order.
    pub fn names(&self, thing: &str) -> Vec<String> {
        self.store().names(thing)
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.shared.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries a request out and tells the subscribers.
    fn answer(&self, store: &mut Store, address: &ShadowAddress, verb: Verb, payload: &[u8]) -> Result<Value, Refusal> {
        let now = (self.shared.clock)();
        let (accepted, others, token) = match verb {
            Verb::Get => {
                let (_, token) = request::read(payload)?;
                (store.get(address, now)?, vec![], token)
            }
            // The content of a delete is ignored (shadow.md, section 1), but for its token.
            Verb::Delete => (store.delete(address, now)?, vec![], token_of(payload)),
            Verb::Update => {
                let (members, token) = request::read(payload)?;
                let Updated { accepted, documents, delta } = store.update(address, &Update::of(members)?, now)?;
                let delta = delta.map(|delta| ("update/delta", delta));
                (accepted, delta.into_iter().chain([("update/documents", documents)]).collect(), token)
            }
        };
        let accepted = with_token(accepted, token.as_deref());
        let prefix = address.prefix();
        let notice = |suffix: &str, payload: Value| Notice {
            topic: format!("{prefix}/{suffix}"),
            payload: payload.to_string().into(),
        };
        let mut notices = vec![notice(&format!("{}/accepted", verb.name()), accepted.clone())];
        notices.extend(others.into_iter().map(|(suffix, value)| notice(suffix, with_token(value, token.as_deref()))));
        (self.shared.outlet)(notices);
        Ok(accepted)
    }
}

impl std::fmt::Debug for Shadows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shadows").finish_non_exhaustive()
    }
}

/// The token of a payload that may be wrong otherwise: a refusal should find who asked.
fn token_of(payload: &[u8]) -> Option<String> {
    request::read(payload).ok()?.1
}

fn with_token(mut payload: Value, token: Option<&str>) -> Value {
    if let Some(token) = token {
        payload["clientToken"] = json!(token);
    }
    payload
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a request over MQTT makes AWS publish.
    fn published(requests: &[(Verb, &str)]) -> Vec<(String, Value)> {
        let (sink, notices) = std::sync::mpsc::channel();
        let shadows = Shadows::new(|| 5, move |batch| sink.send(batch).unwrap());
        let address = ShadowAddress { thing: "t".parse().unwrap(), name: Some("n".parse().unwrap()) };
        for (verb, payload) in requests {
            shadows.over_mqtt(&address, *verb, payload.as_bytes());
        }
        let last = notices.try_iter().last().unwrap();
        let short = |topic: &str| topic.strip_prefix("$aws/things/t/shadow/name/n/").unwrap().to_owned();
        last.iter().map(|notice| (short(&notice.topic), serde_json::from_slice(&notice.payload).unwrap())).collect()
    }

    fn suffixes(published: &[(String, Value)]) -> Vec<&str> {
        published.iter().map(|(suffix, _)| suffix.as_str()).collect()
    }

    #[test]
    fn an_update_is_told_to_all_who_listen_with_the_token_of_its_sender() {
        let told = published(&[(Verb::Update, r#"{"state":{"desired":{"a":1}},"clientToken":"x"}"#)]);
        assert_eq!(suffixes(&told), ["update/accepted", "update/delta", "update/documents"]);
        assert!(told.iter().all(|(_, payload)| payload["clientToken"] == "x"));
        let told = published(&[(Verb::Update, r#"{"state":{"reported":{"a":1}}}"#)]);
        assert_eq!(suffixes(&told), ["update/accepted", "update/documents"]);
    }

    #[test]
    fn a_rejection_carries_the_token_if_it_can_be_read() {
        let wrong = r#"{"state":1,"clientToken":"x"}"#;
        let wanted =
            json!({"code": 400, "message": "State node must be an object", "timestamp": 5, "clientToken": "x"});
        assert_eq!(published(&[(Verb::Update, wrong)]), [("update/rejected".to_owned(), wanted)]);
        let wanted = json!({"code": 400, "message": "Invalid JSON", "timestamp": 5});
        assert_eq!(published(&[(Verb::Get, "{")]), [("get/rejected".to_owned(), wanted)]);
        let told = published(&[(Verb::Delete, "")]);
        assert_eq!((told[0].0.as_str(), &told[0].1["code"]), ("delete/rejected", &json!(404)));
    }

    #[test]
    fn get_and_delete_answer_the_one_who_asks() {
        let made = (Verb::Update, r#"{"state":{"desired":{"a":1}}}"#);
        let told = published(&[made, (Verb::Get, r#"{"clientToken":"g"}"#)]);
        assert_eq!((suffixes(&told), &told[0].1["state"]["delta"]), (vec!["get/accepted"], &json!({"a": 1})));
        assert_eq!(told[0].1["clientToken"], "g");
        let told = published(&[made, (Verb::Delete, "not json")]);
        assert_eq!(told, [("delete/accepted".to_owned(), json!({"version": 2, "timestamp": 5}))]);
    }
}
