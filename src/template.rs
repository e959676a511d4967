//! Policy templates: the ones compiled in, rendering, and the checks of a rendered policy.
//!
//! Rendering is strict: a variable that is missing, and one that the template does not use, are errors. A value
//! goes into the JSON as literal text: what would become a policy wildcard, a policy variable or the end of a
//! string is refused.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::{Environment, UndefinedBehavior};

use crate::error::{Error, Result};
use crate::policy::document::{Document, MAX_LENGTH, counted_length};

/// The templates that every build carries: name and text.
const BUILT_IN: [(&str, &str); 4] = [
    ("sensor", include_str!("../templates/sensor.json")),
    ("sensor-remote", include_str!("../templates/sensor-remote.json")),
    ("tutorial-publisher", include_str!("../templates/tutorial-publisher.json")),
    ("observer", include_str!("../templates/observer.json")),
];

/// Values of a template's variables, by name.
pub type Variables = BTreeMap<String, String>;

/// A policy template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its name, or the path it was read from.
    pub name: String,
    source: String,
}

/// A policy that is ready to be attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The JSON text as it is sent, indented by two.
    pub json: String,
    /// The same, parsed.
    pub document: Document,
    /// Its length as AWS counts it: without white space, at most 2048.
    pub length: usize,
}

impl Template {
    /// A template that is compiled in.
    pub fn built_in(name: &str) -> Result<Self> {
        let found = BUILT_IN.iter().find(|(known, _)| *known == name);
        let (name, source) = found.ok_or_else(|| {
            let known: Vec<_> = BUILT_IN.iter().map(|(known, _)| format!("`{known}`")).collect();
            Error::usage(format!("there is no template `{name}`"))
                .hint(format!("there are {}, and any file: --template ./mine.json", known.join(", ")))
        })?;
        Ok(Self::new(*name, *source))
    }

    /// A template of the user's own.
    pub fn new(name: impl Into<String>, source: impl Into<String>) -> Self {
        Self { name: name.into(), source: source.into() }
    }

    /// The names of all variables that the template asks for.
    pub fn variables(&self) -> Result<BTreeSet<String>> {
        let environment = environment();
        let template = environment.template_from_str(&self.source).map_err(|e| self.broken(&e))?;
        Ok(template.undeclared_variables(false).into_iter().collect())
    }

    /// Renders the policy. `given` are the caller's variables: each must be used. `known` are the facts that are
    /// there anyway (partition, region, account, thing): they may stay unused.
    ///
    /// Errors are of kind usage (a variable is missing, unknown or unsafe) or bad input (the template is no
    /// template, its result no policy or longer than 2048).
    pub fn render(&self, given: &Variables, known: &Variables) -> Result<Rendered> {
        let wanted = self.variables()?;
        self.check_names(&wanted, given, known)?;
        given
            .iter()
            .chain(known)
            .filter(|(name, _)| wanted.contains(*name))
            .try_for_each(|(n, v)| check_value(n, v))?;
        let all: Variables = known.iter().chain(given).map(|(n, v)| (n.clone(), v.clone())).collect();
        let text = environment().render_str(&self.source, all).map_err(|e| self.broken(&e))?;
        self.checked(text)
    }

    fn check_names(&self, wanted: &BTreeSet<String>, given: &Variables, known: &Variables) -> Result<()> {
        let list = || wanted.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
        if let Some(unused) = given.keys().find(|name| !wanted.contains(*name)) {
            return Err(Error::usage(format!("template `{}` does not use the variable `{unused}`", self.name))
                .hint(format!("it uses {}", list())));
        }
        let missing: Vec<_> = wanted.iter().filter(|n| !given.contains_key(*n) && !known.contains_key(*n)).collect();
        match missing.first() {
            None => Ok(()),
            Some(name) => {
                Err(Error::usage(format!("template `{}` needs the variable `{name}`", self.name))
                    .hint(how_to_give(name)))
            }
        }
    }

    fn checked(&self, text: String) -> Result<Rendered> {
        let document = Document::parse(&self.name, &text)?;
        let value: serde_json::Value = serde_json::from_str(&text)
            .map_err(|e| Error::bad_input(format!("`{}` is not JSON", self.name)).because(e))?;
        let json = serde_json::to_string_pretty(&value).map_err(|e| Error::failed("cannot write JSON").because(e))?;
        let length = counted_length(&json);
        if length > MAX_LENGTH {
            return Err(Error::bad_input(format!(
                "policy from `{}` has {length} characters without white space; AWS takes {MAX_LENGTH}",
                self.name
            ))
            .hint("shorten the topics, drop each `Sid`, or split it: a certificate takes up to 10 policies"));
        }
        Ok(Rendered { json: json + "\n", document, length })
    }

    fn broken(&self, error: &minijinja::Error) -> Error {
        let line = error.line().map_or(String::new(), |line| format!(", line {line}"));
        let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
        Error::bad_input(format!("template `{}`{line}: {detail}", self.name))
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment
}

fn how_to_give(name: &str) -> String {
    match name {
        "topic" => "--topic factory/line1/temperature".to_owned(),
        "thing" => "--thing NAME".to_owned(),
        "region" => "--region eu-central-1, or export AWS_REGION".to_owned(),
        "account" => "--account 123456789012 (aws sts get-caller-identity --query Account)".to_owned(),
        name => format!("--var {name}=VALUE"),
    }
}

/// A value that means something to the policy language would widen the policy behind the author's back.
fn check_value(name: &str, value: &str) -> Result<()> {
    let special = value.chars().find(|c| matches!(c, '*' | '?' | '"' | '\\') || c.is_control());
    let special = special.map(|c| c.escape_debug().to_string()).or(value.contains("${").then(|| "${".to_owned()));
    match special {
        None => Ok(()),
        Some(special) => {
            Err(Error::usage(format!("variable `{name}` holds `{special}`, which would change the policy's meaning"))
                .hint("write wildcards and policy variables into a template of your own: --template ./mine.json"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
    }

    fn facts() -> Variables {
        variables(&[
            ("partition", "aws"),
            ("region", "eu-west-1"),
            ("account", "123456789012"),
            ("thing", "simple-publishing"),
        ])
    }

    #[test]
    fn every_built_in_template_renders_within_the_limit() {
        let longest =
            variables(&[("partition", "aws-us-gov"), ("region", "ap-southeast-1"), ("account", "123456789012")]);
        for name in ["sensor", "sensor-remote"] {
            let template = Template::built_in(name).unwrap();
            let rendered = template.render(&variables(&[("prefix", "a-long-prefix/of-two-levels")]), &longest).unwrap();
            assert!(rendered.length < MAX_LENGTH, "{}", rendered.length);
            assert!(!rendered.json.contains("shadow/*"));
        }
    }

    #[test]
    fn a_missing_variable_is_named_with_the_flag_that_gives_it() {
        let error = Template::built_in("tutorial-publisher").unwrap().render(&Variables::new(), &facts()).unwrap_err();
        assert_eq!(error.message(), "template `tutorial-publisher` needs the variable `topic`");
        assert_eq!(error.hints(), ["--topic factory/line1/temperature"]);
    }

    #[test]
    fn an_unused_variable_is_an_error() {
        let given = variables(&[("topic", "a"), ("colour", "red")]);
        let error = Template::built_in("tutorial-publisher").unwrap().render(&given, &facts()).unwrap_err();
        assert_eq!(error.message(), "template `tutorial-publisher` does not use the variable `colour`");
    }

    #[test]
    fn a_value_cannot_smuggle_in_a_wildcard_or_another_statement() {
        for bad in ["a/*", "a?", "${iot:ClientId}", "a\",\"b", "a\\", "a\nb"] {
            let given = variables(&[("topic", bad)]);
            let error = Template::built_in("tutorial-publisher").unwrap().render(&given, &facts()).unwrap_err();
            assert_eq!(error.kind(), Kind::Usage, "{bad}");
        }
    }

    #[test]
    fn a_broken_template_says_where() {
        let error = Template::new("mine.json", "{\n{% if %}").render(&Variables::new(), &facts()).unwrap_err();
        assert!(error.message().starts_with("template `mine.json`, line 2:"), "{error}");
    }

    #[test]
    fn a_policy_over_the_limit_is_refused() {
        let long = "x".repeat(2100);
        let source = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"iot:Connect","Resource":"{long}"}}]}}"#
        );
        let error = Template::new("mine.json", source).render(&Variables::new(), &facts()).unwrap_err();
        assert!(error.message().contains("AWS takes 2048"), "{error}");
    }
}
