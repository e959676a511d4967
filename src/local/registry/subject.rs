//! `iot:Certificate.*`: the names in a certificate, as policy variables read them.
//!
//! Source: AWS IoT Developer Guide, "X.509 certificate policy variables" (policies.md, 4.3).

use std::collections::BTreeMap;

use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer, X509Certificate, X509Name};

type Names = BTreeMap<String, Vec<String>>;

/// Object identifiers of X.520 attributes, and what AWS calls them.
const ATTRIBUTES: [(&str, &str); 13] = [
    ("2.5.4.46", "DistinguishedNameQualifier"),
    ("2.5.4.6", "Country"),
    ("2.5.4.10", "Organization"),
    ("2.5.4.11", "OrganizationalUnit"),
    ("2.5.4.8", "State"),
    ("2.5.4.3", "CommonName"),
    ("2.5.4.5", "SerialNumber"),
    ("2.5.4.12", "Title"),
    ("2.5.4.4", "Surname"),
    ("2.5.4.42", "GivenName"),
    ("2.5.4.43", "Initials"),
    ("2.5.4.65", "Pseudonym"),
    ("2.5.4.44", "GenerationQualifier"),
];

/// Everything that the certificate says: path below `iot:Certificate.` to its values in order.
pub fn names(der: &[u8]) -> Names {
    let mut names = Names::new();
    let Ok((_, certificate)) = X509Certificate::from_der(der) else { return names };
    name("Subject", certificate.subject(), &mut names);
    name("Issuer", certificate.issuer(), &mut names);
    for extension in certificate.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::SubjectAlternativeName(other) => alternatives("Subject", &other.general_names, &mut names),
            ParsedExtension::IssuerAlternativeName(other) => alternatives("Issuer", &other.general_names, &mut names),
            _ => {}
        }
    }
    names.insert("SerialNumber".to_owned(), vec![certificate.tbs_certificate.serial.to_str_radix(16)]);
    let available = names.keys().cloned().collect();
    names.insert("AvailableKeys".to_owned(), available);
    names
}

fn name(whose: &str, name: &X509Name<'_>, names: &mut Names) {
    for attribute in name.iter_attributes() {
        let oid = attribute.attr_type().to_id_string();
        let known = ATTRIBUTES.iter().find(|(id, _)| *id == oid);
        if let (Some((_, known)), Ok(value)) = (known, attribute.as_str()) {
            add(format!("{whose}.{known}"), value, names);
        }
    }
}

fn alternatives(whose: &str, general: &[GeneralName<'_>], names: &mut Names) {
    for one in general {
        let (kind, value) = match one {
            GeneralName::RFC822Name(text) => ("RFC822Name", (*text).to_owned()),
            GeneralName::DNSName(text) => ("DNSName", (*text).to_owned()),
            GeneralName::DirectoryName(name) => ("DirectoryName", name.to_string()),
            GeneralName::URI(text) => ("UniformResourceIdentifier", (*text).to_owned()),
            GeneralName::IPAddress(bytes) => match address(bytes) {
                Some(address) => ("IPAddress", address),
                None => continue,
            },
            _ => continue,
        };
        add(format!("{whose}.AlternativeName.{kind}"), &value, names);
    }
}

fn address(bytes: &[u8]) -> Option<String> {
    let four = <[u8; 4]>::try_from(bytes).map(|b| std::net::Ipv4Addr::from(b).to_string());
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(|b| std::net::Ipv6Addr::from(b).to_string())).ok()
}

fn add(path: String, value: &str, names: &mut Names) {
    names.entry(path).or_default().push(value.to_owned());
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;

    #[test]
    fn subject_issuer_and_alternative_names_become_variables() {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["pump.example".to_owned(), "192.0.2.7".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "pump-7");
        params.distinguished_name.push(DnType::OrganizationName, "Works");
        let names = names(params.self_signed(&key).unwrap().der());
        assert_eq!(names["Subject.CommonName"], ["pump-7"]);
        assert_eq!(names["Issuer.Organization"], ["Works"]);
        assert_eq!(names["Subject.AlternativeName.DNSName"], ["pump.example"]);
        assert_eq!(names["Subject.AlternativeName.IPAddress"], ["192.0.2.7"]);
        assert!(names["AvailableKeys"].contains(&"Subject.CommonName".to_owned()));
    }
}
