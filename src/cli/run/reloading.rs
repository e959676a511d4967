//! SIGHUP: feeder.toml anew, all of it or nothing.

use std::path::PathBuf;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

use super::manager::Manager;
use crate::bundle::atomic;
use crate::config::feeder::{FeederSettings, frozen};
use crate::device::feeder::reloading::{Reload, Reloads};
use crate::device::stream::{Rule, reload};
use crate::error::{Error, Result};
use crate::ui::Ui;

/// Reads settings and makes rules of them, with the flags on top.
pub(super) type Read = Box<dyn Fn() -> Result<(FeederSettings, Vec<Rule>)>>;

/// Waits for SIGHUP.
pub(super) struct Reloader {
    file: PathBuf,
    read: Read,
    hangups: Signal,
    sender: mpsc::Sender<Reload>,
    /// What is in force.
    text: String,
    settings: FeederSettings,
    rules: Vec<Rule>,
}

impl Reloader {
    /// Listens from now on, with these settings and rules in force; the receiver is for the feeder.
    pub(super) fn new(
        file: PathBuf,
        read: Read,
        settings: FeederSettings,
        rules: Vec<Rule>,
    ) -> Result<(Self, Reloads)> {
        let hangups =
            signal(SignalKind::hangup()).map_err(|e| Error::failed("cannot listen for signals").because(e))?;
        let (sender, reloads) = mpsc::channel(1);
        let text = atomic::read(&file)?;
        Ok((Self { file, read, hangups, sender, text, settings, rules }, reloads))
    }

    /// Runs beside the feeder, and never ends by itself.
    pub(super) async fn attend(mut self, manager: Manager, ui: Ui) {
        while self.hangups.recv().await.is_some() {
            manager.reloading();
            let shown = self.file.display().to_string();
            match self.reload().await {
                Ok(0) => ui.say(&format!("`{shown}` asks for nothing new")),
                Ok(changed) => ui.done(&format!("`{shown}` is in force: {changed} streams are changed")),
                Err(error) => {
                    let hints = error.hints().iter().map(|hint| format!("\n  hint: {hint}")).collect::<String>();
                    ui.warn(&format!("`{shown}` is not in force, and nothing was changed: {error}{hints}"));
                }
            }
            manager.ready();
        }
        std::future::pending().await
    }

    /// How many streams are others now.
    async fn reload(&mut self) -> Result<usize> {
        let text = atomic::read(&self.file)?;
        let (settings, rules) = (self.read)()?;
        let fixed = frozen::differences((&self.settings, &self.text), (&settings, &text));
        if !fixed.is_empty() {
            return Err(reload::needs_restart(&fixed));
        }
        let change = reload::change(&self.rules, &rules)?;
        let changed = change.streams.len();
        if changed > 0 {
            let (answer, answered) = oneshot::channel();
            let ended = || Error::failed("the feeder is at its end");
            self.sender.send(Reload { change, answer }).await.map_err(|_| ended())?;
            answered.await.unwrap_or_else(|_| Err(ended()))?;
        }
        (self.text, self.settings, self.rules) = (text, settings, rules);
        Ok(changed)
    }
}
