//! A device made to measure: every variable that a policy names has a value, so that its patterns can be looked at.

use super::document::{Document, Statement};
use super::request::{Connection, ThingFacts};
use super::variable::Variable;

/// Name of the thing and client id of the device.
pub(super) const DEVICE: &str = "device-1";

/// A device, connected under the name of the thing that its certificate is attached to. Every attribute that the
/// documents name has a value; no two values are alike, and none holds a wildcard.
pub(super) fn device<'a>(documents: impl IntoIterator<Item = &'a Document>) -> Connection {
    let mut thing =
        ThingFacts { name: DEVICE.to_owned(), type_name: Some("type-1".to_owned()), ..ThingFacts::default() };
    let mut connection = Connection {
        client_id: DEVICE.parse().ok(),
        is_attached: Some(true),
        certificate_id: Some("c1".repeat(32)),
        source_ip: Some([192, 0, 2, 1].into()),
        domain_name: Some("broker.example.com".to_owned()),
        ..Connection::default()
    };
    for variable in documents.into_iter().flat_map(|document| &document.statements).flat_map(Statement::variables) {
        match variable {
            Variable::ThingAttribute(name) => {
                thing.attributes.insert(name.clone(), format!("{}-1", plain(name)));
            }
            Variable::Certificate(attribute) => {
                let values = (1..=5).map(|n| format!("{}-{n}", plain(&attribute.name))).collect();
                connection.certificate.insert(attribute.name.clone(), values);
            }
            _ => {}
        }
    }
    Connection { thing: Some(thing), ..connection }
}

/// What the ARNs of the documents begin with (`arn:<partition>:iot:<region>:<account>`), where they say it without a
/// wildcard; at least one, that of AWS's own examples.
pub(super) fn scopes<'a>(documents: impl IntoIterator<Item = &'a Document>) -> Vec<String> {
    let statements = documents.into_iter().flat_map(|document| &document.statements);
    let patterns = statements.flat_map(|statement| statement.resources.patterns());
    let fronts = patterns.filter_map(|pattern| {
        let (at, _) = pattern.text().match_indices(':').nth(4)?;
        pattern.text().get(..at)
    });
    let plain = |front: &&str| front.starts_with("arn:") && !front.contains(['*', '?', '$']);
    let mut all: Vec<String> = Vec::new();
    for front in fronts.filter(plain) {
        if !all.iter().any(|known| known == front) {
            all.push(front.to_owned());
        }
    }
    if all.is_empty() {
        all.push("arn:aws:iot:us-east-1:123456789012".to_owned());
    }
    all
}

/// The letters and digits of the last part of a name.
fn plain(name: &str) -> String {
    let last = name.rsplit(['.', '/', ':']).next().unwrap_or_default();
    last.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_that_can_have_a_value_has_one() {
        let json = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": [
            "${iot:ClientId}", "${iot:Connection.Thing.ThingName}", "${iot:Connection.Thing.Attributes[site/a]}",
            "${iot:Connection.Thing.ThingTypeName}", "${iot:Certificate.Subject.CommonName.4}", "${aws:SourceIp}",
            "${iot:Certificate.Issuer.AlternativeName.DNSName}", "${iot:CertificateId}", "${iot:DomainName}"]}]}"#;
        let document = Document::parse("p", json).unwrap();
        let connection = device([&document]);
        for variable in document.statements[0].variables() {
            let value = variable.substitute(&connection);
            assert!(value.is_some_and(|v| !v.is_empty() && !v.contains(['*', '?'])), "{variable}");
        }
    }
}
