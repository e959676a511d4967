//! The state of the stand-in: things, certificates, policies and what is attached to what.
//!
//! [`entry`] is what is kept, [`state`] keeps it, one file per family changes it, [`view`] is what the broker reads.
//! Every change is made whole under one lock, so nobody ever sees half of one.

use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;

use crate::policy::checks::Scope;

pub mod attachments;
pub mod certificates;
pub mod connectivity;
pub mod entry;
pub mod fault;
pub mod groups;
pub mod policies;
pub mod state;
pub mod subject;
pub mod tags;
pub mod thing_types;
pub mod things;
pub mod view;

use connectivity::{Connectivity, Presence};
use entry::CertificateStatus;
use fault::Fault;
use state::State;
use view::PrincipalView;

/// Cheap handle on the shared state. The lock is never held across an await.
#[derive(Debug, Clone)]
pub struct Registry {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    scope: Scope,
    generation: watch::Sender<u64>,
    state: RwLock<State>,
    connectivity: Connectivity,
}

impl Registry {
    /// An empty registry of an account in a Region.
    pub fn new(scope: Scope) -> Self {
        let state = RwLock::new(State::new(scope.clone()));
        let (generation, connectivity) = (watch::Sender::new(0), Connectivity::default());
        Self { shared: Arc::new(Shared { scope, generation, state, connectivity }) }
    }

    /// Account, Region and partition, as they stand in every ARN.
    pub fn scope(&self) -> &Scope {
        &self.shared.scope
    }

    /// Rises with every change, so that a session knows when its view is old.
    pub fn generation(&self) -> u64 {
        *self.shared.generation.borrow()
    }

    /// Tells of every change from now on.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.generation.subscribe()
    }

    /// Looks at the state.
    pub fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.shared.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the state.
    ///
    /// # Errors
    /// Those of `change`, which must then have changed nothing.
    pub fn change<T>(&self, change: impl FnOnce(&mut State) -> Result<T, Fault>) -> Result<T, Fault> {
        let mut state = self.shared.state.write().unwrap_or_else(PoisonError::into_inner);
        let done = change(&mut state)?;
        // Inside the lock, so that a reader of the new state never holds the old number.
        self.shared.generation.send_modify(|generation| *generation += 1);
        Ok(done)
    }

    /// What is known of a certificate (id = lower-case hex SHA-256 of its DER) when it connects as `client_id`.
    pub fn principal(&self, certificate_id: &str, client_id: &str) -> Option<PrincipalView> {
        self.read(|state| state.principal(certificate_id, client_id))
    }

    /// Notes that a client has come or gone.
    pub fn set_presence(&self, client_id: &str, presence: Presence) {
        self.shared.connectivity.set(client_id, presence);
    }

    /// Whether a client is there, and since when; nothing of one that never was.
    pub fn presence(&self, client_id: &str) -> Option<Presence> {
        self.shared.connectivity.get(client_id)
    }

    /// The status of a certificate and its last valid second since 1970, if it is registered.
    pub fn certificate_status(&self, certificate_id: &str) -> Option<(CertificateStatus, i64)> {
        self.read(|state| {
            let certificate = state.certificates.get(certificate_id)?;
            Some((certificate.status, certificate.not_after))
        })
    }
}
