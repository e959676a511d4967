//! One value of a key against one value of a policy.

use std::cmp::Ordering;
use std::net::IpAddr;

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

use super::operator::Test;
use crate::policy::fit::Fit;
use crate::policy::pattern::Filled;

/// Whether `wanted` of the policy is a thing that `test` can compare with.
pub(super) fn is_comparable(test: Test, wanted: &str) -> bool {
    match test {
        Test::Text | Test::TextIgnoringCase | Test::Like | Test::Arn => true,
        Test::Number(_) => number(wanted).is_some(),
        Test::Date(_) => date(wanted).is_some(),
        Test::Boolean | Test::Null => ["true", "false"].contains(&wanted),
        Test::Address => network(wanted).is_some(),
    }
}

/// Whether `value` of the key satisfies `test` with `wanted`; `None` if the two cannot be compared.
pub(super) fn fit(test: Test, value: &str, wanted: &Filled<'_>) -> Option<Fit> {
    match test {
        Test::Text | Test::Like | Test::Boolean => Some(wanted.fit(value)),
        Test::TextIgnoringCase => Some(wanted.lowercase().fit(&value.to_lowercase())),
        Test::Number(orders) => in_order(orders, number(value)?.partial_cmp(&number(&wanted.display())?)),
        Test::Date(orders) => in_order(orders, date(value)?.partial_cmp(&date(&wanted.display())?)),
        Test::Address => {
            let (net, bits) = network(&wanted.display())?;
            Some(contains(net, bits, value.parse().ok()?).into())
        }
        Test::Arn => Some(arn(value, wanted)),
        Test::Null => None,
    }
}

fn in_order(orders: &[Ordering], found: Option<Ordering>) -> Option<Fit> {
    Some(orders.contains(&found?).into())
}

/// Each of the six pieces of an ARN is compared apart (IAM User Guide, "ARN condition operators").
fn arn(value: &str, wanted: &Filled<'_>) -> Fit {
    let pieces: Vec<&str> = value.splitn(6, ':').collect();
    let patterns = wanted.between_colons(6);
    if pieces.len() != patterns.len() {
        return Fit::No;
    }
    Fit::all(patterns.iter().zip(pieces).map(|(pattern, piece)| pattern.fit(piece)))
}

/// Decimal numbers only: `inf` and `nan` are words here.
fn number(text: &str) -> Option<f64> {
    let digits = text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    digits.then(|| text.parse().ok()).flatten()
}

/// `2020-02-15T16:43:16Z`, `2020-02-15` (midnight UTC) or seconds since 1970.
fn date(text: &str) -> Option<OffsetDateTime> {
    let day = format_description!("[year]-[month]-[day]");
    OffsetDateTime::parse(text, &Rfc3339)
        .or_else(|_| Date::parse(text, &day).map(|date| date.midnight().assume_utc()))
        .ok()
        .or_else(|| OffsetDateTime::from_unix_timestamp(text.parse().ok()?).ok())
}

/// An address or `address/bits`.
fn network(text: &str) -> Option<(IpAddr, u32)> {
    let Some((address, bits)) = text.split_once('/') else {
        let address: IpAddr = text.parse().ok()?;
        return Some((address, width(address)));
    };
    let (address, bits): (IpAddr, u32) = (address.parse().ok()?, bits.parse().ok()?);
    (bits <= width(address)).then_some((address, bits))
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { u32::BITS } else { u128::BITS }
}

fn contains(net: IpAddr, bits: u32, address: IpAddr) -> bool {
    let (differing, width) = match (net, address) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u128::from(a.to_bits() ^ b.to_bits()), u32::BITS),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits(), u128::BITS),
        _ => return false,
    };
    // A shift by the whole width, for `/0`, is not defined on integers.
    differing.checked_shr(width - bits).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_decimal() {
        assert_eq!(number("-1.5e3"), Some(-1500.0));
        for text in ["", "inf", "nan", "1_0", "0x1", "e"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn dates_have_three_forms() {
        let wanted = date("2020-02-15T00:00:00Z");
        assert!(wanted.is_some());
        assert_eq!(date("2020-02-15"), wanted);
        assert_eq!(date("1581724800"), wanted);
        assert_eq!(date("15.02.2020"), None);
    }

    #[test]
    fn networks_end_at_their_width() {
        assert!(network("10.0.0.0/33").is_none());
        assert!(network("fe80::/129").is_none());
        let (net, bits) = network("fe80::/10").unwrap();
        assert!(contains(net, bits, "febf::1".parse().unwrap()));
        assert!(!contains(net, bits, "fec0::1".parse().unwrap()));
        let (net, bits) = network("::/0").unwrap();
        assert!(contains(net, bits, "ffff::".parse().unwrap()));
    }
}
