//! What a person, or a program, is shown of a feeder at work.

use serde_json::{Map, Value, json};

use crate::device::feeder::{Event, Summary};
use crate::device::loss::Losses;
use crate::device::queue::Record;
use crate::device::source::reading::Sample;
use crate::device::spool::files::Disk;
use crate::device::spool::{Spool, Stat};
use crate::mqtt::{Identity, MAX_PAYLOAD};
use crate::ui::Ui;

pub(super) fn spool(spool: &Spool<Disk>, ui: Ui) {
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

pub(super) fn event(event: &Event<'_>, identity: &Identity, ui: Ui) {
    match event {
        Event::Turned(_) | Event::Connecting | Event::Sampled(_) | Event::Changed(_) => {}
        Event::Connected => ui.say(&format!("connected to {} as `{}`", identity.endpoint, identity.client_id)),
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

pub(super) fn conclude(summary: Summary, ui: Ui) {
    let Summary { published, failed_samples, reconnects, unacknowledged, kept, lost, .. } = summary;
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
