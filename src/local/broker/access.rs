//! Who a connection is and what it may do: every packet is decided here, by policy, as the registry is at that moment.

use std::net::IpAddr;

use super::clock;
use super::packet::Connect;
use super::tls;
use crate::local::decisions::{Decisions, Event, Record};
use crate::local::registry::Registry;
use crate::local::registry::connectivity::Presence;
use crate::local::registry::view::{EffectivePolicy, PrincipalView};
use crate::names::{Arn, ClientId};
use crate::policy::checks;
use crate::policy::engine;
use crate::policy::request::{Connection, Request};

/// What TLS and TCP tell of a peer.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    /// Lower-case hex SHA-256 of its certificate.
    pub(super) certificate_id: String,
    /// SNI: the name it asked for.
    pub(super) domain: String,
    /// Its address.
    pub(super) address: IpAddr,
}

/// A peer with its client id, and the policies that count for the two.
pub(super) struct Access {
    registry: Registry,
    decisions: Decisions,
    certificate_id: String,
    client_id: ClientId,
    connection: Connection,
    policies: Vec<EffectivePolicy>,
    generation: u64,
}

impl Access {
    /// The access of `peer` under `client_id`; `None` if its certificate is not registered.
    pub(super) fn new(
        registry: &Registry,
        decisions: &Decisions,
        peer: &Peer,
        client_id: ClientId,
        connect: &Connect,
    ) -> Option<Self> {
        // Before the view, so that a change between the two is seen later and not never.
        let generation = registry.generation();
        let view = registry.principal(&peer.certificate_id, client_id.as_str())?;
        let mut access = Self {
            registry: registry.clone(),
            decisions: decisions.clone(),
            certificate_id: peer.certificate_id.clone(),
            connection: Connection {
                client_id: Some(client_id.clone()),
                certificate_id: Some(peer.certificate_id.clone()),
                source_ip: Some(peer.address),
                domain_name: Some(peer.domain.clone()),
                persistent: connect.session_expiry_s.map_or(!connect.clean, |seconds| seconds > 0),
                last_will: connect.will.as_ref().and_then(|will| topic_arn(registry, &will.message.topic)),
                ..Connection::default()
            },
            client_id,
            policies: Vec::new(),
            generation,
        };
        access.take(view);
        Some(access)
    }

    pub(super) fn client_id(&self) -> &str {
        self.client_id.as_str()
    }

    fn take(&mut self, view: PrincipalView) {
        self.connection.thing = view.thing;
        self.connection.is_attached = Some(view.is_attached);
        self.connection.certificate = view.certificate;
        self.policies = view.policies;
    }

    /// Looks at the registry again if it has changed.
    fn refresh(&mut self) {
        let generation = self.registry.generation();
        if generation == self.generation {
            return;
        }
        self.generation = generation;
        match self.registry.principal(&self.certificate_id, self.client_id.as_str()) {
            Some(view) => self.take(view),
            None => self.policies.clear(),
        }
    }

    /// Why the certificate may not be connected any more, if so.
    pub(super) fn objection(&self) -> Option<String> {
        tls::objection(&self.registry, &self.certificate_id, clock::now_s())
    }

    /// Whether CONNECT is allowed, its will included.
    pub(super) fn connect(&mut self, connect: &Connect) -> bool {
        let will = connect.will.as_ref().map(|will| (will.message.topic.as_str(), will.message.retain));
        let requests = checks::connect(self.registry.scope(), self.client_id.as_str(), will);
        self.all_allowed(Event::Connect, &requests)
    }

    /// Whether a PUBLISH is allowed.
    pub(super) fn publish(&mut self, topic: &str, retain: bool) -> bool {
        let requests = checks::publish(self.registry.scope(), topic, retain);
        self.all_allowed(Event::Publish, &requests)
    }

    /// Whether a subscription to a filter is allowed.
    pub(super) fn subscribe(&mut self, filter: &str) -> bool {
        let requests = checks::subscribe(self.registry.scope(), filter);
        self.all_allowed(Event::Subscribe, &requests)
    }

    /// Whether a message may be delivered.
    pub(super) fn receive(&mut self, topic: &str) -> bool {
        let request = checks::receive(self.registry.scope(), topic);
        self.all_allowed(Event::Receive, &[request])
    }

    /// Decides in order; the first denial is recorded, or the last permission.
    fn all_allowed(&mut self, event: Event, requests: &[Request]) -> bool {
        self.refresh();
        let attached = EffectivePolicy::attached(&self.policies);
        let mut decisions =
            requests.iter().map(|request| engine::decide(&attached, &self.connection, request)).peekable();
        while let Some(decision) = decisions.next() {
            let allowed = decision.is_allowed();
            if !allowed || decisions.peek().is_none() {
                let resource = decision.request.resource.splitn(6, ':').last().and_then(|last| last.split_once('/'));
                let resource = resource.map(|(_, name)| name.to_owned());
                self.decisions.record(Record { resource, decision: Some(decision), ..self.record(event, None) });
                return allowed;
            }
        }
        true
    }

    /// Notes that the client is there, or why it has gone.
    pub(super) fn set_presence(&self, gone: Option<&'static str>) {
        let presence = Presence { connected: gone.is_none(), since_ms: clock::now_ms(), disconnect_reason: gone };
        self.registry.set_presence(self.client_id.as_str(), presence);
    }

    /// Records what no policy decided.
    pub(super) fn note(&self, event: Event, resource: Option<&str>, note: String) {
        let resource = resource.map(str::to_owned);
        self.decisions.record(Record { resource, ..self.record(event, Some(note)) });
    }

    fn record(&self, event: Event, note: Option<String>) -> Record {
        Record {
            client_id: Some(self.client_id.to_string()),
            certificate_id: Some(self.certificate_id.clone()),
            thing: self.connection.thing.as_ref().map(|thing| thing.name.clone()),
            note,
            ..Record::of(event, clock::now_ms())
        }
    }
}

fn topic_arn(registry: &Registry, topic: &str) -> Option<Arn> {
    registry.read(|state| state.arn("topic", topic)).parse().ok()
}
