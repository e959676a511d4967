//! The names of condition operators: `ForAnyValue:StringNotLikeIfExists` taken apart.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// A condition operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    name: String,
    /// `ForAllValues:` or `ForAnyValue:`, for keys that are sets.
    pub quantifier: Option<Quantifier>,
    /// How two values are compared.
    pub test: Test,
    /// `...Not...`: holds where the test does not.
    pub negated: bool,
    /// `...IfExists`: holds where the key has no value.
    pub if_exists: bool,
}

/// How many values of a set must satisfy the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantifier {
    /// Every one; an empty set does.
    ForAllValues,
    /// At least one; an empty set does not.
    ForAnyValue,
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Test {
    /// `StringEquals`.
    Text,
    /// `StringEqualsIgnoreCase`.
    TextIgnoringCase,
    /// `StringLike`: with `*` and `?`.
    Like,
    /// `Numeric...`: the orders of key to value that satisfy it.
    Number(&'static [Ordering]),
    /// `Date...`: the same in time.
    Date(&'static [Ordering]),
    /// `Bool`.
    Boolean,
    /// `IpAddress`: in a network.
    Address,
    /// `ArnEquals` and `ArnLike`, which are the same.
    Arn,
    /// `Null`: whether the key has no value.
    Null,
}

const EQUAL: &[Ordering] = &[Ordering::Equal];
const LESS: &[Ordering] = &[Ordering::Less];
const MORE: &[Ordering] = &[Ordering::Greater];
const AT_MOST: &[Ordering] = &[Ordering::Less, Ordering::Equal];
const AT_LEAST: &[Ordering] = &[Ordering::Greater, Ordering::Equal];

/// The test of a name without prefix and suffix, and whether it is negated.
fn test(name: &str) -> Option<(Test, bool)> {
    Some(match name {
        "StringEquals" => (Test::Text, false),
        "StringNotEquals" => (Test::Text, true),
        "StringEqualsIgnoreCase" => (Test::TextIgnoringCase, false),
        "StringNotEqualsIgnoreCase" => (Test::TextIgnoringCase, true),
        "StringLike" => (Test::Like, false),
        "StringNotLike" => (Test::Like, true),
        "Bool" => (Test::Boolean, false),
        "IpAddress" => (Test::Address, false),
        "NotIpAddress" => (Test::Address, true),
        "ArnEquals" | "ArnLike" => (Test::Arn, false),
        "ArnNotEquals" | "ArnNotLike" => (Test::Arn, true),
        "Null" => (Test::Null, false),
        name => return ordered(name),
    })
}

fn ordered(name: &str) -> Option<(Test, bool)> {
    let (test, order): (fn(_) -> Test, _) = match name.strip_prefix("Numeric") {
        Some(order) => (Test::Number, order),
        None => (Test::Date, name.strip_prefix("Date")?),
    };
    let (orders, negated) = match order {
        "Equals" => (EQUAL, false),
        "NotEquals" => (EQUAL, true),
        "LessThan" => (LESS, false),
        "LessThanEquals" => (AT_MOST, false),
        "GreaterThan" => (MORE, false),
        "GreaterThanEquals" => (AT_LEAST, false),
        _ => return None,
    };
    Some((test(orders), negated))
}

impl FromStr for Operator {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let unknown = || format!("`{name}` is not a condition operator");
        let (quantifier, rest) = match name.split_once(':') {
            Some(("ForAllValues", rest)) => (Some(Quantifier::ForAllValues), rest),
            Some(("ForAnyValue", rest)) => (Some(Quantifier::ForAnyValue), rest),
            Some(_) => return Err(unknown()),
            None => (None, name),
        };
        let (bare, if_exists) = match rest.strip_suffix("IfExists") {
            Some(bare) => (bare, true),
            None => (rest, false),
        };
        let (test, negated) = test(bare).ok_or_else(unknown)?;
        if test == Test::Null && bare != name {
            return Err(format!("`{name}`: `Null` takes no prefix and no suffix"));
        }
        Ok(Self { name: name.to_owned(), quantifier, test, negated, if_exists })
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_negation_and_suffix_are_told_apart() {
        let operator: Operator = "ForAnyValue:StringNotLikeIfExists".parse().unwrap();
        assert_eq!(operator.quantifier, Some(Quantifier::ForAnyValue));
        assert_eq!((operator.test, operator.negated, operator.if_exists), (Test::Like, true, true));
        assert_eq!(operator.to_string(), "ForAnyValue:StringNotLikeIfExists");
    }

    #[test]
    fn unknown_operators_are_refused_by_name() {
        for name in ["stringEquals", "StringMatches", "ForSomeValues:Bool", "NumericAbout", "BoolNot", ""] {
            let error = name.parse::<Operator>().unwrap_err();
            assert_eq!(error, format!("`{name}` is not a condition operator"));
        }
        let error = "NullIfExists".parse::<Operator>().unwrap_err();
        assert_eq!(error, "`NullIfExists`: `Null` takes no prefix and no suffix");
    }
}
