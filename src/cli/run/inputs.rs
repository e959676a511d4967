//! What a run takes in: the streams of feeder.toml, or lines.

use std::path::{Path, PathBuf};

use serde_json::json;
use tokio::sync::mpsc;

use crate::bundle::FEEDER_FILE;
use crate::cli::identity::Connecting;
use crate::config::feeder::FeederSettings;
use crate::config::feeder::topic::{TopicTemplate, TopicVariables};
use crate::device::clock::Clock;
use crate::device::input::Input;
use crate::device::intake::{Intake, WAITING};
use crate::device::lines;
use crate::device::socket::Socket;
use crate::device::source::agenda::Plan;
use crate::device::source::sampler::Sampler;
use crate::device::stream::setup::{self, Me, Setup};
use crate::device::stream::{Rule, Streams};
use crate::error::{Error, Result};
use crate::pki::sha256_hex;
use crate::topic::TopicName;
use crate::ui::Ui;

/// What is ready to be taken in.
pub(super) enum Inputs {
    /// Sources are sampled, and maybe lines of other programs come in.
    Sources(Setup, Option<Door>),
    /// Each line of standard input is a payload for this topic.
    Lines(TopicName, Streams),
}

/// A socket and where its lines go.
pub(super) struct Door {
    path: PathBuf,
    topic: TopicName,
}

impl Inputs {
    /// The topic of the lines of standard input; nothing is touched.
    pub(super) fn lines(settings: &FeederSettings, connecting: &Connecting) -> Result<Self> {
        Ok(Self::Lines(topic_of("stdin", &topic(settings, connecting)?, connecting)?, Streams::default()))
    }

    /// Looks up what `file`, or that of the bundle, says of sources and streams; nothing is touched.
    pub(super) fn sources(file: Option<&Path>, settings: &FeederSettings, connecting: &Connecting) -> Result<Self> {
        let topic = topic(settings, connecting)?;
        let (thing, client_id) = names(connecting);
        let file = file.map_or(FEEDER_FILE.into(), |path| path.display().to_string());
        let me = Me { file: &file, thing, client_id, seed: seed(client_id) };
        let setup = setup::prepare(settings, &topic, &me)?;
        let door = door(settings, &setup.streams, &topic, connecting)?;
        let is_idle = !setup.streams.rules().any(|rule| rule.enabled) && door.is_none();
        if is_idle && !settings.remote.steers() {
            Err(Error::bad_input(format!("`{file}` enables no stream")))
        } else {
            Ok(Self::Sources(setup, door))
        }
    }

    /// Where finished payloads go, and what is said of lost readings.
    pub(super) fn topic(&self) -> Result<TopicName> {
        let first = || self.streams().rules().next().map(|rule| rule.topic.clone());
        match self {
            Self::Lines(topic, _) | Self::Sources(_, Some(Door { topic, .. })) => Ok(topic.clone()),
            Self::Sources(_, None) => first().ok_or_else(|| Error::bad_input("there is no stream")),
        }
    }

    /// Every topic that is published to.
    pub(super) fn topics(&self) -> Vec<TopicName> {
        let lines = match self {
            Self::Lines(topic, _) | Self::Sources(_, Some(Door { topic, .. })) => Some(topic.clone()),
            Self::Sources(_, None) => None,
        };
        let enabled = self.streams().rules().filter(|rule| rule.enabled);
        enabled.map(|rule| rule.topic.clone()).chain(lines).collect()
    }

    /// The streams; none of lines.
    pub(super) fn streams(&self) -> &Streams {
        match self {
            Self::Sources(setup, _) => &setup.streams,
            Self::Lines(_, streams) => streams,
        }
    }

    /// Shows what is sampled and where it goes.
    pub(super) fn show(&self, ui: Ui) {
        if let Self::Lines(topic, _) = self {
            ui.event(|| format!("each line of standard input -> {topic}"), &json!({"source": "stdin", "topic": topic}));
        }
        self.streams().rules().for_each(|rule| ui.event(|| sentence(rule), &object(rule)));
        if let Self::Sources(_, Some(Door { path, topic })) = self {
            let value = json!({"source": "socket", "path": path, "topic": topic});
            ui.event(|| format!("each line written to {} -> {topic}", path.display()), &value);
        }
    }

    /// Starts to take in. `is_steered`: a source without a stream may get one later.
    pub(super) fn start(
        self,
        count: Option<u64>,
        is_steered: bool,
        clock: &Clock,
        ui: Ui,
    ) -> Result<(Intake, Streams)> {
        let (sink, inputs) = mpsc::channel(WAITING);
        match self {
            Self::Lines(topic, streams) => {
                ui.detail(&format!("publishing each line to `{topic}`"));
                lines::read(std::io::stdin(), sink)?;
                Ok((Intake::new(inputs, Vec::new()), streams))
            }
            Self::Sources(Setup { sources, streams }, door) => {
                let socket = door.map(|door| open(&door, &sink, ui)).transpose()?;
                streams.rules().for_each(|rule| ui.detail(&sentence(rule)));
                let samplers = sources.into_iter().enumerate().map(|(place, source)| {
                    let ticks = streams.ticks(place);
                    let count = if ticks.is_empty() && !is_steered { Some(0) } else { count };
                    let (plan, clock) = (Plan { ticks, count }, clock.clone());
                    Sampler::start(source, plan, move || clock.now(), sink.clone())
                });
                let intake = Intake::new(inputs, samplers.collect::<Result<_>>()?);
                Ok((socket.into_iter().fold(intake, Intake::with_socket), streams))
            }
        }
    }
}

/// The socket of these settings. Its lines have no numbers of ours, so nobody else may use their topic.
fn door(
    settings: &FeederSettings,
    streams: &Streams,
    topic: &TopicTemplate,
    connecting: &Connecting,
) -> Result<Option<Door>> {
    let Some(path) = settings.input.socket.clone() else { return Ok(None) };
    let topic = topic_of("socket", settings.input.topic.as_ref().unwrap_or(topic), connecting)?;
    match streams.rules().find(|rule| rule.topic == topic) {
        Some(rule) => Err(Error::bad_input(format!(
            "the lines of the socket have the topic of stream `{}`, `{topic}`",
            rule.name
        ))
        .hint("give them their own in feeder.toml: [input] topic = \"sensors/{{ thing }}/lines\"")),
        None => Ok(Some(Door { path, topic })),
    }
}

fn open(door: &Door, sink: &mpsc::Sender<Input>, ui: Ui) -> Result<Socket> {
    ui.detail(&format!("publishing each line written to `{}` to `{}`", door.path.display(), door.topic));
    Socket::listen(&door.path, sink.clone())
}

/// The topic of lines that come in by `what`.
fn topic_of(what: &str, template: &TopicTemplate, connecting: &Connecting) -> Result<TopicName> {
    let (thing, client_id) = names(connecting);
    template.render(&TopicVariables { stream: what, source: what, quantity: what, thing, client_id })
}

/// The Thing, which is the client id where there is no bundle to name it, and the client id.
fn names(connecting: &Connecting) -> (&str, &str) {
    let client_id = connecting.identity.client_id.as_str();
    (connecting.bundle.as_ref().map_or(client_id, |(_, manifest)| manifest.thing.as_str()), client_id)
}

fn topic(settings: &FeederSettings, connecting: &Connecting) -> Result<TopicTemplate> {
    let of_bundle = || connecting.bundle.as_ref().and_then(|(_, manifest)| manifest.topics.first().cloned());
    settings.topic.clone().or_else(|| of_bundle().map(TopicTemplate::from)).ok_or_else(|| {
        Error::usage("no topic to publish to").hint("-t factoryA/line22/temperature, one that the policy allows")
    })
}

/// Every simulated device has air of its own, the same in each run.
fn seed(client_id: &str) -> u64 {
    let digest = sha256_hex(client_id.as_bytes());
    u64::from_str_radix(digest.get(..16).unwrap_or("0"), 16).unwrap_or(0)
}

fn sentence(rule: &Rule) -> String {
    let Rule { name, topic, interval, window, .. } = rule;
    let window = window.map_or(String::new(), |window| format!(", one message for {window:?}"));
    let state = if rule.enabled { "" } else { " (disabled)" };
    format!("{name}: {} every {interval:?}{window} -> {topic}{state}", rule.quantity.name)
}

fn object(rule: &Rule) -> serde_json::Value {
    let Rule { name, quantity, topic, interval, window, enabled, .. } = rule;
    json!({
        "stream": name, "quantity": quantity.name, "unit": quantity.unit, "topic": topic,
        "interval_s": interval.as_secs_f64(), "window_s": window.map(|window| window.as_secs_f64()), "enabled": enabled,
    })
}
