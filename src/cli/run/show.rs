//! What a person, or a program, is shown of a feeder at work.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::cli::logging;
use crate::device::dead_letters::Parked;
use crate::device::feeder::event::Event;
use crate::device::feeder::feed::Summary;
use crate::device::feeder::steering::Order;
use crate::device::loss::Losses;
use crate::device::queue::Record;
use crate::device::remote::level::LogLevel;
use crate::device::source::reading::Sample;
use crate::device::spool::files::Disk;
use crate::device::spool::{Spool, Stat};
use crate::error::{Error, Kind};
use crate::mqtt::{Identity, MAX_PAYLOAD};
use crate::ui::Ui;

pub(super) fn spool(spool: &Spool<Disk>, ui: Ui) {
    let Stat { epoch, first, end, segments, losses } = spool.stat();
    let waiting = end - first;
    let value = json!({
        "event": "spool", "epoch": format!("{epoch:016x}"), "waiting": waiting, "segments": segments,
        "lost": reasons(&losses),
    });
    ui.log(|| format!("{waiting} readings wait on the disk, and are sent first"), &value, waiting > 0);
}

/// The first connection waits, and a person who looks on should not take that for a fault.
pub(super) fn delay(delay: Duration, ui: Ui) {
    if !delay.is_zero() {
        let wait = delay.as_secs_f64();
        ui.say(&format!("the first connection waits for {wait:.1} s; at once it is with --start-jitter 0"));
    }
}

fn reasons(losses: &Losses) -> Value {
    losses.reasons().map(|(reason, lost)| (reason.name().to_owned(), Value::from(lost))).collect::<Map<_, _>>().into()
}

pub(super) fn event(event: &Event<'_>, identity: &Identity, ui: Ui) {
    match event {
        Event::Turned(_) | Event::Connecting | Event::Sampled(_) | Event::Changed(_) => {}
        Event::Connected => {
            let through = identity.proxy.as_ref().map_or_else(String::new, |proxy| format!(" through {proxy}"));
            ui.say(&format!("connected to {} as `{}`{through}", identity.endpoint, identity.client_id));
        }
        Event::Published(record) => ui.event(|| sentence(record), &published(record)),
        Event::SampleFailed(sample) => complain(sample, ui),
        Event::TooLong { bytes } => ui.warn(&format!(
            "a line of {bytes} bytes was left out; AWS IoT takes messages of at most {MAX_PAYLOAD} bytes"
        )),
        Event::Lost(losses) => {
            let each = losses.reasons().map(|(reason, lost)| format!("{} {lost}", reason.name())).collect::<Vec<_>>();
            ui.warn(&format!(
                "{} readings were lost ({}); a gap record tells of them",
                losses.total(),
                each.join(", ")
            ));
        }
        Event::Contested { connections } => contested(*connections, identity, ui),
        Event::Parked(letter) => parked(letter, ui),
        Event::Steered(order) => steered(order, ui),
        Event::Disconnected { reason, retry_in, waiting } => {
            let wait = retry_in.as_secs_f64();
            let hints = reason.hints().iter().map(|hint| format!("\n  hint: {hint}")).collect::<String>();
            ui.warn(&format!("{reason}; {waiting} waiting, next attempt in {wait:.1} s{hints}"));
        }
    }
}

/// The level of the log is set here, because the log is the program's, not the feeder's.
fn steered(order: &Order, ui: Ui) {
    logging::set_level(order.log_level.map(LogLevel::name));
    let what =
        order.version.map_or("an action".to_owned(), |version| format!("remote configuration, version {version}"));
    let refused = order.refused.as_ref().map(ToString::to_string);
    let value = json!({"event": "steered", "version": order.version, "refused": refused});
    match &refused {
        None => ui.log(|| format!("{what} is in force"), &value, true),
        Some(why) => ui.log(|| format!("{what} is refused, and nothing was changed: {why}"), &value, true),
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

fn contested(connections: u32, identity: &Identity, ui: Ui) {
    let id = &identity.client_id;
    if ui.is_for_programs() {
        ui.event(String::new, &json!({"event": "contested", "client_id": id, "connections": connections}));
    }
    ui.warn(&format!(
        "the broker closed {connections} connections in a row soon after they stood: another client probably uses the \
         client id `{id}`, and the newest connection of an id ends the one before\n  hint: stop the other one, or give \
         each device an identity of its own: iotctl provision --thing NAME"
    ));
}

/// What policy forbids is said loudly once, and of those that follow only with `-v`, because they can be many.
fn parked(letter: &Parked<'_>, ui: Ui) {
    let Parked { record, tries, file, gone } = letter;
    let topic = &record.topic;
    let place = file
        .as_ref()
        .map_or_else(|| "dropped, because the queue is in memory".into(), |f| format!("now in `{}`", f.display()));
    let message = serde_json::from_slice(&record.payload).unwrap_or(Value::Null);
    let value = json!({"event": "parked", "topic": topic, "tries": tries, "file": file, "message": message});
    if ui.is_for_programs() {
        ui.event(String::new, &value);
    }
    match tries {
        0 => ui.detail(&format!("a message to `{topic}` is {place}, untried")),
        _ => ui.warn(&format!(
            "policy forbids `{topic}`: after {tries} denials its message is {place}; what else waits goes on\n  \
             hint: why: iotctl policy explain publish {topic} --bundle DIR"
        )),
    }
    if *gone > 0 {
        ui.warn(&format!("the dead letters were full: the {gone} oldest are gone"));
    }
}

/// Not everything that came in went out.
pub(super) fn not_published(parked: u64) -> Error {
    Error::new(Kind::Denied, format!("{parked} messages were not published, because policy forbids their topics"))
        .hint("why: iotctl policy explain publish TOPIC --bundle DIR")
}

fn complain(sample: &Sample, ui: Ui) {
    if let Err(error) = &sample.outcome {
        let hints = error.hints().iter().map(|hint| format!("\n  hint: {hint}")).collect::<String>();
        ui.warn(&format!("cannot read the {}: {error}{hints}", sample.origin));
    }
}

pub(super) fn conclude(summary: Summary, ui: Ui) {
    let Summary { published, failed_samples, reconnects, unacknowledged, kept, lost, parked, .. } = summary;
    ui.detail(&format!(
        "{published} published, {failed_samples} failed readings, {reconnects} reconnects, {lost} readings lost"
    ));
    if parked > 0 {
        ui.detail(&format!("{parked} messages were set aside, because policy forbids their topics"));
    }
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
