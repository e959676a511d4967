//! `iotctl run`

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use clap::Args;

use super::identity::{Connecting, Who};
use super::signals;
use super::spooling::{self, Queueing};
use crate::bundle::FEEDER_FILE;
use crate::config::duration;
use crate::config::feeder::topic::TopicTemplate;
use crate::config::feeder::{FeederSettings, Sensor};
use crate::device::clock::Clock;
use crate::device::feeder;
use crate::device::feeder::event::Event;
use crate::device::feeder::feed::{Feed, Summary};
use crate::device::feeder::reloading::Reloads;
use crate::device::intake::Intake;
use crate::device::message::Form;
use crate::device::queue::{MemoryQueue, Queue};
use crate::device::stream::Streams;
use crate::error::{Error, Kind, Result};
use crate::mqtt::{MAX_PAYLOAD, Qos};
use crate::ui::Ui;

mod attendance;
mod connection;
mod inputs;
mod manager;
mod permitted;
mod reloading;
mod show;
mod steering;

use attendance::{Attendant, Watching};
use connection::Connection;
use inputs::Inputs;
use reloading::Reloader;
use steering::Afar;

/// Read the sensor and publish, for years or for `--count` readings
///
/// A reading is accepted when it is on the disk, and forgotten when the broker has acknowledged it; a start first sends
/// what it owes. The connection is made again and again, with a wait that doubles from 1 s to 32 s; a sensor that fails
/// is reported as `"value":null,"status":"fail"` and set up again. Flags win over the bundle's feeder.toml. SIGINT and
/// SIGTERM end it after the last acknowledgements; SIGHUP reads feeder.toml again, and puts intervals, deadbands and enabled
/// streams in force, all of it or nothing.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  iotctl run --bundle ./certs
  iotctl run --bundle certs/pump-7 --sensor sim --interval 500ms --count 10
  iotctl run -e HOST -r ca.pem -c cert.pem -k key.pem --client-id pump-7 -t bme680/temperature
  iotctl run --bundle ./certs --sync 200 --max-age 30d --max-bytes 64MiB
  journalctl -f -o json | iotctl run --bundle ./certs --stdin -t sensors/pump-7/log
  iotctl run --bundle ./certs --sensor none --socket /run/iotctl/lines -t sensors/pump-7/notes
")]
pub(super) struct Run {
    #[command(flatten)]
    who: Who,
    /// What to publish to; for several streams a template, such as 'line22/{{ stream }}' [default: that of feeder.toml]
    #[arg(short = 't', long)]
    topic: Option<TopicTemplate>,
    /// Sources, streams and settings [default: feeder.toml of the bundle]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// From one reading to the next, such as 500ms, 5s, 2m [default: 5s]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    interval: Option<Duration>,
    /// End after so many readings of each stream, once all are acknowledged
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// 1: every reading arrives at least once; 0: at most once [default: 1]
    #[arg(long, value_name = "0|1", value_parser = clap::value_parser!(u8).range(0..=1))]
    qos: Option<u8>,
    /// Which sensor [default: bme680]
    #[arg(long, value_enum, hide_possible_values = true, value_name = "bme680|sim|none")]
    sensor: Option<Sensor>,
    /// The I2C bus of the sensor [default: /dev/i2c-1]
    #[arg(long, value_name = "DEVICE")]
    bus: Option<PathBuf>,
    /// Publish each line of standard input, unchanged; ends when the input does and all is acknowledged
    #[arg(long, conflicts_with_all = ["interval", "count", "sensor", "bus"])]
    stdin: bool,
    /// Publish each line that a program writes to this UNIX socket, unchanged; beside the sensor, or with --sensor none alone
    #[arg(long, value_name = "PATH", conflicts_with_all = ["stdin", "count"])]
    socket: Option<PathBuf>,
    /// Say what would be sampled and published, and what of it the bundle's policy.json does not allow, and end
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    queueing: Queueing,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    afar: Afar,
    #[command(flatten)]
    watching: Watching,
}

pub(super) async fn run(arguments: Run, ui: Ui) -> Result<u8> {
    let stop = signals::stop()?;
    let mut connecting = arguments.who.connecting()?;
    let settings = settings(&arguments, &connecting)?;
    arguments.who.route(&mut connecting, settings.proxy.as_ref());
    let (arguments, connecting) = (Rc::new(arguments), Rc::new(connecting));
    let inputs = match &*arguments {
        Run { stdin: true, .. } => Inputs::lines(&settings, &connecting)?,
        Run { config, .. } => Inputs::sources(config.as_deref(), &settings, &connecting)?,
    };
    if arguments.count.is_some() && settings.input.socket.is_some() {
        return Err(
            Error::usage("--count ends a run, and the socket of feeder.toml never does").hint("leave out --count")
        );
    }
    if arguments.check {
        inputs.show(ui);
        permitted::warn(&connecting, &inputs.topics(), ui)?;
        return Ok(0);
    }
    let bundle = connecting.bundle.as_ref().map(|(folder, _)| folder.path().to_owned());
    let folder = spooling::folder(settings.queue, &settings.spool, bundle)?;
    let spool = folder.as_deref().map(|folder| spooling::open(folder, settings.spool.clone())).transpose()?;
    let clock = Clock::of_this_machine(settings.clock.clone());
    let epoch = if settings.epoch { Some(spooling::epoch(spool.as_ref())?) } else { None };
    let steering = steering::steering(&settings.remote, &connecting, arguments.stdin)?;
    let (reloader, reloads) = reloader(&arguments, &connecting, &settings, inputs.streams(), ui)?.unzip();
    let feed = Feed {
        identity: connecting.identity.clone(),
        topic: inputs.topic()?,
        form: Form { timestamp: settings.timestamp, epoch },
        qos: if settings.qos == 0 { Qos::AtMostOnce } else { Qos::AtLeastOnce },
        settings: connection::patience(&settings),
        limits: arguments.connection.limits(&settings, arguments.count.is_some(), throw_dice()),
        gives_up: arguments.count.is_some(),
        dead_letters: folder.clone(),
        steering,
        reloads,
        clock: clock.clone(),
    };
    let watching = &arguments.watching;
    let attendant = Attendant::new(watching, &settings, &feed.identity, inputs.streams(), folder.as_deref()).await?;
    let attendant = attendant.with(reloader);
    show::delay(feed.limits.start_delay, ui);
    let (intake, streams) = inputs.start(arguments.count, settings.remote.steers(), &clock, ui)?;
    match spool {
        Some(mut spool) => {
            show::spool(&spool, ui);
            let outcome = feed_from(feed, intake, streams, &mut spool, attendant, stop, ui).await;
            outcome.map_err(|error| with_what_waits(error, spool.waiting(), folder.as_deref()))
        }
        None => feed_from(feed, intake, streams, &mut MemoryQueue::default(), attendant, stop, ui).await,
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
    intake: Intake,
    streams: Streams,
    queue: &mut Q,
    mut attendant: Attendant,
    stop: impl Future<Output = signals::Stopped>,
    ui: Ui,
) -> Result<u8> {
    let identity = feed.identity.clone();
    let mut stopped = None;
    let manager = attendant.manager();
    let stopping = async {
        stopped = Some(stop.await);
        manager.stopping();
    };
    let listener = attendant.listener();
    let mut observer = |event: Event<'_>| {
        listener(&event);
        show::event(&event, &identity, ui);
    };
    let outcome = tokio::select! {
        outcome = feeder::run(feed, intake, streams, queue, throw_dice, &mut observer, stopping) => outcome,
        never = attendant.attend(ui) => match never {},
    };
    attendant.conclude();
    let summary = outcome?;
    show::conclude(summary, ui);
    match (stopped, summary) {
        (Some(stopped), _) => Ok(stopped.exit_code()),
        (None, Summary { parked: 1.., .. }) => Err(show::not_published(summary.parked)),
        (None, Summary { too_long: 0, .. }) => Ok(0),
        (None, Summary { too_long: lines, .. }) => Err(Error::bad_input(format!(
            "{lines} lines were longer than {MAX_PAYLOAD} bytes and were not published; all others were"
        ))),
    }
}

/// Who reads feeder.toml again at SIGHUP; nobody on a terminal, where a hang-up is the end.
fn reloader(
    arguments: &Rc<Run>,
    connecting: &Rc<Connecting>,
    in_force: &FeederSettings,
    streams: &Streams,
    ui: Ui,
) -> Result<Option<(Reloader, Reloads)>> {
    let file = settings_file(arguments, connecting).filter(|_| !arguments.stdin && !ui.is_interactive());
    let (arguments, connecting) = (arguments.clone(), connecting.clone());
    let read = move || {
        let settings = settings(&arguments, &connecting)?;
        let inputs = Inputs::sources(arguments.config.as_deref(), &settings, &connecting)?;
        Ok((settings, inputs.streams().rules().cloned().collect()))
    };
    let rules = streams.rules().cloned().collect();
    file.map(|file| Reloader::new(file, Box::new(read), in_force.clone(), rules)).transpose()
}

fn settings_file(arguments: &Run, connecting: &Connecting) -> Option<PathBuf> {
    let of_bundle = || connecting.bundle.as_ref().map(|(folder, _)| folder.file(FEEDER_FILE));
    arguments.config.clone().or_else(|| of_bundle().filter(|path| path.exists()))
}

/// The settings of feeder.toml, with the flags on top.
fn settings(arguments: &Run, connecting: &Connecting) -> Result<FeederSettings> {
    let file = settings_file(arguments, connecting);
    let mut settings = file.map_or_else(|| Ok(FeederSettings::default()), |path| FeederSettings::read(&path))?;
    if !settings.source.is_empty() && (arguments.sensor.is_some() || arguments.bus.is_some()) {
        return Err(Error::usage("feeder.toml names its sources; --sensor and --bus are for the one without a table")
            .hint("change `kind` in its [source.NAME] tables"));
    }
    settings.topic = arguments.topic.clone().or(settings.topic);
    settings.interval = arguments.interval.unwrap_or(settings.interval);
    settings.qos = arguments.qos.unwrap_or(settings.qos);
    settings.sensor = arguments.sensor.unwrap_or(settings.sensor);
    settings.bus = arguments.bus.clone().unwrap_or(settings.bus);
    settings.input.socket = arguments.socket.clone().or(settings.input.socket);
    arguments.queueing.over(&mut settings.queue, &mut settings.spool)?;
    arguments.connection.over(&mut settings);
    arguments.afar.over(&mut settings.remote);
    Ok(settings)
}

/// A number from 0 to 1. Without randomness the wait is the middle one, and the feeder goes on.
fn throw_dice() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX))
}
