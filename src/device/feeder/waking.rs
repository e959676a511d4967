//! When a feeder goes on without anything having happened.

use std::time::Duration;

use tokio::time::Instant;

/// The earlier of two times, where there are any.
pub(super) fn earliest(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    a.into_iter().chain(b).min()
}

/// Resolves at `wake`, counted from the start; never without it.
pub(super) async fn sleep_until(started: Instant, wake: Option<Duration>) {
    match wake {
        Some(wake) => tokio::time::sleep_until(started + wake).await,
        None => std::future::pending().await,
    }
}
