//! Who looks after a feeder at work: keeps `health.json`, feeds the watchdog and answers scrapes.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::Args;
use time::OffsetDateTime;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::manager::Manager;
use super::reloading::Reloader;
use crate::config::environment;
use crate::config::feeder::FeederSettings;
use crate::config::feeder::clock::ClockTrust;
use crate::device::clock::Synchrony;
use crate::device::feeder::event::Event;
use crate::device::health::Health;
use crate::device::health::prometheus;
use crate::device::health::status::{About, State, Status};
use crate::device::health::store::{Memory, Store};
use crate::device::scrape::Scrape;
use crate::device::stream::Streams;
use crate::error::Result;
use crate::mqtt::Identity;
use crate::ui::Ui;

/// What others can see of it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Watching")]
pub(super) struct Watching {
    /// Answer Prometheus at this address of this machine, such as 127.0.0.1:9464 [default: not at all]
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,
    /// Where `iotctl health` looks [default: in memory, and health.json of the spool leads there]
    #[arg(long, value_name = "FILE")]
    health: Option<PathBuf>,
}

/// How overdue something may be before it counts as standing still, where no watchdog says so.
const PATIENCE: Duration = Duration::from_secs(60);

/// Looks after one feeder.
pub(super) struct Attendant {
    shared: Arc<Shared>,
    store: Option<Store>,
    scrape: Option<Scrape>,
    manager: Manager,
    reloader: Option<Reloader>,
}

/// What the feeder tells, for those who ask.
struct Shared {
    health: Mutex<Health>,
    about: About,
    trust: ClockTrust,
    started: Instant,
    news: Notify,
    /// The feeder went round for the first time.
    began: Notify,
}

impl Attendant {
    /// Gets ready, before the feeder starts; `kept` says whether its queue is on the disk.
    pub(super) async fn new(
        watching: &Watching,
        settings: &FeederSettings,
        identity: &Identity,
        streams: &Streams,
        spool: Option<&Path>,
    ) -> Result<Self> {
        let memory =
            Memory { service: environment::service_runtime_folder(), user: environment::user_runtime_folder() };
        let about = About {
            client_id: identity.client_id.to_string(),
            endpoint: identity.endpoint.to_string(),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            kept: spool.is_some(),
        };
        let manager = Manager::of_environment();
        let health = Mutex::new(Health::new(streams.rules(), manager.watchdog.unwrap_or(PATIENCE)));
        let (trust, news, began) = (settings.clock.clone(), Notify::new(), Notify::new());
        let shared = Shared { health, about, trust, started: Instant::now(), news, began };
        let scrape = match watching.metrics.or(settings.metrics) {
            Some(address) => Some(Scrape::bind(address).await?),
            None => None,
        };
        let store = Store::choose(watching.health.clone(), &memory, spool);
        Ok(Self { shared: Arc::new(shared), store, scrape, manager, reloader: None })
    }

    /// The same, and settings are read again when somebody asks for it.
    pub(super) fn with(self, reloader: Option<Reloader>) -> Self {
        Self { reloader, ..self }
    }

    /// Who is told every event.
    pub(super) fn listener(&self) -> impl Fn(&Event<'_>) + use<> {
        let shared = self.shared.clone();
        move |event| shared.observe(event)
    }

    /// Who is told that the feeder stops.
    pub(super) fn manager(&self) -> Manager {
        self.manager
    }

    /// Runs beside the feeder, and never ends by itself.
    pub(super) async fn attend(&mut self, ui: Ui) -> Infallible {
        if let Some(address) = self.scrape.as_ref().and_then(Scrape::address) {
            ui.say(&format!("metrics at http://{address}/metrics"));
        }
        let shared = self.shared.clone();
        let page = Arc::new(move || prometheus::text(&shared.status()));
        let serve = self.scrape.take().map(|scrape| scrape.serve(prometheus::CONTENT_TYPE, page));
        let serve = async {
            if let Some(serve) = serve {
                serve.await;
            }
        };
        let reload = self.reloader.take().map(|reloader| reloader.attend(self.manager, ui));
        let reload = async {
            if let Some(reload) = reload {
                reload.await;
            }
        };
        tokio::join!(self.keep_written(), self.keep_fed(), serve, reload);
        std::future::pending().await
    }

    /// Writes everything now and then, and at once what is news: two writes in a row, and then a rest.
    async fn keep_written(&self) {
        let Some(store) = &self.store else { return };
        let (mut complained, mut last, mut before_last) = (false, None::<Instant>, None::<Instant>);
        loop {
            if let Err(error) = store.write(&self.shared.status())
                && !std::mem::replace(&mut complained, true)
            {
                tracing::warn!("cannot say how the feeder is: {error}");
            }
            before_last = last.replace(Instant::now()).or(before_last);
            tokio::select! {
                () = tokio::time::sleep(store.every()) => {}
                () = self.shared.news.notified() => {}
            }
            if let Some(before_last) = before_last {
                tokio::time::sleep_until(before_last + store.every() / 5).await;
            }
        }
    }

    /// Feeds the watchdog while sensors and connection move, and not because this task does.
    async fn keep_fed(&self) {
        let Some(every) = self.manager.every() else { return };
        self.shared.began.notified().await;
        self.manager.ready();
        let mut said = String::new();
        loop {
            let status = self.shared.status();
            if status.stalled.is_none() {
                self.manager.feed();
            }
            let sentence = status.sentence();
            if sentence != said {
                self.manager.status(&sentence);
                said = sentence;
            }
            tokio::time::sleep(every).await;
        }
    }

    /// The last word, when the feeder has ended.
    pub(super) fn conclude(&self) {
        if let Some(store) = &self.store {
            // The complaint was made when the first write failed.
            let _ = store.write(&Status { state: State::Stopped, stalled: None, ..self.shared.status() });
        }
    }
}

impl Shared {
    fn observe(&self, event: &Event<'_>) {
        if matches!(event, Event::Turned(_)) {
            self.began.notify_one();
        }
        let is_news = self.health().observe(event, self.started.elapsed());
        if is_news {
            self.news.notify_one();
        }
    }

    fn health(&self) -> std::sync::MutexGuard<'_, Health> {
        // Counters cannot be left half written.
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn status(&self) -> Status {
        let now = OffsetDateTime::now_utc();
        let synchrony = Synchrony::of_this_machine(&self.trust, now);
        Status::of(&self.health(), &self.about, self.started.elapsed(), now, synchrony)
    }
}
