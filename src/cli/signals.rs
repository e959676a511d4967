//! SIGINT and SIGTERM: the two ways to be asked to stop.

use tokio::signal::unix::{SignalKind, signal};

use crate::error::{Error, Kind, Result};

/// Which signal asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stopped(Kind);

impl Stopped {
    /// 130 or 143.
    pub(super) fn exit_code(self) -> u8 {
        self.0.exit_code()
    }
}

/// Listens from now on: the returned future resolves at the first SIGINT or SIGTERM.
///
/// A second one ends the process at once, for a person who does not want to wait for the drain.
pub(super) fn stop() -> Result<impl Future<Output = Stopped>> {
    let cannot = |e: std::io::Error| Error::failed("cannot listen for signals").because(e);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
    Ok(async move {
        let first = tokio::select! {
            _ = interrupt.recv() => Kind::Interrupted,
            _ = terminate.recv() => Kind::Terminated,
        };
        tokio::spawn(async move {
            let second = tokio::select! {
                _ = interrupt.recv() => Kind::Interrupted,
                _ = terminate.recv() => Kind::Terminated,
            };
            std::process::exit(second.exit_code().into());
        });
        Stopped(first)
    })
}
