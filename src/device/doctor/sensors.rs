//! One reading of every source.

use std::time::Duration;

use tokio::sync::oneshot;

use crate::device::source::reading::{Source, everything};
use crate::error::{Error, Result};

/// Longer than the slowest sensor takes with all its retries.
const PATIENCE: Duration = Duration::from_secs(20);

/// Opens and reads a source, on a thread of its own: a bus that hangs cannot be told to stop.
pub async fn read(mut source: Box<dyn Source>) -> Result<((), String)> {
    let origin = source.origin().to_owned();
    let (answer, answered) = oneshot::channel();
    let work = move || {
        let outcome = source.open().and_then(|()| source.read(&everything));
        // Nobody waits any more: the process is about to end.
        let _ = answer.send(outcome);
    };
    let thread = std::thread::Builder::new().name("doctor".into()).spawn(work);
    thread.map_err(|e| Error::failed("cannot start a thread for the sensor").because(e))?;
    let hangs = |_| {
        Error::failed(format!("{origin} has not answered within {} s", PATIENCE.as_secs()))
            .hint("the bus hangs: unplug the sensor and plug it in again, then: dmesg | tail")
    };
    let outcome = tokio::time::timeout(PATIENCE, answered).await.map_err(hangs)?;
    let outcome = outcome.map_err(|_| Error::failed(format!("the driver of {origin} panicked")))?;
    let readings = outcome.map_err(|error| {
        let failed = Error::failed(format!("{origin}: {error}"));
        error.hints().into_iter().fold(failed, |failed, hint| failed.hint(hint))
    })?;
    let values = readings.iter().map(|reading| match reading.value {
        Some(value) => format!("{} {value} {}", reading.quantity.name, reading.quantity.unit),
        None => format!("{} not yet", reading.quantity.name),
    });
    Ok(((), format!("{origin}: {}", values.collect::<Vec<_>>().join(", "))))
}
