//! What is measured of ours, each in a process of its own: the feeder with its queues, and the client crate alone.

use std::io::Cursor;
use std::path::Path;
use std::time::Duration;

use iotctl::config::feeder::Timestamp;
use iotctl::config::feeder::clock::ClockTrust;
use iotctl::config::spool::{SpoolSettings, SyncPolicy};
use iotctl::device::clock::Clock;
use iotctl::device::feeder;
use iotctl::device::feeder::feed::Feed;
use iotctl::device::feeder::steering::Steering;
use iotctl::device::intake::{Intake, WAITING};
use iotctl::device::lines;
use iotctl::device::message::Form;
use iotctl::device::queue::{MemoryQueue, Queue};
use iotctl::device::session::Limits;
use iotctl::device::spool::Spool;
use iotctl::device::spool::files::Disk;
use iotctl::device::stream::Streams;
use iotctl::mqtt::{Identity, Qos, Settings};
use iotctl::names::DataEndpoint;
use iotctl::pki::key::PrivateKey;
use iotctl::pki::tls;
use rumqttc::{AsyncClient, Broker, Event, MqttOptions, Packet, PublishOptions, QoS, TlsConfiguration, Transport};
use tokio::sync::mpsc;

/// The size of a reading's message, and a bit.
pub(crate) const PAYLOAD: usize = 200;
pub(crate) const TOPIC: &str = "sensors/pump-7/temperature";

/// Publishes so many messages and ends when all are acknowledged; `name` says by which means.
pub(crate) fn run(name: &str, port: u16, messages: u64, certificates: &Path, spool: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let identity = identity(port, certificates);
    let grouped = SyncPolicy::Grouped(Duration::from_millis(200));
    runtime.block_on(async {
        match name {
            "rumqttc" => alone(identity, messages).await,
            "memory" => feed(identity, messages, &mut MemoryQueue::default()).await,
            "grouped" => feed(identity, messages, &mut queue(spool, grouped)).await,
            "every" => feed(identity, messages, &mut queue(spool, SyncPolicy::Every)).await,
            other => panic!("there is no contender `{other}`"),
        }
    });
}

/// A queue on the disk.
pub(crate) fn queue(folder: &Path, sync: SyncPolicy) -> Spool<Disk> {
    Spool::open(Disk::take(folder).unwrap(), SpoolSettings { sync, ..SpoolSettings::default() }, 1)
}

fn identity(port: u16, folder: &Path) -> Identity {
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let key = PrivateKey::from_pem("device.key", &read("device.key")).unwrap();
    Identity {
        endpoint: DataEndpoint { host: "localhost".to_owned(), port },
        client_id: "pump-7".parse().unwrap(),
        tls: tls::client_config(&read("ca.pem"), &read("device.pem"), &key).unwrap(),
        proxy: None,
    }
}

/// As `iotctl run --stdin`, but for the cap that keeps a connection below what AWS takes: 100 publishes a second.
async fn feed(identity: Identity, messages: u64, queue: &mut impl Queue) {
    let feed = Feed {
        identity,
        topic: TOPIC.parse().unwrap(),
        form: Form { timestamp: Timestamp::default(), epoch: None },
        qos: Qos::AtLeastOnce,
        settings: Settings::default(),
        limits: Limits { rate: 1e9, burst: 1e9, ..Limits::default() },
        gives_up: true,
        dead_letters: None,
        steering: Steering::default(),
        reloads: None,
        clock: Clock::of_this_machine(ClockTrust::Auto),
    };
    let (sink, inputs) = mpsc::channel(WAITING);
    let text = format!("{}\n", "x".repeat(PAYLOAD)).repeat(usize::try_from(messages).unwrap());
    lines::read(Cursor::new(text), sink).unwrap();
    let intake = Intake::new(inputs, Vec::new());
    let never = std::future::pending();
    let summary = feeder::run(feed, intake, Streams::default(), queue, || 0.0, &mut |_| (), never).await.unwrap();
    assert_eq!((summary.published, summary.reconnects), (messages, 0), "{summary:?}");
}

/// The client crate with nothing around it: messages that die with the process.
async fn alone(identity: Identity, messages: u64) {
    let Identity { endpoint, client_id, tls, .. } = identity;
    let mut options = MqttOptions::new(client_id.as_str(), Broker::tcp(endpoint.host.as_str(), endpoint.port));
    options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls)));
    options.set_inflight(100);
    let (client, mut events) = AsyncClient::builder(options).capacity(100).build();
    tokio::spawn(async move {
        for _ in 0..messages {
            let at_least_once = PublishOptions::new(QoS::AtLeastOnce);
            client.publish(TOPIC, vec![b'x'; PAYLOAD], at_least_once).await.unwrap();
        }
        std::future::pending::<()>().await;
    });
    let mut acknowledged = 0;
    while acknowledged < messages {
        acknowledged += u64::from(matches!(events.poll().await.unwrap(), Event::Incoming(Packet::PubAck(_))));
    }
}
