//! The topic of many streams: a template with a few variables.

use std::fmt;
use std::str::FromStr;

use minijinja::{Environment, UndefinedBehavior, Value};
use serde::Deserialize;

use crate::error::{Error, Result};
use crate::topic::TopicName;

/// What a template can ask for.
#[derive(Debug, Clone)]
pub struct TopicVariables<'a> {
    /// Name of the stream.
    pub stream: &'a str,
    /// Name of its source.
    pub source: &'a str,
    /// What it measures.
    pub quantity: &'a str,
    /// Thing of the bundle; without a bundle, the client id.
    pub thing: &'a str,
    /// The MQTT client id.
    pub client_id: &'a str,
}

impl TopicVariables<'_> {
    fn value(&self) -> Value {
        let Self { stream, source, quantity, thing, client_id } = *self;
        Value::from_pairs(KNOWN.into_iter().zip([stream, source, quantity, thing, client_id]))
    }
}

const KNOWN: [&str; 5] = ["stream", "source", "quantity", "thing", "client_id"];

/// A topic, or a template of one such as `factoryA/line22/{{ stream }}`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct TopicTemplate(String);

impl TopicTemplate {
    /// Whether every stream has a topic of its own by it.
    pub fn tells_streams_apart(&self) -> bool {
        self.0.contains("{{")
    }

    /// The topic for these values.
    ///
    /// Errors: the result is no topic that AWS IoT takes.
    pub fn render(&self, variables: &TopicVariables<'_>) -> Result<TopicName> {
        let text = environment().render_str(&self.0, variables.value()).map_err(|error| broken(&self.0, &error))?;
        text.parse()
    }
}

impl FromStr for TopicTemplate {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if !text.contains(['{', '}']) {
            text.parse::<TopicName>()?;
            return Ok(Self(text.to_owned()));
        }
        let environment = environment();
        let template = environment.template_from_str(text).map_err(|error| broken(text, &error))?;
        let unknown = template.undeclared_variables(false).into_iter().find(|name| !KNOWN.contains(&name.as_str()));
        if let Some(name) = unknown {
            return Err(Error::usage(format!("topic `{text}` asks for `{name}`, which nobody knows"))
                .hint("the variables are: stream, source, quantity, thing, client_id"));
        }
        let [stream, source, quantity, thing, client_id] = ["x"; 5];
        let template = Self(text.to_owned());
        template.render(&TopicVariables { stream, source, quantity, thing, client_id })?;
        Ok(template)
    }
}

impl TryFrom<String> for TopicTemplate {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<TopicName> for TopicTemplate {
    fn from(topic: TopicName) -> Self {
        Self(topic.into())
    }
}

impl fmt::Display for TopicTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment
}

fn broken(text: &str, error: &minijinja::Error) -> Error {
    let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    Error::usage(format!("topic `{}` is no template: {detail}", text.escape_debug()))
        .hint("write it like `factoryA/line22/{{ stream }}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(template: &str) -> Result<TopicName> {
        let variables = TopicVariables {
            stream: "temperature",
            source: "air",
            quantity: "temperature",
            thing: "pump-7",
            client_id: "pump-7-b",
        };
        template.parse::<TopicTemplate>()?.render(&variables)
    }

    #[test]
    fn variables_become_levels() {
        assert_eq!(rendered("factoryA/line22/{{ stream }}").unwrap().as_str(), "factoryA/line22/temperature");
        assert_eq!(rendered("{{thing}}/{{source}}/{{quantity}}").unwrap().as_str(), "pump-7/air/temperature");
        assert_eq!(rendered("bme680/temperature").unwrap().as_str(), "bme680/temperature");
    }

    #[test]
    fn what_is_wrong_is_said_when_it_is_written_not_when_it_is_used() {
        for (template, wanted) in [
            ("a/{{ line }}", "asks for `line`"),
            ("a/{{ stream", "is no template"),
            ("a/{% for %}", "is no template"),
            ("a/+/{{ stream }}", "holds a wildcard"),
            ("a/#", "holds a wildcard"),
            ("a/b/c/d/e/f/g/h/{{ stream }}", "slashes"),
        ] {
            let error = template.parse::<TopicTemplate>().unwrap_err();
            assert!(error.message().contains(wanted), "{template}: {error}");
        }
    }
}
