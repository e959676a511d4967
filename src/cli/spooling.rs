//! The queue of `iotctl run`: which one, where, and how it is kept.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::config::duration;
use crate::config::spool::{QueueKind, SpoolSettings, SyncPolicy, WhenFull, parse_bytes, parse_count, parse_sync};
use crate::device::spool::Spool;
use crate::device::spool::files::Disk;
use crate::error::{Error, Result};

/// The folder of the spool in a bundle.
const FOLDER: &str = "spool";

/// The queue.
#[derive(Debug, Args)]
#[command(next_help_heading = "Queue")]
pub(super) struct Queueing {
    /// Where readings wait for their acknowledgement [default: disk; without a bundle and --spool, memory]
    #[arg(long, value_enum, hide_possible_values = true, value_name = "disk|memory")]
    queue: Option<QueueKind>,
    /// Folder of the queue on the disk [default: spool, in the bundle]
    #[arg(long, value_name = "DIR")]
    spool: Option<PathBuf>,
    /// A reading is accepted when it is safe by itself, or with all others of so many milliseconds [default: every]
    #[arg(long, value_name = "every|MS", value_parser = parse_sync)]
    sync: Option<SyncPolicy>,
    /// Most disk, such as 64MiB [default: 1GiB]
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes)]
    max_bytes: Option<u64>,
    /// Most readings that wait
    #[arg(long, value_name = "N", value_parser = parse_count)]
    max_count: Option<u64>,
    /// Longest that a reading waits, such as 12h or 30d
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    max_age: Option<Duration>,
    /// What gives way at a bound [default: drop-oldest]
    #[arg(long, value_enum, hide_possible_values = true, value_name = "drop-oldest|drop-newest|block")]
    when_full: Option<WhenFull>,
}

impl Queueing {
    /// Puts the flags on top of the settings of feeder.toml.
    pub(super) fn over(&self, queue: &mut Option<QueueKind>, settings: &mut SpoolSettings) -> Result<()> {
        let kept = self.spool.is_some()
            || self.sync.is_some()
            || self.max_bytes.or(self.max_count).is_some()
            || self.max_age.is_some()
            || self.when_full.is_some();
        if self.queue == Some(QueueKind::Memory) && kept {
            return Err(Error::usage("the queue in memory has neither folder nor bounds").hint(
                "leave out --queue memory, or --spool, --sync, --max-bytes, --max-count, --max-age, --when-full",
            ));
        }
        *queue = self.queue.or(kept.then_some(QueueKind::Disk)).or(*queue);
        settings.dir = self.spool.clone().or(settings.dir.take());
        settings.sync = self.sync.unwrap_or(settings.sync);
        settings.max_bytes = self.max_bytes.unwrap_or(settings.max_bytes);
        settings.max_count = self.max_count.or(settings.max_count);
        settings.max_age = self.max_age.or(settings.max_age);
        settings.when_full = self.when_full.unwrap_or(settings.when_full);
        Ok(())
    }
}

/// The folder of the spool; `None` if the queue is in memory. The tutorial's flags alone name no folder, and its
/// script keeps readings in memory too.
pub(super) fn folder(
    queue: Option<QueueKind>,
    settings: &SpoolSettings,
    bundle: Option<PathBuf>,
) -> Result<Option<PathBuf>> {
    let place = settings.dir.clone().or(bundle.map(|bundle| bundle.join(FOLDER)));
    match (queue, place) {
        (Some(QueueKind::Memory), _) | (None, None) => Ok(None),
        (_, Some(place)) => Ok(Some(place)),
        (Some(QueueKind::Disk), None) => {
            Err(Error::usage("no folder for the queue").hint("--spool DIR, on a disk that keeps what it is given"))
        }
    }
}

/// Opens the spool in a folder that no other process has.
pub(super) fn open(folder: &std::path::Path, settings: SpoolSettings) -> Result<Spool<Disk>> {
    let disk = Disk::take(folder)?;
    Ok(Spool::open(disk, settings, new_epoch()?))
}

/// The life of the queue: that of the spool, or of this process.
pub(super) fn epoch(spool: Option<&Spool<Disk>>) -> Result<u64> {
    spool.map_or_else(new_epoch, |spool| Ok(spool.stat().epoch))
}

fn new_epoch() -> Result<u64> {
    getrandom::u64().map_err(|e| Error::failed("the operating system gives no random number").because(e))
}
