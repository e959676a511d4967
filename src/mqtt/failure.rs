//! Why a connection did not come about or ended, said so that a person can act on it.
//!
//! AWS IoT does not say why: it closes the connection. What each silence most likely means stands here, in the
//! words of the AWS IoT Developer Guide, "Troubleshooting AWS IoT Core" and policies.md, section 7.

use std::io;
use std::time::Duration;

use rumqttc::{ConnectReturnCode, ConnectionError, StateError};
use rustls::{AlertDescription, CertificateError};

use super::identity::{ALPN, Identity};
use super::tunnel::Blocked;
use crate::error::{Error, Kind};
use crate::names::{DataEndpoint, Proxy};
use crate::topic::{TopicFilter, TopicName};

/// What sort of end a connection had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// The broker closed it: the way AWS IoT says no.
    ClosedByPeer,
    /// The network failed, or the broker fell silent.
    Lost,
    /// We closed it.
    ClosedByUs,
}

impl Ending {
    pub(super) fn of(error: Option<&ConnectionError>) -> Self {
        match error {
            None => Self::ClosedByUs,
            Some(error) if is_hang_up(error) => Self::ClosedByPeer,
            Some(_) => Self::Lost,
        }
    }
}

/// The connection did not come about.
pub(super) fn connecting(error: &ConnectionError, identity: &Identity) -> Error {
    let endpoint = &identity.endpoint;
    if let (Some(blocked), Some(proxy)) = (io_error(error).filter(|error| blocked(error).is_some()), &identity.proxy) {
        return no_tunnel(blocked, proxy, endpoint);
    }
    match tls_error(error) {
        Some(tls) => untrusted(tls, endpoint),
        None => match error {
            ConnectionError::ConnectionRefused(code) => refused(*code, identity),
            error if is_hang_up(error) => hung_up(identity),
            error => unreachable(error, endpoint),
        },
    }
}

/// Nothing came back in time.
pub(super) fn silent(endpoint: &DataEndpoint, waited: Duration) -> Error {
    Error::new(Kind::Unreachable, format!("`{endpoint}` did not answer within {} s", waited.as_secs()))
        .hint("is the port open? a firewall that drops packets looks like this; AWS IoT has port 443 too: --port 443")
}

/// A connection that stood has ended.
pub(super) fn lost(error: &ConnectionError, endpoint: &DataEndpoint) -> Error {
    match tls_error(error) {
        Some(tls) => untrusted(tls, endpoint),
        None => {
            // The library's words for a peer that is gone are those of its codec.
            let reason = if is_hang_up(error) { "the other side closed it".to_owned() } else { error.to_string() };
            Error::new(Kind::Unreachable, format!("the connection to `{endpoint}` was lost")).because(Text(reason))
        }
    }
}

/// We ended it.
pub(super) fn closed_by_us() -> Error {
    Error::new(Kind::Unreachable, "the connection was closed")
}

/// A publish got no PUBACK, because the connection ended.
pub(super) fn unacknowledged(topic: &TopicName, ending: Ending) -> Error {
    if ending != Ending::ClosedByPeer {
        return Error::new(Kind::Unreachable, format!("the connection ended before `{topic}` was acknowledged"));
    }
    Error::new(
        Kind::Denied,
        format!("the broker closed the connection instead of acknowledging a publish to `{topic}`"),
    )
    .because(Text("AWS IoT does so, without a reason, when no policy allows `iot:Publish` on the topic".to_owned()))
    .hint(format!(
        "allow iot:Publish on topic/{topic} in the policy of this certificate, or publish to a topic it allows"
    ))
}

/// A subscription was refused, or the connection ended instead of an answer.
pub(super) fn not_subscribed(filter: &TopicFilter, ending: Ending) -> Error {
    if ending != Ending::ClosedByPeer {
        return Error::new(Kind::Unreachable, format!("the connection ended before the subscription to `{filter}`"));
    }
    Error::new(Kind::Denied, format!("the broker refused the subscription to `{filter}`"))
        .because(Text(
            "AWS IoT does so, without a reason, when no policy allows `iot:Subscribe` on exactly this filter"
                .to_owned(),
        ))
        .hint(format!("allow iot:Subscribe on topicfilter/{filter}, and iot:Receive on the topics it covers"))
}

fn refused(code: ConnectReturnCode, identity: &Identity) -> Error {
    let id = &identity.client_id;
    match code {
        ConnectReturnCode::NotAuthorized | ConnectReturnCode::BadUserNamePassword => hung_up(identity),
        ConnectReturnCode::BadClientId => {
            Error::new(Kind::Denied, format!("the broker does not take the client id `{id}`"))
                .hint("the policy says which client ids a certificate may use")
        }
        code => Error::new(Kind::Unreachable, format!("the broker refused the connection: {code:?}")),
    }
}

fn hung_up(identity: &Identity) -> Error {
    let Identity { endpoint, client_id, .. } = identity;
    Error::new(Kind::Denied, format!("`{endpoint}` closed the connection instead of accepting client id `{client_id}`"))
        .because(Text(
            "AWS IoT does so, without a reason, when no policy allows `iot:Connect` on this client id".to_owned(),
        ))
        .hint(format!("the client id must be one that the policy names: allow iot:Connect on client/{client_id}"))
        .hint("is the certificate ACTIVE, is the policy attached to it, and is it attached to the thing?")
}

/// The handshake failed.
pub(super) fn untrusted(error: &rustls::Error, endpoint: &DataEndpoint) -> Error {
    match error {
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        ) => Error::new(
            Kind::Unreachable,
            format!("the certificate of `{endpoint}` is not valid yet: this machine's clock is wrong"),
        )
        .hint("set the clock: sudo timedatectl set-ntp true"),
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            Error::new(Kind::Unreachable, format!("`{endpoint}` is not signed by a root that this bundle trusts")).hint(
                "root-ca.pem must hold the root of this endpoint; for AWS: iotctl provision again, without --root-ca",
            )
        }
        rustls::Error::AlertReceived(alert) => alerted(*alert, endpoint),
        error => Error::new(Kind::Unreachable, format!("no secure connection to `{endpoint}`")).because(error.clone()),
    }
}

/// The proxy does not let us through. It is named without its password.
pub(super) fn no_tunnel(error: &io::Error, proxy: &Proxy, endpoint: &DataEndpoint) -> Error {
    let (found, text) = (blocked(error), error.to_string());
    let error = Error::new(Kind::Unreachable, format!("no way to `{endpoint}` through the proxy `{proxy}`"));
    let error = error.because(Text(text));
    match found {
        None | Some(Blocked::Unreachable(_)) => {
            error.hint("is the proxy's address right? a straight way is: --proxy none")
        }
        Some(Blocked::Refused { status: 407, .. }) => {
            error.hint("it wants a user: --proxy http://USER:PASSWORD@HOST:PORT")
        }
        Some(Blocked::Refused { .. }) => {
            error.hint("it must allow CONNECT to this host and port; many allow port 443 only: --port 443")
        }
        Some(Blocked::NoProxy) => error.hint("is that the port of an HTTP proxy?"),
    }
}

fn alerted(alert: AlertDescription, endpoint: &DataEndpoint) -> Error {
    if alert == AlertDescription::NoApplicationProtocol {
        return Error::new(Kind::Unreachable, format!("`{endpoint}` speaks no MQTT with certificates on this port"))
            .because(Text(format!("it does not know the ALPN protocol `{ALPN}`")))
            .hint("it must be the endpoint of iot:Data-ATS; on port 8883 it needs no ALPN");
    }
    Error::new(Kind::Denied, format!("`{endpoint}` refused our certificate during the TLS handshake"))
        .because(Text(format!("TLS alert {alert:?}")))
        .hint("the certificate must be registered in this account and region, and ACTIVE")
        .hint("aws iot describe-certificate --certificate-id ID, with the id from: iotctl bundle show DIR")
}

fn unreachable(error: &ConnectionError, endpoint: &DataEndpoint) -> Error {
    Error::new(Kind::Unreachable, format!("cannot reach `{endpoint}`"))
        .because(Text(error.to_string()))
        .hint("is the name right, and is the network up? getent hosts HOST")
}

/// The TLS fault inside an error, if there is one.
fn tls_error(error: &ConnectionError) -> Option<&rustls::Error> {
    match error {
        ConnectionError::Tls(rumqttc::TlsError::TLS(tls)) => Some(tls),
        error => io_error(error)?.get_ref()?.downcast_ref(),
    }
}

/// The proxy's answer inside an error, if there is one.
fn blocked(error: &io::Error) -> Option<&Blocked> {
    error.get_ref()?.downcast_ref()
}

fn io_error(error: &ConnectionError) -> Option<&io::Error> {
    match error {
        // The client writes through its codec, so a broken pipe comes as an error of that.
        ConnectionError::Io(io)
        | ConnectionError::MqttState(
            StateError::Io(io) | StateError::Deserialization(rumqttc::mqttbytes::Error::Io(io)),
        ) => Some(io),
        ConnectionError::Tls(rumqttc::TlsError::Io(io)) => Some(io),
        _ => None,
    }
}

/// The peer closed a connection that was made: TCP and TLS stood, and then there was nothing.
fn is_hang_up(error: &ConnectionError) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    match error {
        ConnectionError::MqttState(StateError::ConnectionAborted) => true,
        error => io_error(error)
            .is_some_and(|io| matches!(io.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)),
    }
}

/// A cause that is only text.
#[derive(Debug)]
struct Text(String);

impl std::fmt::Display for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Text {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_that_closes_while_we_write_is_a_broker_that_closes() {
        let written = |kind: io::ErrorKind| StateError::Deserialization(rumqttc::mqttbytes::Error::Io(kind.into()));
        let ending = |kind| Ending::of(Some(&ConnectionError::MqttState(written(kind))));
        assert_eq!(ending(io::ErrorKind::BrokenPipe), Ending::ClosedByPeer);
        assert_eq!(ending(io::ErrorKind::TimedOut), Ending::Lost);
    }
}
