//! `iotctl local`

use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use clap::{Args, Subcommand};
use serde_json::json;

use super::signals;
use crate::error::{Error, Kind, Result};
use crate::local::decisions::Record;
use crate::local::{Local, Options};
use crate::names::{AccountId, Region};
use crate::ui::Ui;

/// Ports of the stand-in, unless others are asked for.
const HTTP_PORT: u16 = 4883;
const MQTT_PORT: u16 = 8883;

/// Run an embedded AWS IoT Core on this machine
///
/// AWS SDKs, the AWS CLI and MQTT devices talk to it unchanged. It listens on loopback only, makes new keys at
/// each start, forgets everything at its end, and says of every denial why. With a command behind `--` it runs
/// that command with the AWS settings exported, and stops when the command does.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Examples:
  iotctl local
  eval \"$(iotctl local env)\"                          # in another shell
  iotctl local --http-port 0 --mqtt-port 0 -- pytest  # for the length of one command
")]
pub(super) struct LocalCommand {
    #[command(subcommand)]
    verb: Option<LocalVerb>,
    #[command(flatten)]
    settings: Settings,
    /// Command to run in it
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

#[derive(Debug, Args)]
struct Settings {
    /// Port of the control plane; 0 takes a free one
    #[arg(long, default_value_t = HTTP_PORT, value_name = "PORT")]
    http_port: u16,
    /// Port of the message broker; 0 takes a free one
    #[arg(long, default_value_t = MQTT_PORT, value_name = "PORT")]
    mqtt_port: u16,
    /// Write every decision of the broker to a file, a JSON object a line, for `iotctl policy learn`
    #[arg(long, value_name = "FILE")]
    decisions: Option<PathBuf>,
    /// Account id in every ARN
    #[arg(long, default_value = "123456789012", value_name = "ID")]
    account: String,
}

#[derive(Debug, Subcommand)]
enum LocalVerb {
    Env(Env),
}

/// Print what a shell must export to talk to a running `iotctl local`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  iotctl local env
  eval \"$(iotctl local env)\"
")]
struct Env {
    /// Port of its control plane
    #[arg(long, default_value_t = HTTP_PORT, value_name = "PORT")]
    http_port: u16,
}

pub(super) async fn run(command: LocalCommand, region: Option<Region>, ui: Ui) -> Result<u8> {
    let region = region.map_or_else(|| "us-east-1".parse(), Ok)?;
    if let Some(LocalVerb::Env(env)) = command.verb {
        return print_env(env.http_port, &region, ui);
    }
    let stop = signals::stop()?;
    let account: AccountId = command.settings.account.parse()?;
    let options = Options {
        http_port: command.settings.http_port,
        mqtt_port: command.settings.mqtt_port,
        account,
        region: region.clone(),
        decision_log: command.settings.decisions.as_deref().map(decision_log).transpose()?,
    };
    let local = Local::start(options).await?;
    announce(&local, command.command.is_empty(), ui);
    let narrator = tokio::spawn(narrate(local.records(), ui));
    let code = match command.command.split_first() {
        None => stop.await.exit_code(),
        Some((program, arguments)) => tokio::select! {
            stopped = stop => stopped.exit_code(),
            code = run_in(&local, &region, program, arguments) => code?,
        },
    };
    narrator.abort();
    local.stop().await;
    Ok(code)
}

/// The log begins anew: what an earlier stand-in decided was decided by other policies.
fn decision_log(path: &Path) -> Result<Box<dyn Write + Send>> {
    let cannot = |e: std::io::Error| Error::failed(format!("cannot write `{}`", path.display())).because(e);
    Ok(Box::new(File::create(path).map_err(cannot)?))
}

fn announce(local: &Local, wait: bool, ui: Ui) {
    let ready = json!({
        "event": "ready",
        "control_plane": local.control_plane(),
        "mqtt_host": "localhost",
        "mqtt_port": local.mqtt_port(),
    });
    if !wait {
        return ui.detail(&format!("control plane {}, broker localhost:{}", local.control_plane(), local.mqtt_port()));
    }
    let text = || {
        let port = local.http_port();
        let flag = if port == HTTP_PORT { String::new() } else { format!(" --http-port {port}") };
        format!(
            "control plane  {}\nbroker         localhost:{} (MQTT 3.1.1 and 5, mTLS)\n\nin another shell: eval \"$(iotctl local env{flag})\"",
            local.control_plane(),
            local.mqtt_port()
        )
    };
    ui.event(text, &ready);
}

/// Tells what happens at the broker: everything to programs, denials and endings to people.
async fn narrate(mut records: tokio::sync::broadcast::Receiver<Record>, ui: Ui) {
    loop {
        match records.recv().await {
            Ok(record) => ui.log(|| record.summary(), &record, record.is_refusal()),
            Err(tokio::sync::broadcast::error::RecvError::Lagged(skipped)) => {
                ui.warn(&format!("{skipped} events were too fast to show"));
            }
            Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
        }
    }
}

async fn run_in(local: &Local, region: &Region, program: &OsString, arguments: &[OsString]) -> Result<u8> {
    let cannot = |e: std::io::Error| {
        Error::failed(format!("cannot run `{}`", program.to_string_lossy()))
            .because(e)
            .hint("the command stands behind `--`")
    };
    let mut command = tokio::process::Command::new(program);
    command
        .args(arguments)
        .envs(exports(local.control_plane(), region))
        .env_remove("AWS_PROFILE")
        .env_remove("AWS_SESSION_TOKEN");
    command.kill_on_drop(true);
    let status: ExitStatus = command.status().await.map_err(cannot)?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

fn print_env(port: u16, region: &Region, ui: Ui) -> Result<u8> {
    if TcpStream::connect(("127.0.0.1", port)).is_err() {
        return Err(Error::new(Kind::Unreachable, format!("no `iotctl local` listens on port {port}"))
            .hint("start one in another shell: iotctl local"));
    }
    let exports = exports(&format!("http://127.0.0.1:{port}"), region);
    let lines: Vec<_> = exports.iter().map(|(name, value)| format!("export {name}={value}")).collect();
    let value: serde_json::Map<_, _> = exports.into_iter().map(|(n, v)| (n.to_owned(), json!(v))).collect();
    ui.result(|| format!("{}\nunset AWS_PROFILE AWS_SESSION_TOKEN", lines.join("\n")), &value);
    Ok(0)
}

/// The settings of every AWS SDK. The credentials are words, not secrets: the stand-in looks only whether there are any.
pub(super) fn exports(control_plane: &str, region: &Region) -> [(&'static str, String); 7] {
    [
        ("AWS_ENDPOINT_URL_IOT", control_plane.to_owned()),
        ("AWS_ENDPOINT_URL_IOT_DATA_PLANE", control_plane.to_owned()),
        ("AWS_REGION", region.to_string()),
        ("AWS_DEFAULT_REGION", region.to_string()),
        ("AWS_ACCESS_KEY_ID", "local".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
    ]
}
