//! The `Condition` block of a statement.
//!
//! Source: IAM User Guide, "Condition operators" and "Multivalued context keys", which the AWS IoT pages refer to.

use std::borrow::Cow;

use super::fit::Fit;
use super::pattern::{Filled, Pattern};
use super::request::Connection;
use super::variable::Variable;

mod compare;
mod operator;

pub use operator::{Operator, Quantifier, Test};

/// One key of one operator: `"StringEquals": {"iot:ClientId": ["a", "b"]}`. Those of a statement must all hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// How it compares.
    pub operator: Operator,
    /// What it looks at.
    pub key: Variable,
    /// What it compares with: one of them is enough, and none may match if the operator is negated.
    pub values: Vec<Pattern>,
}

impl Condition {
    /// Reads one entry; fails, with a sentence, on a value that its operator can never compare.
    pub fn parse(operator: &Operator, key: &str, values: &[String]) -> Result<Self, String> {
        let read = |value: &String| {
            let pattern = match operator.test {
                Test::Like | Test::Arn => Pattern::wildcard(value)?,
                _ => Pattern::literal(value)?,
            };
            let fixed = pattern.variables().next().is_none();
            if fixed && !compare::is_comparable(operator.test, value) {
                return Err(format!("`{operator}` cannot compare with `{value}`"));
            }
            Ok(pattern)
        };
        let values = values.iter().map(read).collect::<Result<_, String>>()?;
        Ok(Self { operator: operator.clone(), key: Variable::parse(key), values })
    }

    /// Whether it holds on this connection.
    pub fn fit(&self, connection: &Connection) -> Fit {
        if matches!(self.key, Variable::Unknown(_)) {
            return Fit::Unsure;
        }
        let found = self.key.values(connection);
        if self.operator.test == Test::Null {
            let absent = if found.is_empty() { "true" } else { "false" };
            return self.values.iter().any(|value| value.text() == absent).into();
        }
        if found.is_empty() {
            return self.fit_of_nothing();
        }
        let wanted: Vec<Filled<'_>> = self.values.iter().filter_map(|value| value.fill(connection).ok()).collect();
        if self.operator.negated && wanted.len() < self.values.len() {
            return Fit::No;
        }
        self.over(&found, &wanted)
    }

    /// The key has no value. What AWS does about attributes that a certificate lacks is not documented.
    fn fit_of_nothing(&self) -> Fit {
        let open = matches!(self.key, Variable::Certificate(_));
        let holds = if open { Fit::Unsure } else { Fit::Yes };
        match (self.operator.if_exists, self.operator.quantifier) {
            (true, _) => Fit::Yes,
            (false, Some(Quantifier::ForAllValues)) => holds,
            (false, None) if self.operator.negated => holds,
            (false, _) => Fit::No,
        }
    }

    fn over(&self, found: &[Cow<'_, str>], wanted: &[Filled<'_>]) -> Fit {
        let each = || found.iter().map(|value| self.one(value, wanted));
        let (all, any) = (Fit::all(each()), Fit::any(each()));
        match self.operator.quantifier {
            Some(Quantifier::ForAllValues) => all,
            Some(Quantifier::ForAnyValue) => any,
            // IAM gives no meaning to a set without a quantifier.
            None if all != any => Fit::Unsure,
            None => all,
        }
    }

    fn one(&self, value: &str, wanted: &[Filled<'_>]) -> Fit {
        let negated = self.operator.negated;
        let incomparable = if negated { Fit::Unsure } else { Fit::No };
        let hit = wanted.iter().map(|wanted| compare::fit(self.operator.test, value, wanted).unwrap_or(incomparable));
        let hit = Fit::any(hit);
        if negated { !hit } else { hit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection() -> Connection {
        let mut connection = Connection {
            client_id: Some("Pump-7".parse().unwrap()),
            source_ip: Some("10.1.2.3".parse().unwrap()),
            is_attached: Some(true),
            persistent: true,
            last_will: Some("arn:aws:iot:us-east-1:123456789012:topic/my/will".parse().unwrap()),
            ..Connection::default()
        };
        let attributes = [("n", "7"), ("since", "2020-02-15"), ("odd", "x")];
        let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        connection.thing =
            Some(super::super::request::ThingFacts { name: "Pump-7".into(), type_name: None, attributes });
        connection
    }

    fn fit(operator: &str, key: &str, values: &[&str]) -> Fit {
        let key = match key.strip_prefix('@') {
            Some(attribute) => format!("iot:Connection.Thing.Attributes[{attribute}]"),
            None => key.to_owned(),
        };
        let values: Vec<String> = values.iter().map(|v| (*v).to_owned()).collect();
        Condition::parse(&operator.parse().unwrap(), &key, &values).unwrap().fit(&connection())
    }

    #[test]
    fn texts_are_compared_whole_and_with_their_letter_case() {
        assert_eq!(fit("StringEquals", "iot:ClientId", &["x", "Pump-7"]), Fit::Yes);
        assert_eq!(fit("StringEquals", "iot:ClientId", &["Pump-*"]), Fit::No);
        assert_eq!(fit("StringEquals", "iot:ClientId", &["pump-7"]), Fit::No);
        assert_eq!(fit("StringEqualsIgnoreCase", "iot:ClientId", &["pUMP-7"]), Fit::Yes);
        assert_eq!(fit("StringNotEqualsIgnoreCase", "iot:ClientId", &["pUMP-7"]), Fit::No);
        assert_eq!(fit("StringLike", "iot:ClientId", &["P*-${iot:Connection.Thing.Attributes[n]}"]), Fit::Yes);
        assert_eq!(fit("StringNotLike", "iot:ClientId", &["P*"]), Fit::No);
    }

    #[test]
    fn a_negated_operator_wants_none_of_its_values() {
        assert_eq!(fit("StringNotEquals", "iot:ClientId", &["a", "b"]), Fit::Yes);
        assert_eq!(fit("StringNotEquals", "iot:ClientId", &["a", "Pump-7"]), Fit::No);
    }

    #[test]
    fn numbers_and_dates_are_compared_by_value() {
        assert_eq!(fit("NumericEquals", "@n", &["7.0"]), Fit::Yes);
        assert_eq!(fit("NumericLessThan", "@n", &["10"]), Fit::Yes);
        assert_eq!(fit("NumericGreaterThanEquals", "@n", &["8"]), Fit::No);
        assert_eq!(fit("NumericNotEquals", "@n", &["8"]), Fit::Yes);
        assert_eq!(fit("DateGreaterThan", "@since", &["2020-02-14T23:59:59Z"]), Fit::Yes);
        assert_eq!(fit("DateEquals", "@since", &["1581724800"]), Fit::Yes);
        assert_eq!(fit("DateLessThan", "@since", &["2020-02-15T00:00:00+01:00"]), Fit::No);
    }

    #[test]
    fn what_is_no_number_satisfies_nothing_for_certain() {
        assert_eq!(fit("NumericLessThan", "@odd", &["10"]), Fit::No);
        assert_eq!(fit("NumericNotEquals", "@odd", &["10"]), Fit::Unsure);
    }

    #[test]
    fn addresses_are_compared_by_network() {
        assert_eq!(fit("IpAddress", "aws:SourceIp", &["192.0.2.0/24", "10.0.0.0/8"]), Fit::Yes);
        assert_eq!(fit("IpAddress", "aws:SourceIp", &["10.1.2.4"]), Fit::No);
        assert_eq!(fit("IpAddress", "aws:SourceIp", &["::/0"]), Fit::No);
        assert_eq!(fit("IpAddress", "aws:SourceIp", &["0.0.0.0/0"]), Fit::Yes);
        assert_eq!(fit("NotIpAddress", "aws:SourceIp", &["10.1.0.0/16"]), Fit::No);
    }

    #[test]
    fn the_star_of_an_arn_stays_between_its_colons() {
        let key = "iot:LastWillTopic";
        assert_eq!(fit("ArnEquals", key, &["arn:aws:iot:*:*:topic/my/*"]), Fit::Yes);
        assert_eq!(fit("ArnLike", key, &["arn:*:topic/my/will"]), Fit::No);
        assert_eq!(fit("ArnNotEquals", key, &["arn:aws:iot:us-east-1:123456789012:topic/other"]), Fit::Yes);
    }

    #[test]
    fn sets_need_a_quantifier() {
        let key = "iot:ConnectAttributes";
        assert_eq!(fit("ForAllValues:StringEquals", key, &["PersistentConnect"]), Fit::No);
        assert_eq!(fit("ForAllValues:StringEquals", key, &["PersistentConnect", "LastWill"]), Fit::Yes);
        assert_eq!(fit("ForAnyValue:StringEquals", key, &["PersistentConnect"]), Fit::Yes);
        assert_eq!(fit("ForAnyValue:StringNotEquals", key, &["PersistentConnect"]), Fit::Yes);
        assert_eq!(fit("ForAllValues:StringNotEquals", key, &["PersistentConnect"]), Fit::No);
        assert_eq!(fit("StringEquals", key, &["PersistentConnect"]), Fit::Unsure);
        assert_eq!(fit("StringEquals", key, &["other"]), Fit::No);
    }

    #[test]
    fn an_absent_key_fails_what_is_positive_and_passes_what_is_negated() {
        let key = "iot:DomainName";
        assert_eq!(fit("StringEquals", key, &["x"]), Fit::No);
        assert_eq!(fit("StringNotEquals", key, &["x"]), Fit::Yes);
        assert_eq!(fit("StringEqualsIfExists", key, &["x"]), Fit::Yes);
        assert_eq!(fit("ForAllValues:StringEquals", key, &["x"]), Fit::Yes);
        assert_eq!(fit("ForAnyValue:StringNotEquals", key, &["x"]), Fit::No);
        assert_eq!(fit("Null", key, &["true"]), Fit::Yes);
        assert_eq!(fit("Null", key, &["false"]), Fit::No);
        assert_eq!(fit("Null", "iot:ClientId", &["false"]), Fit::Yes);
    }

    #[test]
    fn an_attribute_the_certificate_lacks_leaves_it_open() {
        let key = "iot:Certificate.Subject.Organization";
        assert_eq!(fit("StringEquals", key, &["x"]), Fit::No);
        assert_eq!(fit("StringNotEquals", key, &["x"]), Fit::Unsure);
        assert_eq!(fit("ForAllValues:StringEquals", &format!("{key}.List"), &["x"]), Fit::Unsure);
    }

    #[test]
    fn an_unknown_key_leaves_it_open() {
        assert_eq!(fit("StringEquals", "aws:PrincipalTag/x", &["x"]), Fit::Unsure);
        assert_eq!(fit("StringNotEqualsIfExists", "aws:PrincipalTag/x", &["x"]), Fit::Unsure);
        assert_eq!(fit("Null", "aws:PrincipalTag/x", &["true"]), Fit::Unsure);
    }

    #[test]
    fn a_value_whose_variable_has_none_never_helps() {
        assert_eq!(fit("StringEquals", "iot:ClientId", &["${iot:DomainName}", "Pump-7"]), Fit::Yes);
        assert_eq!(fit("StringNotEquals", "iot:ClientId", &["${iot:DomainName}"]), Fit::No);
    }
}
