//! What is said and heard on the topics of the shadow with the settings.
//!
//! With each connection the device asks with `get`; after that it hears `update/documents`, which carries the whole
//! desired document with every update, what was deleted from it included (`update/delta` does not say that).

use serde_json::{Map, Value, json};

use super::report::difference;
use crate::error::{Error, Result};
use crate::names::ShadowAddress;

/// Marks our own requests: answers of AWS go to everybody.
const TOKEN: &str = "iotctl-run";

/// One conversation with one shadow.
#[derive(Debug)]
pub struct Conversation {
    address: ShadowAddress,
    /// Of the newest document that was heard since the last greeting.
    version: Option<u64>,
    /// What the shadow reports, as far as it was heard.
    reported: Map<String, Value>,
    /// The last report that was sent since the last greeting: never twice, whatever the shadow makes of it.
    sent: Option<Map<String, Value>>,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// The desired document of this version.
    Desired(u64, Map<String, Value>),
    /// There is no shadow: the first report makes it.
    NoShadow,
}

impl Conversation {
    /// With this shadow.
    pub fn new(address: ShadowAddress) -> Self {
        Self { address, version: None, reported: Map::new(), sent: None }
    }

    /// What is to be listened to.
    pub fn topics(&self) -> impl Iterator<Item = String> {
        let prefix = self.address.prefix();
        ["get/accepted", "get/rejected", "update/documents", "update/rejected"]
            .map(|last| format!("{prefix}/{last}"))
            .into_iter()
    }

    /// Topic and payload of the question.
    pub fn question(&self) -> (String, Vec<u8>) {
        (format!("{}/get", self.address.prefix()), json!({"clientToken": TOKEN}).to_string().into())
    }

    /// A new connection: the answer to the question may be of any version, even an older one of a shadow made anew.
    pub fn begin(&mut self) {
        self.version = None;
        self.sent = None;
    }

    /// What a message says; `None` if it is about something else, or old.
    ///
    /// # Errors
    /// The shadow service rejected what this device asked, or said what nobody understands.
    pub fn hear(&mut self, topic: &str, payload: &[u8]) -> Result<Option<Heard>> {
        let Some((address, what)) = ShadowAddress::of_topic(topic) else { return Ok(None) };
        if address != self.address {
            return Ok(None);
        }
        let message: Value = serde_json::from_slice(payload)
            .map_err(|error| Error::failed(format!("a message of {address} is no JSON")).because(error))?;
        match what {
            "get/accepted" => Ok(self.document(&message)),
            "update/documents" => Ok(self.document(&message["current"])),
            "get/rejected" if message["code"] == 404 && message["clientToken"] == TOKEN => {
                self.reported.clear();
                Ok(Some(Heard::NoShadow))
            }
            "get/rejected" | "update/rejected" if message["clientToken"] == TOKEN => Err(Error::failed(format!(
                "the shadow service rejected a request for {address}: {} {}",
                message["code"],
                message["message"].as_str().unwrap_or_default().escape_debug()
            ))),
            _ => Ok(None),
        }
    }

    fn document(&mut self, document: &Value) -> Option<Heard> {
        let version = document["version"].as_u64()?;
        if self.version.is_some_and(|newest| version < newest) {
            return None;
        }
        self.version = Some(version);
        let section = |name: &str| document["state"][name].as_object().cloned().unwrap_or_default();
        self.reported = section("reported");
        Some(Heard::Desired(version, section("desired")))
    }

    /// Topic and payload that report these settings, and what is wrong with the desired ones; nothing if the shadow
    /// says so already.
    pub fn report(
        &mut self,
        mut settings: Map<String, Value>,
        config_error: Option<&str>,
    ) -> Option<(String, Vec<u8>)> {
        if let Some(error) = config_error {
            settings.insert("config_error".to_owned(), json!(error));
        }
        let news = difference(&self.reported, &settings);
        if news.is_empty() || self.sent.as_ref() == Some(&settings) {
            return None;
        }
        self.sent = Some(settings);
        let payload = json!({"state": {"reported": news}, "clientToken": TOKEN});
        Some((format!("{}/update", self.address.prefix()), payload.to_string().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation() -> Conversation {
        Conversation::new(ShadowAddress { thing: "t".parse().unwrap(), name: Some("iotctl".parse().unwrap()) })
    }

    fn hear(conversation: &mut Conversation, what: &str, message: Value) -> Result<Option<Heard>> {
        conversation.hear(&format!("$aws/things/t/shadow/name/iotctl/{what}"), message.to_string().as_bytes())
    }

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn payload(said: Option<(String, Vec<u8>)>) -> Value {
        serde_json::from_slice(&said.unwrap().1).unwrap()
    }

    #[test]
    fn the_desired_document_is_heard_by_answer_and_by_update_and_never_an_older_one() {
        let mut talk = conversation();
        let desired = |version, interval: &str| Some(Heard::Desired(version, map(json!({"interval": interval}))));
        let document =
            |version, interval: &str| json!({"state": {"desired": {"interval": interval}}, "version": version});
        assert_eq!(hear(&mut talk, "get/accepted", document(4, "2s")).unwrap(), desired(4, "2s"));
        assert_eq!(
            hear(&mut talk, "update/documents", json!({"current": document(6, "3s")})).unwrap(),
            desired(6, "3s")
        );
        assert_eq!(hear(&mut talk, "update/documents", json!({"current": document(5, "9s")})).unwrap(), None);
        talk.begin();
        assert_eq!(hear(&mut talk, "get/accepted", document(1, "2s")).unwrap(), desired(1, "2s"));
    }

    #[test]
    fn rejections_of_our_own_requests_are_errors_and_those_of_others_are_not_ours() {
        let mut talk = conversation();
        let rejected = |code, token: &str| json!({"code": code, "message": "m", "clientToken": token});
        assert_eq!(hear(&mut talk, "get/rejected", rejected(404, TOKEN)).unwrap(), Some(Heard::NoShadow));
        assert_eq!(hear(&mut talk, "update/rejected", rejected(413, "other")).unwrap(), None);
        let error = hear(&mut talk, "update/rejected", rejected(413, TOKEN)).unwrap_err();
        assert!(error.message().ends_with("413 m"), "{error}");
        assert!(talk.hear("$aws/things/t/shadow/name/iotctl/get/accepted", b"{").is_err());
        assert_eq!(talk.hear("$aws/things/u/shadow/name/iotctl/get/accepted", b"{").unwrap(), None);
        assert_eq!(talk.hear("bme680/action", b"{").unwrap(), None);
    }

    #[test]
    fn a_report_says_what_is_new_once_and_null_for_an_error_that_is_over() {
        let mut talk = conversation();
        let settings = map(json!({"interval": "5s"}));
        assert_eq!(payload(talk.report(settings.clone(), None))["state"]["reported"], json!({"interval": "5s"}));
        assert_eq!(talk.report(settings.clone(), None), None, "it was sent");
        let there = json!({"state": {"reported": {"interval": "5s", "config_error": "x"}}, "version": 2});
        hear(&mut talk, "get/accepted", there).unwrap();
        talk.begin();
        assert_eq!(payload(talk.report(settings.clone(), None))["state"]["reported"], json!({"config_error": null}));
        assert_eq!(payload(talk.report(settings, Some("y")))["state"]["reported"], json!({"config_error": "y"}));
    }
}
