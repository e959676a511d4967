//! One connection, from CONNACK to its end. One task owns it; dropping the task ends it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::Instant;

use super::access::Access;
use super::admission::Admitted;
use super::ending::Ending;
use super::packet::{Connect, Incoming, Message, Outgoing, Publish, Reason, Version, Will};
use super::publishing::{self, Verdict};
use super::router::{Router, Ticket};
use super::session::{Delivery, Session};
use super::shadowing::ShadowRequest;
use super::subscribing;
use super::wire::Wire;
use crate::local::decisions::Event;
use crate::local::shadow::service::Shadows;

/// Publishes that wait for a full subscriber before nothing more is read; the client's own limit is 100 (Receive Maximum).
const MOST_HELD: usize = 100;
/// Bytes that are put together before they are sent.
const COALESCED: usize = 64 * 1024;
/// How long a client may refuse to read while others wait for it.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct Connection<S> {
    wire: Wire<S>,
    router: Router,
    shadows: Shadows,
    access: Access,
    session: Arc<Session>,
    ticket: Ticket,
    version: Version,
    window: usize,
    most_bytes: Option<u32>,
    keep_alive: Duration,
    session_expiry: Duration,
    will: Option<Will>,
    aliases: publishing::Aliases,
    held: VecDeque<Held>,
}

/// A publish that waits for room in a session.
struct Held {
    message: Arc<Message>,
    publish: Publish,
    waits_for: Arc<Session>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Takes an admitted client in, and sends its CONNACK.
    pub(super) fn open(
        mut wire: Wire<S>,
        router: Router,
        shadows: Shadows,
        connect: &Connect,
        admitted: Admitted,
    ) -> Self {
        let Admitted { access, keep_alive, session_expiry, mut connack } = admitted;
        let (session, ticket, present) = router.enter(access.client_id(), connect.clean);
        connack.session_present = present;
        access.set_presence(None);
        wire.queue(Outgoing::ConnAck(Box::new(connack)));
        Self {
            wire,
            router,
            shadows,
            access,
            session,
            ticket,
            version: connect.version,
            window: connect.receive_max.into(),
            most_bytes: connect.max_packet,
            keep_alive,
            session_expiry,
            will: connect.will.clone(),
            aliases: publishing::Aliases::default(),
            held: VecDeque::new(),
        }
    }

    /// Serves the client until one side ends it.
    pub(super) async fn serve(mut self, changes: watch::Receiver<u64>, stopping: watch::Receiver<bool>) {
        let ending = self.run(changes, stopping).await;
        self.finish(ending).await;
    }

    async fn run(&mut self, mut changes: watch::Receiver<u64>, mut stopping: watch::Receiver<bool>) -> Ending {
        let mut deadline = Instant::now() + self.patience();
        loop {
            if let Err(ending) = self.deliver().await {
                return ending;
            }
            let reads = self.held.len() < MOST_HELD;
            let waits_for = self.held.front().map(|held| held.waits_for.clone());
            tokio::select! {
                biased;
                kick = self.ticket.kicked() => return Ending::Kicked(kick),
                _ = stopping.wait_for(|stopping| *stopping) => return Ending::Stopping,
                Ok(()) = changes.changed() => if let Some(objection) = self.access.objection() {
                    return Ending::Revoked(objection);
                },
                packet = self.wire.read(), if reads => match packet {
                    Ok(packet) => {
                        deadline = Instant::now() + self.patience();
                        if let Err(ending) = self.handle(packet) {
                            return ending;
                        }
                    }
                    Err(error) => return Ending::of(error),
                },
                room = until_room(waits_for.as_deref()) => self.let_go(room.is_err()),
                () = self.session.arrived() => {}
                () = tokio::time::sleep_until(deadline), if reads => return Ending::KeepAlive,
            }
        }
    }

    /// One and a half times the keep-alive (MQTT 3.1.1, section 3.1.2.10).
    fn patience(&self) -> Duration {
        self.keep_alive * 3 / 2
    }

    fn handle(&mut self, packet: Incoming) -> Result<(), Ending> {
        match packet {
            Incoming::Connect(_) => Err(Ending::misuse("a second CONNECT", Reason::ProtocolError)),
            Incoming::Publish(publish) => self.publish(*publish),
            Incoming::PubAck(id) => {
                self.session.acknowledge(id);
                Ok(())
            }
            Incoming::Subscribe(id, filters, identifier) => {
                let (router, access) = (&self.router, &mut self.access);
                if let Some(answers) = subscribing::subscribe(router, access, &filters, identifier, self.version)? {
                    self.wire.queue(Outgoing::SubAck(id, answers));
                }
                Ok(())
            }
            Incoming::Unsubscribe(id, filters) => {
                filters.iter().for_each(|filter| self.router.unsubscribe(self.access.client_id(), filter));
                self.wire.queue(Outgoing::UnsubAck(id, filters.len()));
                Ok(())
            }
            Incoming::PingReq => {
                self.wire.queue(Outgoing::PingResp);
                Ok(())
            }
            Incoming::Disconnect(keeps_will, expiry) => {
                self.change_expiry(expiry);
                Err(Ending::ByClient { keeps_will })
            }
        }
    }

    /// A DISCONNECT may change the expiry, but not make a session out of none (MQTT 5, section 3.14.2.2.2).
    fn change_expiry(&mut self, expiry_s: Option<u32>) {
        if let Some(seconds) = expiry_s.filter(|_| !self.session_expiry.is_zero()) {
            self.session_expiry = self.session_expiry.min(Duration::from_secs(seconds.into()));
        }
    }

    fn publish(&mut self, mut publish: Publish) -> Result<(), Ending> {
        self.aliases.resolve(&mut publish)?;
        match publishing::judge(&mut self.access, &publish, self.version)? {
            Verdict::Refused(reason) => {
                self.acknowledge(&publish, reason);
                Ok(())
            }
            Verdict::Unanswered => Ok(()),
            Verdict::Ignored => {
                self.acknowledge(&publish, Reason::Success);
                Ok(())
            }
            Verdict::Shadow(request) => {
                self.ask_shadow(&request, &publish);
                self.pass_on(publish);
                Ok(())
            }
            Verdict::Accepted => {
                self.pass_on(publish);
                Ok(())
            }
        }
    }

    fn ask_shadow(&self, request: &ShadowRequest, publish: &Publish) {
        if let Some(note) = request.serve(&self.shadows, &publish.message.payload) {
            self.access.note(Event::Shadow, Some(&publish.message.topic), note);
        }
    }

    /// Gives it to the subscribers, and acknowledges it when all have it.
    fn pass_on(&mut self, publish: Publish) {
        let message = Arc::new(publish.message.clone());
        let full = match self.held.back() {
            // Behind one that waits, for the order's sake.
            Some(last) => Some(last.waits_for.clone()),
            None => self.router.publish(&message, publish.qos).err(),
        };
        match full {
            Some(waits_for) => self.held.push_back(Held { message, publish, waits_for }),
            None => self.acknowledge(&publish, Reason::Success),
        }
    }

    fn acknowledge(&mut self, publish: &Publish, reason: Reason) {
        if let Some(id) = publish.id {
            self.wire.queue(Outgoing::PubAck(id, reason));
        }
    }

    /// Passes on what was held, as far as there is room. A session that made others wait too long loses its connection.
    fn let_go(&mut self, too_long: bool) {
        while let Some(mut held) = self.held.pop_front() {
            if too_long {
                self.router.kick(&held.waits_for);
            }
            if let Err(full) = self.router.publish(&held.message, held.publish.qos) {
                held.waits_for = full;
                self.held.push_front(held);
                return;
            }
            self.acknowledge(&held.publish, Reason::Success);
        }
    }

    /// Sends everything that may be sent now.
    async fn deliver(&mut self) -> Result<(), Ending> {
        loop {
            while self.wire.waiting() < COALESCED {
                let Some(delivery) = self.session.take(self.ticket.number, self.window) else { break };
                self.send(delivery);
            }
            let more = self.wire.waiting() >= COALESCED;
            tokio::select! {
                biased;
                sent = tokio::time::timeout(PATIENCE, self.wire.flush()) => match sent {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => return Err(Ending::of(error.into())),
                    Err(_) => return Err(Ending::Kicked(super::router::Kick::DoesNotRead)),
                },
                kick = self.ticket.kicked() => return Err(Ending::Kicked(kick)),
            }
            if !more {
                return Ok(());
            }
        }
    }

    fn send(&mut self, delivery: Delivery) {
        let expiry = delivery.expiry_left_s();
        let fits = self.most_bytes.is_none_or(|most| delivery.message.payload.len() < most as usize);
        if expiry == Some(0) || !fits || !self.access.receive(&delivery.message.topic) {
            return;
        }
        let mut message = Message::clone(&delivery.message);
        message.retain = delivery.retained;
        message.properties.expiry_s = expiry;
        let id = match delivery.qos {
            0 => None,
            _ => match self.session.send(self.ticket.number, delivery) {
                Some(id) => Some(id),
                None => return,
            },
        };
        self.wire.queue(Outgoing::Publish(Box::new(message), id));
    }

    /// Says goodbye, leaves the session, sends the will.
    async fn finish(mut self, ending: Ending) {
        if let Some(reason) = ending.reason().filter(|_| self.version == Version::V5) {
            self.wire.queue(Outgoing::Disconnect(reason));
        }
        // A peer that reads nothing must not keep its session.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.wire.close()).await;
        if self.router.leave(self.access.client_id(), &self.ticket, self.session_expiry) {
            self.access.set_presence(Some(ending.name()));
        }
        if let Some(will) = self.will.take().filter(|_| ending.sends_will()) {
            self.router.publish_in_time(&Arc::new(will.message), will.qos, PATIENCE).await;
        }
        if let Some(note) = ending.note() {
            self.access.note(Event::Disconnect, None, note);
        }
    }
}

async fn until_room(session: Option<&Session>) -> Result<(), tokio::time::error::Elapsed> {
    match session {
        Some(session) => session.until_room(PATIENCE).await,
        None => std::future::pending().await,
    }
}
