//! `--check-gaps`: what the numbers of the readings show, and the sums at the end.

use serde_json::{Value, json};

use crate::device::gaps::{Finding, Gaps, Sums};
use crate::error::Kind;
use crate::mqtt::Message;
use crate::ui::Ui;

/// Shows what a message shows.
pub(super) fn take(gaps: &mut Gaps, message: &Message, ui: Ui) {
    for finding in gaps.take(&message.topic, &message.payload) {
        ui.event(
            || format!("{}: {}", message.topic.escape_debug(), sentence(&finding)),
            &object(&message.topic, &finding),
        );
    }
}

/// Shows the sums; the exit code: 2 if a reading is missing, announced or not.
pub(super) fn conclude(gaps: &Gaps, ui: Ui) -> u8 {
    let mut is_whole = true;
    for (topic, sums) in gaps.sums() {
        is_whole &= sums.missing == 0 && sums.announced == 0;
        let Sums { readings, missing, announced, duplicates, late, restarts, unnumbered } = sums;
        let value = json!({
            "event": "summary", "topic": topic, "readings": readings, "missing": missing, "announced": announced,
            "duplicates": duplicates, "late": late, "restarts": restarts, "unnumbered": unnumbered,
        });
        ui.event(|| format!("{}: {}", topic.escape_debug(), summary(sums)), &value);
    }
    if is_whole { 0 } else { Kind::Findings.exit_code() }
}

fn sentence(finding: &Finding) -> String {
    match finding {
        Finding::Missing { first, last } if first == last => format!("{first} is missing"),
        Finding::Missing { first, last } => format!("{first} to {last} are missing"),
        Finding::Announced { first, last, lost } => {
            format!("its sender has lost {lost} readings between {first} and {last}")
        }
        Finding::Late { sequence } => format!("{sequence} came late"),
        Finding::Duplicate { sequence } => format!("{sequence} came again"),
        Finding::Restart { sequence } => format!("the numbers begin again at {sequence}: another queue"),
    }
}

fn object(topic: &str, finding: &Finding) -> Value {
    let mut object = json!({"event": finding.name(), "topic": topic});
    match finding {
        Finding::Missing { first, last } => (object["first"], object["last"]) = (json!(first), json!(last)),
        Finding::Announced { first, last, lost } => {
            (object["first"], object["last"], object["lost"]) = (json!(first), json!(last), json!(lost));
        }
        Finding::Late { sequence } | Finding::Duplicate { sequence } | Finding::Restart { sequence } => {
            object["sequence"] = json!(sequence);
        }
    }
    object
}

/// The readings, and what else there was.
fn summary(sums: Sums) -> String {
    let Sums { readings, missing, announced, duplicates, late, restarts, unnumbered } = sums;
    let others = [
        (missing, "missing"),
        (announced, "lost and announced"),
        (duplicates, "came again"),
        (late, "came late"),
        (restarts, "times another queue"),
        (unnumbered, "messages without a number"),
    ];
    let others: Vec<_> =
        others.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let others = if others.is_empty() { "none is missing".to_owned() } else { others.join(", ") };
    format!("{readings} readings; {others}")
}
