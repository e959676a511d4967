//! `iotctl pub`

use std::io::{IsTerminal, Read};
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::identity::Who;
use crate::error::{Error, Result};
use crate::mqtt::{self, MAX_PAYLOAD, Qos, Settings};
use crate::topic::TopicName;
use crate::ui::Ui;

/// Publish one message
///
/// It is done when the broker has acknowledged it. What the policy forbids is exit code 5.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  iotctl pub --bundle certs/pump-7 sensors/pump-7/note 'hello'
  iotctl pub --bundle certs/pump-7 sensors/pump-7/state --retain --file state.json
  date | iotctl pub --bundle certs/pump-7 sensors/pump-7/note
")]
pub(super) struct Pub {
    #[command(flatten)]
    who: Who,
    /// Where to
    topic: TopicName,
    /// What; left out, it is read from standard input
    #[arg(value_name = "MESSAGE", conflicts_with = "file")]
    message: Option<String>,
    /// Read the message from a file; `-` is standard input
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// 1: it arrives at least once; 0: at most once
    #[arg(long, default_value_t = 1, value_name = "0|1", value_parser = clap::value_parser!(u8).range(0..=1))]
    qos: u8,
    /// Have the broker keep it for later subscribers (needs iot:RetainPublish)
    #[arg(long)]
    retain: bool,
}

pub(super) async fn run(arguments: Pub, ui: Ui) -> Result<u8> {
    let payload = payload(&arguments)?;
    let bytes = payload.len();
    let identity = arguments.who.connecting()?.identity;
    let qos = if arguments.qos == 0 { Qos::AtMostOnce } else { Qos::AtLeastOnce };
    let (client, inbox) = mqtt::connect(&identity, Settings::default()).await?;
    client.publish(&arguments.topic, payload, qos, arguments.retain).await?;
    client.close(inbox).await;
    let topic = &arguments.topic;
    ui.done(&format!("published {bytes} bytes to `{topic}`"));
    ui.result(String::new, &json!({"topic": topic, "bytes": bytes, "qos": arguments.qos, "retain": arguments.retain}));
    Ok(0)
}

fn payload(arguments: &Pub) -> Result<Vec<u8>> {
    let payload = match (&arguments.message, &arguments.file) {
        (Some(message), _) => message.clone().into_bytes(),
        (None, Some(path)) if path.as_os_str() != "-" => {
            std::fs::read(path).map_err(|e| Error::bad_input(format!("cannot read `{}`", path.display())).because(e))?
        }
        (None, _) => standard_input(arguments.file.is_some())?,
    };
    match payload.len() {
        length if length > MAX_PAYLOAD => {
            Err(Error::bad_input(format!("the message has {length} bytes; AWS IoT takes at most {MAX_PAYLOAD}")))
        }
        _ => Ok(payload),
    }
}

/// A person who forgot the message would wait for ever in front of a terminal that waits for them.
fn standard_input(asked_for: bool) -> Result<Vec<u8>> {
    if std::io::stdin().is_terminal() && !asked_for {
        return Err(Error::usage("no message to publish")
            .hint("iotctl pub TOPIC 'MESSAGE', or give it by --file FILE or a pipe"));
    }
    let mut bytes = Vec::new();
    // One byte more than is taken tells too long from just long enough.
    let most = MAX_PAYLOAD as u64 + 1;
    let read = std::io::stdin().lock().take(most).read_to_end(&mut bytes);
    read.map_err(|e| Error::bad_input("cannot read standard input").because(e))?;
    Ok(bytes)
}
