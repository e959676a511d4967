//! `iotctl demo`

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;
use tokio::process::{Child, Command};
use tokio::sync::broadcast;

use super::local::exports;
use super::signals;
use crate::error::{Error, Kind, Result};
use crate::local::decisions::Record;
use crate::local::{Local, Options};
use crate::names::Region;
use crate::ui::{Format, Ui};

/// The device of the demo, and a topic that is not its own.
const THING: &str = "demo-sensor";
const FORBIDDEN_TOPIC: &str = "sensors/another-device/temperature";
/// Three readings a second.
const INTERVAL: &str = "333ms";
/// Readings before the forbidden publish, where nobody says how many there are to be.
const FIRST: u64 = 10;
/// How long a program that is told to stop may take.
const GRACE: Duration = Duration::from_secs(6);

/// See the whole journey on an AWS IoT Core of its own; no account needed
///
/// Starts the embedded cloud, provisions a device, and lets a simulated BME680 publish three readings a second: each is
/// shown when the broker has decided it by policy and acknowledged it. Then the device tries something that its policy
/// forbids, and the denial is explained. Everything happens in a temporary folder; nothing is left behind.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  iotctl demo
  iotctl demo --count 20
")]
pub(super) struct Demo {
    /// End after so many readings [default: go on until Ctrl-C]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
}

pub(super) async fn run(arguments: Demo, ui: Ui) -> Result<u8> {
    let stop = signals::stop()?;
    let started = Instant::now();
    let folder = tempfile::Builder::new().prefix("iotctl-demo-").tempdir();
    let folder = folder.map_err(|e| Error::failed("cannot make a temporary folder").because(e))?;
    let region: Region = "us-east-1".parse()?;
    let account = "123456789012".parse()?;
    let local =
        Local::start(Options { http_port: 0, mqtt_port: 0, account, region: region.clone(), decision_log: None })
            .await?;
    let stage = Stage { local: &local, region, folder: folder.path(), ui };
    let outcome = tokio::select! {
        played = stage.play(arguments.count, started) => played.map(|()| 0),
        stopped = stop => Ok(stopped.exit_code()),
    };
    local.stop().await;
    outcome
}

/// Where the demo plays.
struct Stage<'a> {
    local: &'a Local,
    region: Region,
    folder: &'a Path,
    ui: Ui,
}

impl Stage<'_> {
    async fn play(&self, count: Option<u64>, started: Instant) -> Result<()> {
        let cloud_up = started.elapsed();
        self.introduce();
        self.ui.heading("The device");
        self.must(&["provision", "--thing", THING]).await?;
        let provisioned = started.elapsed();
        self.ui.heading("Its readings");
        let readings = count.unwrap_or(FIRST);
        self.must(&self.feeder(&readings.to_string())).await?;
        let read = started.elapsed();
        self.ui.heading("What its policy forbids");
        self.forbidden().await?;
        self.account_for(readings, [cloud_up, provisioned, read, started.elapsed()]);
        match count {
            Some(_) => Ok(()),
            None => self.go_on().await,
        }
    }

    fn introduce(&self) {
        let Self { local, ui, .. } = self;
        ui.heading("The cloud");
        ui.say("an AWS IoT Core on this machine alone; nothing leaves it, nothing stays");
        ui.say(&format!("  control plane  {}", local.control_plane()));
        ui.say(&format!("  broker         localhost:{} (MQTT over mutual TLS)", local.mqtt_port()));
    }

    /// Runs `iotctl run` for so many readings.
    fn feeder<'a>(&self, count: &'a str) -> [&'a str; 7] {
        ["run", "--sensor", "sim", "--interval", INTERVAL, "--count", count]
    }

    /// More readings, until somebody stops it.
    async fn go_on(&self) -> Result<()> {
        self.ui.heading("And so on, until Ctrl-C");
        self.must(&["run", "--sensor", "sim", "--interval", INTERVAL]).await
    }

    /// Lets the device publish to a topic that is not its own: that must be exit code 5, and the broker must say why.
    async fn forbidden(&self) -> Result<()> {
        let mut records = self.local.records();
        let code = self.iotctl(&["pub", FORBIDDEN_TOPIC, "not mine"]).await?;
        if code != i32::from(Kind::Denied.exit_code()) {
            return Err(Error::failed(format!("the forbidden publish ended with exit code {code}, not with 5")));
        }
        let denial = tokio::time::timeout(GRACE, denial(&mut records)).await;
        let denial = denial.map_err(|_| Error::failed("the broker recorded no denial"))??;
        self.ui.heading("AWS would keep silent about the reason; this broker says it");
        self.ui.log(|| denial.summary(), &denial, true);
        Ok(())
    }

    fn account_for(&self, readings: u64, [cloud, provisioned, read, all]: [Duration; 4]) {
        let seconds = |time: Duration| format!("{:.2} s", time.as_secs_f64());
        let text = || {
            format!(
                "\n{readings} readings acknowledged. Where the time went: cloud up {}, device provisioned {}, readings \
                 {} (three a second), forbidden publish {}",
                seconds(cloud),
                seconds(provisioned.saturating_sub(cloud)),
                seconds(read.saturating_sub(provisioned)),
                seconds(all.saturating_sub(read)),
            )
        };
        let value = json!({"event": "done", "thing": THING, "acknowledged": readings, "seconds": all.as_secs_f64()});
        self.ui.log(text, &value, true);
    }

    /// Runs a command that must succeed.
    async fn must(&self, arguments: &[&str]) -> Result<()> {
        match self.iotctl(arguments).await? {
            0 => Ok(()),
            code => Err(Error::failed(format!("`iotctl {}` ended with exit code {code}", arguments.join(" ")))),
        }
    }

    /// Shows a command and runs it: the same program, as a person would type it, with the stand-in's settings.
    async fn iotctl(&self, arguments: &[&str]) -> Result<i32> {
        self.ui.say(&format!("$ iotctl {}", shown(arguments)));
        let cannot = |e: std::io::Error| Error::failed("cannot run this program again").because(e);
        let program = std::env::current_exe().map_err(cannot)?;
        let mut command = Command::new(program);
        command.args(arguments).args(self.format()).current_dir(self.folder).stdin(Stdio::null());
        command.envs(exports(self.local.control_plane(), &self.region));
        command.env_remove("AWS_PROFILE").env_remove("AWS_SESSION_TOKEN").kill_on_drop(true);
        let mut child: Child = command.spawn().map_err(cannot)?;
        let status = child.wait().await.map_err(cannot)?;
        Ok(status.code().unwrap_or(-1))
    }

    /// Data of the children in the form of ours.
    fn format(&self) -> [&'static str; 2] {
        match self.ui.format() {
            Format::Text => ["-o", "text"],
            Format::Json | Format::Ndjson => ["-o", "ndjson"],
        }
    }
}

/// The next denial of a publish.
async fn denial(records: &mut broadcast::Receiver<Record>) -> Result<Record> {
    loop {
        match records.recv().await {
            Ok(record) if record.is_refusal() && record.decision.is_some() => return Ok(record),
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(error) => return Err(Error::failed("the broker has ended").because(error)),
        }
    }
}

fn shown(arguments: &[&str]) -> String {
    let quoted = |word: &&str| if word.contains(' ') { format!("'{word}'") } else { (*word).to_owned() };
    arguments.iter().map(quoted).collect::<Vec<_>>().join(" ")
}
