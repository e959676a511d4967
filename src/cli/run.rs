//! `iotctl run`

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::identity::{Connecting, Who};
use super::signals;
use super::spooling::{self, Queueing};
use crate::bundle::FEEDER_FILE;
use crate::config::duration;
use crate::config::feeder::{FeederSettings, Sensor};
use crate::device::feeder::{self, Event, Feed, Summary};
use crate::device::loss::Losses;
use crate::device::queue::{MemoryQueue, Queue, Record};
use crate::device::session::Limits;
use crate::device::source::reading::{Sample, TEMPERATURE};
use crate::device::source::sampler::{Plan, Sampler};
use crate::device::source::{self, SensorKind};
use crate::device::spool::files::Disk;
use crate::device::spool::{Spool, Stat};
use crate::error::{Error, Kind, Result};
use crate::mqtt::{Identity, Qos, Settings};
use crate::pki::sha256_hex;
use crate::topic::TopicName;
use crate::ui::Ui;

/// Read the sensor and publish, for years or for `--count` readings
///
/// A reading is accepted when it is on the disk, and forgotten when the broker has acknowledged it; a start first sends
/// what it owes. The connection is made again and again, with a wait that doubles from 1 s to 32 s; a sensor that fails
/// is reported as `"value":null,"status":"fail"` and set up again. Flags win over the bundle's feeder.toml. SIGINT and
/// SIGTERM end it after the last acknowledgements.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  iotctl run --bundle ./certs
  iotctl run --bundle certs/pump-7 --sensor sim --interval 500ms --count 10
  iotctl run -e HOST -r ca.pem -c cert.pem -k key.pem --client-id pump-7 -t bme680/temperature
  iotctl run --bundle ./certs --sync 200 --max-age 30d --max-bytes 64MiB
")]
pub(super) struct Run {
    #[command(flatten)]
    who: Who,
    /// What to publish to [default: that of feeder.toml]
    #[arg(short = 't', long)]
    topic: Option<TopicName>,
    /// From one reading to the next, such as 500ms, 5s, 2m [default: 5s]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    interval: Option<Duration>,
    /// End after so many readings, once all are acknowledged
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// 1: every reading arrives at least once; 0: at most once [default: 1]
    #[arg(long, value_name = "0|1", value_parser = clap::value_parser!(u8).range(0..=1))]
    qos: Option<u8>,
    /// Which sensor [default: bme680]
    #[arg(long, value_enum, hide_possible_values = true, value_name = "bme680|sim")]
    sensor: Option<Sensor>,
    /// The I2C bus of the sensor [default: /dev/i2c-1]
    #[arg(long, value_name = "DEVICE")]
    bus: Option<PathBuf>,
    #[command(flatten)]
    queueing: Queueing,
}

pub(super) async fn run(arguments: Run, ui: Ui) -> Result<u8> {
    let stop = signals::stop()?;
    let connecting = arguments.who.connecting()?;
    let settings = settings(&arguments, &connecting)?;
    let topic = topic(&settings, &connecting)?;
    let bundle = connecting.bundle.as_ref().map(|(folder, _)| folder.path().to_owned());
    let folder = spooling::folder(settings.queue, &settings.spool, bundle)?;
    let spool = folder.as_deref().map(|folder| spooling::open(folder, settings.spool.clone())).transpose()?;
    let plan = Plan { interval: settings.interval, count: arguments.count };
    let sensor = source::open(kind(&settings, &connecting.identity));
    let sampler = Sampler::start(sensor, plan, OffsetDateTime::now_utc)?;
    ui.detail(&format!("publishing to `{topic}` every {:?}", settings.interval));
    let feed = Feed {
        identity: connecting.identity,
        topic,
        qos: if settings.qos == 0 { Qos::AtMostOnce } else { Qos::AtLeastOnce },
        quantity: TEMPERATURE,
        settings: Settings::default(),
        limits: Limits::default(),
        gives_up: arguments.count.is_some(),
        clock: OffsetDateTime::now_utc,
    };
    match spool {
        Some(mut spool) => {
            show_spool(&spool, ui);
            let outcome = feed_from(feed, sampler, &mut spool, stop, ui).await;
            outcome.map_err(|error| with_what_waits(error, spool.waiting(), folder.as_deref()))
        }
        None => feed_from(feed, sampler, &mut MemoryQueue::default(), stop, ui).await,
    }
}

/// What is denied stays in the queue, and is tried first by the next run: whoever gave the wrong topic must know.
fn with_what_waits(error: Error, waiting: u64, folder: Option<&Path>) -> Error {
    match folder.filter(|_| error.kind() == Kind::Denied && waiting > 0) {
        None => error,
        Some(folder) => error.hint(format!(
            "{waiting} readings wait in `{0}` and are tried first next time; to give them up: rm -r {0}",
            folder.display()
        )),
    }
}

async fn feed_from<Q: Queue>(
    feed: Feed,
    sampler: Sampler,
    queue: &mut Q,
    stop: impl Future<Output = signals::Stopped>,
    ui: Ui,
) -> Result<u8> {
    let identity = feed.identity.clone();
    let mut stopped = None;
    let stopping = async { stopped = Some(stop.await) };
    let mut observer = |event: Event<'_>| show(&event, &identity, ui);
    let summary = feeder::run(feed, sampler, queue, throw_dice, &mut observer, stopping).await?;
    conclude(summary, ui);
    Ok(stopped.map_or(0, signals::Stopped::exit_code))
}

fn show_spool(spool: &Spool<Disk>, ui: Ui) {
    let Stat { epoch, first, end, segments, losses } = spool.stat();
    let waiting = end - first;
    let value = json!({
        "event": "spool", "epoch": format!("{epoch:016x}"), "first": first, "next": end, "segments": segments,
        "lost": reasons(&losses),
    });
    ui.log(|| format!("spool {epoch:016x}: {waiting} readings wait, number {end} is next"), &value, waiting > 0);
}

fn reasons(losses: &Losses) -> Value {
    losses.reasons().map(|(reason, lost)| (reason.name().to_owned(), Value::from(lost))).collect::<Map<_, _>>().into()
}

/// The settings of the bundle's feeder.toml, with the flags on top.
fn settings(arguments: &Run, connecting: &Connecting) -> Result<FeederSettings> {
    let file = connecting.bundle.as_ref().map(|(folder, _)| folder.file(FEEDER_FILE)).filter(|path| path.exists());
    let mut settings = file.map_or_else(|| Ok(FeederSettings::default()), |path| FeederSettings::read(&path))?;
    settings.topic = arguments.topic.clone().or(settings.topic);
    settings.interval = arguments.interval.unwrap_or(settings.interval);
    settings.qos = arguments.qos.unwrap_or(settings.qos);
    settings.sensor = arguments.sensor.unwrap_or(settings.sensor);
    settings.bus = arguments.bus.clone().unwrap_or(settings.bus);
    arguments.queueing.over(&mut settings.queue, &mut settings.spool)?;
    Ok(settings)
}

fn topic(settings: &FeederSettings, connecting: &Connecting) -> Result<TopicName> {
    let of_bundle = || connecting.bundle.as_ref().and_then(|(_, manifest)| manifest.topics.first().cloned());
    settings.topic.clone().or_else(of_bundle).ok_or_else(|| {
        Error::usage("no topic to publish to").hint("-t factoryA/line22/temperature, one that the policy allows")
    })
}

fn kind(settings: &FeederSettings, identity: &Identity) -> SensorKind {
    match settings.sensor {
        // Only the temperature is published, and the gas heater would warm it.
        Sensor::Bme680 => SensorKind::Bme680 { bus: settings.bus.clone(), heater: None },
        Sensor::Sim => SensorKind::Sim { seed: seed(identity) },
    }
}

/// Every simulated device has air of its own, the same in each run.
fn seed(identity: &Identity) -> u64 {
    let digest = sha256_hex(identity.client_id.as_str().as_bytes());
    u64::from_str_radix(digest.get(..16).unwrap_or("0"), 16).unwrap_or(0)
}

/// A number from 0 to 1. Without randomness the wait is the middle one, and the feeder goes on.
fn throw_dice() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX))
}

fn show(event: &Event<'_>, identity: &Identity, ui: Ui) {
    match event {
        Event::Connected => ui.say(&format!("connected to {} as `{}`", identity.endpoint, identity.client_id)),
        Event::Published(record) => ui.event(|| sentence(record), &published(record)),
        Event::SampleFailed(sample) => complain(sample, ui),
        Event::Lost(losses) => {
            let each = losses.reasons().map(|(reason, lost)| format!("{} {lost}", reason.name())).collect::<Vec<_>>();
            ui.warn(&format!(
                "{} readings were lost ({}); a gap record tells of them",
                losses.total(),
                each.join(", ")
            ));
        }
        Event::Disconnected { reason, retry_in, waiting } => {
            let wait = retry_in.as_secs_f64();
            let hints = reason.hints().iter().map(|hint| format!("\n  hint: {hint}")).collect::<String>();
            ui.warn(&format!("{reason}; {waiting} waiting, next attempt in {wait:.1} s{hints}"));
        }
    }
}

/// The line of the tutorial's script.
fn sentence(record: &Record) -> String {
    format!("Published topic {}: {}", record.topic, String::from_utf8_lossy(&record.payload))
}

fn published(record: &Record) -> Value {
    let message = serde_json::from_slice(&record.payload).unwrap_or(Value::Null);
    json!({"event": "published", "topic": record.topic, "message": message})
}

fn complain(sample: &Sample, ui: Ui) {
    if let Err(error) = &sample.outcome {
        let hints = error.hints().iter().map(|hint| format!("\n  hint: {hint}")).collect::<String>();
        ui.warn(&format!("cannot read the {}: {error}{hints}", sample.origin));
    }
}

fn conclude(summary: Summary, ui: Ui) {
    let Summary { published, failed_samples, reconnects, unacknowledged, kept, lost } = summary;
    ui.detail(&format!(
        "{published} published, {failed_samples} failed readings, {reconnects} reconnects, {lost} readings lost"
    ));
    match (unacknowledged, kept) {
        (0, _) => {}
        (_, true) => ui.say(&format!("{unacknowledged} readings wait on the disk; the next run sends them first")),
        (_, false) => {
            ui.warn(&format!(
                "{unacknowledged} readings were not acknowledged; the queue is in memory, so they are lost"
            ));
        }
    }
}
