//! `iotctl sub`

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::identity::Who;
use super::signals;
use crate::config::duration;
use crate::device::gaps::Gaps;
use crate::error::{Error, Kind, Result};
use crate::mqtt::{self, Client, Inbox, Message, Qos, Settings};
use crate::topic::TopicFilter;
use crate::ui::Ui;

mod gaps;
mod twin;

/// Subscribe and print what arrives: the console's "Test" tab, in the terminal
///
/// A line is topic and payload; with `-o ndjson` an object. A subscription that brings nothing although its SUBACK came
/// usually lacks `iot:Receive`. If nothing came with --wait, it listens for the same topics in other letters.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  iotctl sub --bundle certs/control-room 'sensors/#'
  iotctl sub --bundle certs/control-room 'sensors/+/temperature' -C 10 -W 60 -o ndjson
  iotctl sub --bundle certs/control-room 'sensors/#' --check-gaps -W 1h
")]
pub(super) struct Sub {
    #[command(flatten)]
    who: Who,
    /// Topic filters: `+` is one level, a last `#` all that follow
    #[arg(required = true, value_name = "FILTER")]
    filters: Vec<TopicFilter>,
    /// End after so many messages
    #[arg(short = 'C', long, value_name = "N")]
    count: Option<u64>,
    /// End after this time, such as 30 (seconds), 500ms, 2m; exit code 6 if `--count` was not reached
    #[arg(short = 'W', long, value_name = "TIME", value_parser = duration::parse)]
    wait: Option<Duration>,
    /// 1: at least once; 0: at most once
    #[arg(long, default_value_t = 1, value_name = "0|1", value_parser = clap::value_parser!(u8).range(0..=1))]
    qos: u8,
    /// Show only what the `sequence` of readings says: missing, late, again; exit code 2 if one is missing
    #[arg(long)]
    check_gaps: bool,
}

/// Silence after which somebody who waits without an end is told what it may be.
const SILENCE: Duration = Duration::from_secs(10);

pub(super) async fn run(arguments: Sub, ui: Ui) -> Result<u8> {
    let stop = signals::stop()?;
    let identity = arguments.who.connecting()?.identity;
    let qos = if arguments.qos == 0 { Qos::AtMostOnce } else { Qos::AtLeastOnce };
    let (client, mut inbox) = mqtt::connect(&identity, Settings::default()).await?;
    for filter in &arguments.filters {
        client.subscribe(filter, qos).await?;
        ui.say(&format!("subscribed to `{filter}` as `{}`", identity.client_id));
    }
    let mut ear = Ear { heard: 0, gaps: arguments.check_gaps.then(Gaps::default), ui };
    let code = tokio::select! {
        ended = ear.listen(&mut inbox, arguments.count) => ended.map(|()| 0)?,
        () = patience(arguments.wait) => 0,
        stopped = stop => stopped.exit_code(),
    };
    let twin = match arguments.wait.filter(|_| ear.heard == 0 && code == 0) {
        Some(wait) => look_for_twins(&client, &mut inbox, &arguments.filters, wait).await,
        None => None,
    };
    client.close(inbox).await;
    let found = ear.gaps.as_ref().map_or(0, |gaps| gaps::conclude(gaps, ui));
    match (arguments.count, twin) {
        (Some(wanted), twin) if ear.heard < wanted && code == 0 => {
            let error = too_few(ear.heard, wanted, &arguments.filters);
            Err(twin.into_iter().fold(error, Error::hint))
        }
        (_, Some(twin)) => {
            ui.warn(&twin);
            Ok(code)
        }
        _ => Ok(if found > 0 { found } else { code }),
    }
}

/// Who hears what comes.
struct Ear {
    heard: u64,
    gaps: Option<Gaps>,
    ui: Ui,
}

impl Ear {
    /// Shows what comes until there were `count` messages.
    async fn listen(&mut self, inbox: &mut Inbox, count: Option<u64>) -> Result<()> {
        while count.is_none_or(|count| self.heard < count) {
            let message = match self.heard {
                0 => first(inbox, self.ui).await?,
                _ => inbox.next().await?,
            };
            self.heard += 1;
            match &mut self.gaps {
                Some(gaps) => gaps::take(gaps, &message, self.ui),
                None => self.ui.event(|| line(&message), &object(&message, OffsetDateTime::now_utc())),
            }
        }
        Ok(())
    }
}

/// The first message; a silence before it is not left unexplained.
async fn first(inbox: &mut Inbox, ui: Ui) -> Result<Message> {
    tokio::select! {
        biased;
        message = inbox.next() => return message,
        () = tokio::time::sleep(SILENCE) => {}
    }
    ui.say("nothing yet; letter case counts: the same with -W 10 looks for such topics in other letters");
    inbox.next().await
}

/// What to say of somebody who publishes in other letters.
async fn look_for_twins(client: &Client, inbox: &mut Inbox, filters: &[TopicFilter], wait: Duration) -> Option<String> {
    for filter in filters {
        if let Some(topic) = twin::search(client, inbox, filter, wait).await {
            let topic = topic.escape_debug();
            return Some(format!(
                "no message on `{filter}`, but `{topic}` differs only in letter case: iotctl sub '{topic}'"
            ));
        }
    }
    None
}

async fn patience(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => std::future::pending().await,
    }
}

fn too_few(heard: u64, wanted: u64, filters: &[TopicFilter]) -> Error {
    let filters: Vec<_> = filters.iter().map(|filter| format!("`{filter}`")).collect();
    Error::new(Kind::Unreachable, format!("{heard} of {wanted} messages came on {} in time", filters.join(", ")))
        .hint("does anybody publish there? letter case counts")
        .hint("does the policy allow iot:Receive on the topics? without it a subscription is silent")
}

/// Topic and payload. Control characters are shown, not obeyed: a payload must not drive the terminal.
fn line(message: &Message) -> String {
    let shown = |text: &str| text.chars().map(visible).collect::<String>();
    match std::str::from_utf8(&message.payload) {
        Ok(text) => format!("{} {}", shown(&message.topic), shown(text)),
        Err(_) => {
            format!("{} ({} bytes) {}", shown(&message.topic), message.payload.len(), hex::encode(&message.payload))
        }
    }
}

fn visible(c: char) -> String {
    if c.is_control() && c != '\t' { c.escape_default().to_string() } else { c.to_string() }
}

/// `payload` for text, `payload_hex` for anything else.
fn object(message: &Message, at: OffsetDateTime) -> Value {
    let received = at.format(&Rfc3339).unwrap_or_default();
    let mut object = json!({"received_utc": received, "topic": message.topic, "retain": message.retain});
    match std::str::from_utf8(&message.payload) {
        Ok(text) => object["payload"] = json!(text),
        Err(_) => object["payload_hex"] = json!(hex::encode(&message.payload)),
    }
    object
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn message(payload: &[u8]) -> Message {
        Message { topic: "a/b".to_owned(), payload: payload.to_vec(), retain: false }
    }

    #[test]
    fn a_payload_cannot_drive_the_terminal() {
        assert_eq!(line(&message(b"\x1b[2Jhello\n\t")), "a/b \\u{1b}[2Jhello\\n\t");
        assert_eq!(line(&message("21,5 °C".as_bytes())), "a/b 21,5 °C");
    }

    #[test]
    fn bytes_that_are_no_text_are_hexadecimal() {
        assert_eq!(line(&message(&[0xff, 0x00])), "a/b (2 bytes) ff00");
        let object = object(&message(&[0xff]), datetime!(2026-11-25 12:00 UTC));
        assert_eq!(
            object,
            json!({"received_utc": "2026-11-25T12:00:00Z", "topic": "a/b", "retain": false, "payload_hex": "ff"})
        );
    }
}
