//! Why a variable has no value on a connection.

use crate::policy::request::Connection;
use crate::policy::text::quoted;
use crate::policy::variable::{Pick, Variable};

/// Why nothing takes the place of `${variable}`.
pub(super) fn not_substituted(variable: &Variable, connection: &Connection) -> String {
    let Some(value) = variable.describe(connection) else { return absent(variable, connection) };
    match variable {
        Variable::Certificate(attribute) if attribute.pick != Pick::List => {
            format!("{} holds `*`, `$`, `+`, `?` or `#` or is too long, so AWS does not put it there", quoted(&value))
        }
        _ => "it is a set, and only one value can stand there".to_owned(),
    }
}

/// Why the variable has no value at all.
pub(super) fn absent(variable: &Variable, connection: &Connection) -> String {
    let has_thing = connection.thing.is_some();
    match variable {
        Variable::ClientId | Variable::IsAttached => "this is no MQTT connection".to_owned(),
        Variable::DomainName => "the client sent no server name (SNI)".to_owned(),
        Variable::ThingTypeName if has_thing => "the thing has no type".to_owned(),
        Variable::ThingAttribute(name) if has_thing => format!("the thing has no attribute {}", quoted(name)),
        Variable::ThingName | Variable::ThingTypeName | Variable::ThingAttribute(_) => not_attached(connection),
        Variable::ConnectAttributes => "the client asked for no persistent session and set no will".to_owned(),
        Variable::LastWillTopic => "the client set no will".to_owned(),
        Variable::Certificate(_) => "the certificate has no such value".to_owned(),
        Variable::SourceIp | Variable::CertificateId | Variable::AvailableKeys => "it is not known here".to_owned(),
        Variable::Unknown(name) => unknown(name),
    }
}

/// Why no thing is associated with the connection.
pub(super) fn not_attached(connection: &Connection) -> String {
    match &connection.client_id {
        Some(id) => {
            format!("the certificate is not attached to a thing named like the client id {}", quoted(id.as_str()))
        }
        None => "only an MQTT connection is associated with a thing".to_owned(),
    }
}

/// Some pages of AWS itself show names that do not exist.
pub(super) fn unknown(name: &str) -> String {
    let meant = match (name.strip_prefix("iot:Thing."), name) {
        (Some(rest), _) => format!("iot:Connection.Thing.{rest}"),
        (None, "iot:SourceIp") => "aws:SourceIp".to_owned(),
        _ => return "AWS IoT has no such variable, or it is not known here".to_owned(),
    };
    format!("AWS IoT has no such variable; {} is one", quoted(&meant))
}
