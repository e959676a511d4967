//! `iotctl doctor`

use std::path::{Path, PathBuf};

use clap::Args;
use time::OffsetDateTime;
use tokio::net::TcpStream;

use super::checks;
use super::spooling;
use crate::bundle::FEEDER_FILE;
use crate::bundle::folder::{Bundle, Folder};
use crate::config::environment;
use crate::config::feeder::FeederSettings;
use crate::config::feeder::topic::TopicTemplate;
use crate::config::proxy::Route;
use crate::device::check::Check;
use crate::device::clock::Synchrony;
use crate::device::doctor::findings::Findings;
use crate::device::doctor::{disk, identity, network, permission, sensors};
use crate::device::health::status::{State, Status};
use crate::device::health::store;
use crate::device::stream::setup::{self, Me, Setup};
use crate::error::{Error, Result};
use crate::mqtt::Identity;
use crate::names::ThingName;
use crate::topic::TopicName;
use crate::ui::Ui;

/// Say what is wrong with this device: bundle, clock, network, policy, sensors, disk
///
/// Each check is ok, warn or FAIL with what to type next; what an earlier failure makes pointless is skipped. The exit code
/// is that of the first failure: 65 or 78 bundle, settings, clock or disk, 6 network, 5 policy, 1 sensor. It connects as the
/// device does and publishes nothing, unless --publish asks for it; a connected feeder is left alone, because the
/// broker would end its connection.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  iotctl doctor --bundle certs/pump-7
  iotctl doctor --bundle certs/pump-7 --publish
  iotctl doctor --bundle certs/pump-7 -o json
")]
pub(super) struct Doctor {
    /// The bundle, or a folder that holds it
    #[arg(long, default_value = "certs", value_name = "DIR")]
    bundle: PathBuf,
    /// Which one, if the folder holds several
    #[arg(long, value_name = "NAME")]
    thing: Option<ThingName>,
    /// Sources, streams and settings [default: feeder.toml of the bundle]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the queue [default: spool, in the bundle]
    #[arg(long, value_name = "DIR")]
    spool: Option<PathBuf>,
    /// Port of the broker, as for `iotctl run` [default: that of the bundle]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// Publish a probe to each topic: a message of status `probe`, without a value
    #[arg(long)]
    publish: bool,
    /// Connect although a feeder is connected, which costs it its connection for a moment
    #[arg(long)]
    take_over: bool,
}

/// What the settings say.
struct Plan {
    settings: FeederSettings,
    setup: Setup,
    spool: Option<PathBuf>,
}

impl Plan {
    fn topics(&self) -> Vec<TopicName> {
        self.setup.streams.rules().filter(|rule| rule.enabled).map(|rule| rule.topic.clone()).collect()
    }
}

pub(super) async fn run(arguments: Doctor, ui: Ui) -> Result<u8> {
    let folder = Folder::find(&arguments.bundle, arguments.thing.as_ref())?;
    let (now, mut findings) = (OffsetDateTime::now_utc(), Findings::default());
    let bundle = identity::bundle(&folder, now, &mut findings);
    let plan = findings.take("settings", plan(&arguments, &folder));
    let spool = plan.as_ref().and_then(|plan| plan.spool.clone());
    let feeder = spool.as_deref().and_then(|spool| at_work(spool, now));
    let trust = plan.as_ref().map(|plan| plan.settings.clock.clone()).unwrap_or_default();
    let synchrony = Synchrony::of_this_machine(&trust, now);
    let is_valid = identity::clock(&folder, synchrony, now, &mut findings);
    let topics = plan.as_ref().map(Plan::topics);
    match &bundle {
        Some(bundle) => {
            let (feeder, route) = (feeder.as_ref(), plan.as_ref().and_then(|plan| plan.settings.proxy.as_ref()));
            let visit = Visit { arguments: &arguments, folder: &folder, bundle, feeder, is_valid, route };
            visit.broker(topics.as_deref(), &mut findings).await;
        }
        None => findings.skip(&["dns", "tcp", "tls", "connect", "policy"], "the bundle cannot connect"),
    }
    look_here(plan, feeder.as_ref(), &mut findings).await;
    let shown = folder.path().display().to_string();
    let (checks, kind) = findings.into_parts();
    checks::show(&shown, &checks, ui);
    let verdict = checks::verdict(&shown, &checks, |message| {
        kind.map_or_else(|| Error::failed(&message), |kind| Error::new(kind, &message))
    });
    verdict.map_or(Ok(0), Err)
}

/// The way to the broker.
struct Visit<'a> {
    arguments: &'a Doctor,
    folder: &'a Folder,
    bundle: &'a Bundle,
    feeder: Option<&'a Status>,
    is_valid: bool,
    /// What the settings say of the way.
    route: Option<&'a Route>,
}

impl Visit<'_> {
    async fn broker(&self, topics: Option<&[TopicName]>, findings: &mut Findings) {
        let identity = match self.identity() {
            Ok(identity) => identity,
            Err(error) => {
                findings.fail("endpoint", &error);
                return findings.skip(&["dns", "tcp", "tls", "connect", "policy"], "there is nowhere to connect to");
            }
        };
        let is_secure = self.line(&identity, findings).await;
        let manifest = &self.bundle.manifest;
        let on_paper = topics.map(|topics| permission::on_paper(self.folder, manifest, topics));
        let is_allowed = on_paper.as_ref().is_some_and(Result::is_ok);
        let connected = if is_secure { self.connect(&identity, is_allowed, findings).await } else { None };
        match (on_paper, connected) {
            (None, _) => findings.skip(&["policy"], "the topics are not known"),
            (Some(Ok(_)), Some((client, inbox))) if self.arguments.publish => {
                let asked = permission::asked(&client, topics.unwrap_or_default(), OffsetDateTime::now_utc()).await;
                let asked = asked.map_err(|e| permission::not_as_on_paper(e, &identity.client_id, true));
                findings.take("policy", asked);
                client.close(inbox).await;
            }
            (Some(on_paper), connected) => {
                findings
                    .take("policy", on_paper.map(|((), found)| ((), format!("{found}; --publish asks the broker"))));
                if let Some((client, inbox)) = connected {
                    client.close(inbox).await;
                }
            }
        }
    }

    /// Who connects, and the way that the feeder takes.
    fn identity(&self) -> Result<Identity> {
        let mut identity = Identity::of(self.bundle)?;
        identity.endpoint.port = self.arguments.port.unwrap_or(identity.endpoint.port);
        identity.proxy = match self.route {
            Some(route) => route.proxy(),
            None => environment::proxy(&identity.endpoint.host)?,
        };
        Ok(identity)
    }

    /// Name, address, handshake; whether all stand.
    async fn line(&self, identity: &Identity, findings: &mut Findings) -> bool {
        if let Some(proxy) = &identity.proxy {
            findings.skip(&["dns"], &format!("the proxy `{proxy}` looks the name up"));
            let Some(stream) = findings.take("tcp", network::tunnel(identity, proxy).await) else {
                findings.skip(&["tls", "connect"], "there is no way through the proxy");
                return false;
            };
            return self.secure(identity, stream, findings).await;
        }
        let Some(addresses) = findings.take("dns", network::resolve(&identity.endpoint).await) else {
            findings.skip(&["tcp", "tls", "connect"], "there is no address");
            return false;
        };
        let Some(stream) = findings.take("tcp", network::reach(&identity.endpoint, &addresses).await) else {
            findings.skip(&["tls", "connect"], "nobody answers");
            return false;
        };
        self.secure(identity, stream, findings).await
    }

    async fn secure(&self, identity: &Identity, stream: TcpStream, findings: &mut Findings) -> bool {
        if !self.is_valid {
            findings.skip(&["tls", "connect"], "clock and certificate do not agree");
            return false;
        }
        let is_secure = findings.take("tls", network::secure(identity, stream).await).is_some();
        if !is_secure {
            findings.skip(&["connect"], "there is no secure line");
        }
        is_secure
    }

    async fn connect(
        &self,
        identity: &Identity,
        is_allowed: bool,
        findings: &mut Findings,
    ) -> Option<(crate::mqtt::Client, crate::mqtt::Inbox)> {
        if let Some(feeder) = self.feeder.filter(|_| !self.arguments.take_over)
            && let Some(check) = left_alone(feeder)
        {
            findings.add(check);
            return None;
        }
        let outcome = network::connect(identity).await;
        findings.take("connect", outcome.map_err(|e| permission::not_as_on_paper(e, &identity.client_id, is_allowed)))
    }
}

/// What the connection of a feeder at work shows; nothing if it has none that could be disturbed.
fn left_alone(feeder: &Status) -> Option<Check> {
    let (pid, id) = (feeder.about.pid, &feeder.about.client_id);
    match feeder.state {
        State::Online => {
            Some(Check::ok("connect", format!("the feeder at work (process {pid}) is connected as `{id}`")))
        }
        State::Starting | State::Connecting => {
            Some(Check::skipped("connect", format!("the feeder at work (process {pid}) is connecting just now")))
        }
        State::Waiting | State::Stopped => None,
    }
}

/// Sensors and disk.
async fn look_here(plan: Option<Plan>, feeder: Option<&Status>, findings: &mut Findings) {
    let Some(Plan { settings, setup, spool }) = plan else {
        return findings.skip(&["sensor", "disk"], "the settings do not say which");
    };
    match feeder {
        Some(feeder) => {
            let reading =
                feeder.judge(OffsetDateTime::now_utc(), None).into_iter().find(|check| check.name == "reading");
            findings.add(reading.map_or_else(
                || Check::skipped("sensor", "the feeder at work has none"),
                |check| Check { name: "sensor", ..check },
            ));
        }
        None => {
            for source in setup.sources {
                findings.take("sensor", sensors::read(source).await);
            }
        }
    }
    match spool.map(|spool| disk::look(&spool, &settings.spool)) {
        None => findings.skip(&["disk"], "the queue is in memory"),
        Some(Ok(check)) => findings.add(check),
        Some(Err(error)) => findings.fail("disk", &error),
    }
}

fn plan(arguments: &Doctor, folder: &Folder) -> Result<(Plan, String)> {
    let manifest = folder.manifest()?;
    let file = arguments.config.clone().unwrap_or_else(|| folder.file(FEEDER_FILE));
    let mut settings = match file.exists() || arguments.config.is_some() {
        true => FeederSettings::read(&file)?,
        false => FeederSettings::default(),
    };
    settings.spool.dir = arguments.spool.clone().or(settings.spool.dir);
    let of_bundle = || manifest.topics.first().cloned().map(TopicTemplate::from);
    let topic = settings.topic.clone().or_else(of_bundle);
    let topic =
        topic.ok_or_else(|| Error::bad_input("no topic to publish to").hint("topic = \"...\" in feeder.toml"))?;
    let shown = file.display().to_string();
    let (thing, client_id) = (manifest.thing.as_str(), manifest.client_id.as_str());
    let setup = setup::prepare(&settings, &topic, &Me { file: &shown, thing, client_id, seed: 0 })?;
    let spool = spooling::folder(settings.queue, &settings.spool, Some(folder.path().to_owned()))?;
    let streams: Vec<_> = setup.streams.rules().map(|rule| format!("`{}` -> {}", rule.name, rule.topic)).collect();
    let found = match &streams[..] {
        [first, _, .., last] => format!("{} streams, from {first} to {last}", streams.len()),
        few => few.join(", "),
    };
    Ok((Plan { settings, setup, spool }, found))
}

/// The feeder that works with this queue, if one does.
fn at_work(spool: &Path, now: OffsetDateTime) -> Option<Status> {
    store::read(&spool.join(store::FILE)).ok().filter(|status| status.is_current(now))
}
