//! The feeder as a systemd service: the unit, what systemd is told, what the journal gets.
//!
//! systemd itself is not run here: the tests hold its socket, and `systemd-analyze` reads the unit.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

#[path = "world/broker.rs"]
mod broker;
#[path = "world/world.rs"]
mod world;

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use broker::Broker;
use iotctl::bundle::folder::Folder;
use iotctl::bundle::manifest::{KeyOrigin, Manifest};
use world::{run, sealed};

/// systemd's end of the socket.
struct Systemd {
    socket: UnixDatagram,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Systemd {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self { socket, path, _folder: folder }
    }

    /// Starts a feeder as a service whose watchdog bites after `watchdog` ms.
    fn start(&self, command: &mut Command, watchdog: u64) -> Service {
        let command = command.env("NOTIFY_SOCKET", &self.path).env("WATCHDOG_USEC", (watchdog * 1000).to_string());
        Service(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// The next thing that it is told.
    fn next(&self) -> Option<String> {
        let mut buffer = [0; 4096];
        let count = self.socket.recv(&mut buffer).ok()?;
        Some(String::from_utf8(buffer[..count].to_vec()).unwrap())
    }

    /// Everything up to what was waited for, that included.
    fn until(&self, mut wanted: impl FnMut(&str) -> bool) -> Vec<String> {
        let mut told = Vec::new();
        while let Some(next) = self.next() {
            let done = wanted(&next);
            told.push(next);
            if done {
                return told;
            }
        }
        panic!("never told; only {told:?}");
    }
}

/// A feeder, killed when it is dropped.
struct Service(Child);

impl Service {
    fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.0.id().to_string()]).status().unwrap().success());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn nobody() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn systemd_hears_ready_the_watchdog_the_state_and_the_end() {
    let Some(broker) = Broker::start("systemd_hears_ready") else { return };
    let systemd = Systemd::new();
    let mut service = systemd.start(&mut broker.feeder(broker.port(), &["--interval", "20ms"]), 30_000);
    assert_eq!(systemd.next().as_deref(), Some("READY=1\n"));
    assert_eq!(systemd.next().as_deref(), Some("WATCHDOG=1\n"));
    let told = systemd.until(|line| line.starts_with("STATUS=online; "));
    assert!(told.last().unwrap().contains(" published, "), "{told:?}");
    service.signal("-TERM");
    systemd.until(|line| line == "STOPPING=1\n");
    assert_eq!(service.0.wait().unwrap().code(), Some(143));
}

#[test]
fn a_feeder_that_is_offline_is_fed_because_its_connection_backs_off_in_time() {
    let Some(broker) = Broker::start("a_feeder_that_is_offline_is_fed") else { return };
    let systemd = Systemd::new();
    let _service = systemd.start(&mut broker.feeder(nobody(), &["--interval", "20ms"]), 300);
    let mut fed = 0;
    let told = systemd.until(|line| {
        fed += usize::from(line == "WATCHDOG=1\n");
        fed == 30
    });
    assert!(told.iter().any(|line| line.starts_with("STATUS=offline: cannot reach `localhost:")), "{told:?}");
}

#[test]
fn a_sensor_that_is_not_read_any_more_starves_the_watchdog() {
    let Some(broker) = Broker::start("a_sensor_that_is_not_read") else { return };
    let (systemd, folder) = (Systemd::new(), tempfile::tempdir().unwrap());
    // A pipe that nobody writes to: whoever opens it waits for ever, as on a bus that hangs.
    assert!(Command::new("mkfifo").arg(folder.path().join("level")).status().unwrap().success());
    let file = folder.path().join("feeder.toml");
    let table = "topic = \"sensors/pump-7/level\"\n[source.tank]\nkind = \"file\"\n";
    fs::write(&file, format!("{table}path = {:?}\n", folder.path().join("level").display().to_string())).unwrap();
    let flags = ["--config", file.to_str().unwrap(), "--interval", "20ms"];
    let _service = systemd.start(&mut broker.device(broker.port(), &flags), 600);
    let told = systemd.until(|line| line.contains("the sensor of `value` has not been read for"));
    assert!(told.iter().any(|line| line == "WATCHDOG=1\n"), "it was fed before: {told:?}");
    systemd.socket.set_read_timeout(Some(Duration::from_millis(1800))).unwrap();
    let mut behind = std::iter::from_fn(|| systemd.next()).take(20);
    assert_eq!(behind.find(|line| line == "WATCHDOG=1\n"), None, "and then no more");
}

const STREAMS: &str = "topic = \"sensors/pump-7/{{ stream }}\"\ninterval = \"20ms\"\n[source.air]\nkind = \"sim\"\n\
    [stream.temperature]\n[stream.humidity]\nenabled = false\n";

#[test]
fn sighup_puts_new_settings_in_force_whole_or_not_at_all() {
    let Some(broker) = Broker::start("sighup_puts_new_settings") else { return };
    let (systemd, witness, folder) = (Systemd::new(), broker.witness(), tempfile::tempdir().unwrap());
    let file = folder.path().join("feeder.toml");
    fs::write(&file, STREAMS).unwrap();
    let mut command = broker.device(broker.port(), &["--config", file.to_str().unwrap()]);
    command.env("NOTIFY_SOCKET", &systemd.path).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut service = Service(command.spawn().unwrap());
    let mut talk = BufReader::new(service.0.stderr.take().unwrap()).lines().map_while(Result::ok);
    let mut says = |wanted: &str| talk.find(|line| line.contains(wanted)).unwrap_or_else(|| panic!("never: {wanted}"));
    systemd.until(|line| line == "READY=1\n");
    let of = |unit: &'static str| move |seen: &[serde_json::Value]| seen.iter().any(|message| message["unit"] == unit);
    assert!(!of("%RH")(&witness.messages(of("Cel"))), "humidity is not enabled");

    fs::write(&file, STREAMS.replace("enabled = false", "interval = \"30ms\"")).unwrap();
    service.signal("-HUP");
    says("feeder.toml` is in force: 1 streams are changed");
    let told = systemd.until(|line| line == "READY=1\n");
    assert!(told.iter().any(|line| line.starts_with("RELOADING=1\nMONOTONIC_USEC=")), "{told:?}");
    witness.messages(of("%RH"));

    for (text, wanted) in [
        (format!("qos = 0\n{STREAMS}"), "nothing was changed: `qos` needs a restart"),
        (STREAMS.replace("{{ stream }}", "x/{{ stream }}"), "nothing was changed: `topic` needs a restart"),
        (STREAMS.replace("20ms", "soon"), "line 2, `interval`: `soon` is not a duration"),
        (
            STREAMS.replace("[stream.temperature]", "[stream.pressure]"),
            "`stream.pressure`, `stream.temperature` need a restart",
        ),
        (STREAMS.replace("20ms", "30h"), "is not between 0.01 and 86400 s"),
    ] {
        fs::write(&file, text).unwrap();
        service.signal("-HUP");
        says(wanted);
        systemd.until(|line| line == "READY=1\n");
    }
    fs::write(&file, STREAMS.replace("enabled = false", "interval = \"30ms\"")).unwrap();
    service.signal("-HUP");
    says("asks for nothing new");
}

/// A bundle that is enough for a unit; nobody connects with it.
fn bundle(folder: &Path, thing: &str) {
    let path = folder.join("certs").join(thing);
    fs::create_dir_all(&path).unwrap();
    let mut manifest = Manifest::pending(thing.parse().unwrap(), KeyOrigin::Local);
    manifest.topics = vec!["sensors/pump-7/temperature".parse().unwrap()];
    Folder::new(&path).write_manifest(&manifest).unwrap();
}

const PROGRAM: [&str; 2] = ["--program", "/usr/local/bin/iotctl"];

fn analyze(suite: &str) -> bool {
    let there = Command::new("systemd-analyze").arg("--version").stdout(Stdio::null()).status().is_ok();
    there || {
        assert!(!world::peers(suite), "`systemd-analyze` is missing: `./test` installs it");
        false
    }
}

#[test]
fn systemd_analyze_finds_the_unit_sound_and_its_exposure_2_at_most() {
    if !analyze("systemd_analyze_finds_the_unit_sound") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    bundle(folder.path(), "pump-7");
    for (name, sensor) in [("chip", ""), ("files", "[source.a]\nkind = \"w1\"\ndevice = \"28-0\"\n")] {
        fs::write(folder.path().join("certs/pump-7/feeder.toml"), format!("topic = \"t\"\n{sensor}")).unwrap();
        // A program that exists, so that `verify` can look at it.
        let said = run(&mut sealed(folder.path(), &["service", "print", "--program", "/bin/true"]));
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        assert_eq!(said.stdout.contains("PrivateDevices=yes"), name == "files", "{}", said.stdout);
        fs::write(folder.path().join("iotctl-pump-7.service"), &said.stdout).unwrap();
        let threshold = ["security", "--offline=yes", "--threshold=20", "--no-pager", "./iotctl-pump-7.service"];
        let said = run(Command::new("systemd-analyze").args(threshold).current_dir(folder.path()));
        assert_eq!(said.code, Some(0), "{}\n{}", said.stdout, said.stderr);
        assert!(said.stdout.contains("Overall exposure level for iotctl-pump-7.service: 1."), "{}", said.stdout);
        let verify = ["verify", "--man=no", "./iotctl-pump-7.service"];
        let said = run(Command::new("systemd-analyze").args(verify).current_dir(folder.path()));
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{}", said.stdout);
    }
}

#[test]
fn install_writes_unit_and_settings_says_what_to_type_and_changes_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    bundle(folder.path(), "pump-7");
    let arguments = [&["service", "install", "--root", "image", "-o", "json"], &PROGRAM[..]].concat();
    let first = run(&mut sealed(folder.path(), &arguments));
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    let unit = folder.path().join("image/etc/systemd/system/iotctl-pump-7.service");
    let settings = folder.path().join("image/etc/iotctl-pump-7/feeder.toml");
    let text = fs::read_to_string(&unit).unwrap();
    let key = folder.path().canonicalize().unwrap().join("certs/pump-7/device.key.pem");
    assert!(text.contains(&format!("LoadCredential=device.key.pem:{}\n", key.display())), "{text}");
    assert!(text.contains("DeviceAllow=/dev/i2c-1 rw\n"), "{text}");
    assert!(fs::read_to_string(&settings).unwrap().contains("topic = \"sensors/pump-7/temperature\""));
    assert!(first.stdout.contains("sudo systemctl enable --now iotctl-pump-7"), "{}", first.stdout);

    fs::write(&settings, "topic = \"mine\"\nsensor = \"sim\"\n").unwrap();
    let again = run(&mut sealed(folder.path(), &arguments));
    assert!(again.code == Some(0) && again.stdout.contains("\"changed\": false"), "{}", again.stdout);
    assert!(again.stderr.contains("feeder.toml stays as it is"), "{}", again.stderr);
    assert_eq!(fs::read_to_string(&settings).unwrap(), "topic = \"mine\"\nsensor = \"sim\"\n");
}

#[test]
fn a_program_that_the_service_could_not_see_and_a_folder_that_is_not_ours_are_refused_with_what_to_type() {
    let folder = tempfile::tempdir().unwrap();
    bundle(folder.path(), "pump-7");
    let home = ["service", "install", "--root", "image", "--program", "/home/pi/.cargo/bin/iotctl"];
    let said = run(&mut sealed(folder.path(), &home));
    assert_eq!(said.code, Some(78), "{}", said.stderr);
    let cure = "hint: sudo install -m 755 /home/pi/.cargo/bin/iotctl /usr/local/bin/iotctl";
    assert!(said.stderr.contains(cure) && !folder.path().join("image").exists(), "{}", said.stderr);

    fs::write(folder.path().join("file"), "").unwrap();
    let arguments = [&["service", "install", "--root", "file"], &PROGRAM[..]].concat();
    let said = run(&mut sealed(folder.path(), &arguments));
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    assert!(said.stderr.contains("hint: as root: sudo /usr/local/bin/iotctl service install"), "{}", said.stderr);
}

#[test]
fn a_key_as_systemd_hands_it_to_a_service_is_taken() {
    let Some(broker) = Broker::start("a_key_as_systemd_hands_it") else { return };
    let mut command = broker.feeder(broker.port(), &["--interval", "5ms", "--count", "1"]);
    let folder = command.get_current_dir().unwrap().to_owned();
    let key = ["device.key.pem", "device.key"].iter().map(|name| folder.join(name)).find(|path| path.exists()).unwrap();
    let meta = fs::metadata(&key).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o440)).unwrap();
    let said = run(&mut command);
    // Only root's own file can be such a one.
    let wanted = if (meta.uid(), meta.gid()) == (0, 0) { 0 } else { 78 };
    assert_eq!(said.code, Some(wanted), "{}", said.stderr);
}

#[test]
fn lines_for_the_journal_have_their_priority_and_others_have_none() {
    let Some(broker) = Broker::start("lines_for_the_journal") else { return };
    let folder = tempfile::tempdir().unwrap();
    for is_journal in [true, false] {
        let path = folder.path().join("stderr");
        let file = fs::File::create(&path).unwrap();
        let meta = file.metadata().unwrap();
        let inode = if is_journal { meta.ino() } else { meta.ino() + 1 };
        let mut command = broker.device(nobody(), &["--interval", "20ms", "--bus", "/dev/none", "-t", "sensors/x"]);
        command.env("JOURNAL_STREAM", format!("{}:{inode}", meta.dev()));
        let mut child = Service(command.stdout(Stdio::null()).stderr(file).spawn().unwrap());
        let text = loop {
            assert!(child.0.try_wait().unwrap().is_none(), "{}", fs::read_to_string(&path).unwrap());
            let text = fs::read_to_string(&path).unwrap();
            if text.contains("next attempt in") && text.contains("hint:") && text.contains("cannot read the") {
                break text;
            }
            std::thread::yield_now();
        };
        child.signal("-TERM");
        child.0.wait().unwrap();
        let marked =
            BufReader::new(text.as_bytes()).lines().map(Result::unwrap).filter(|l| l.starts_with("<4>")).count();
        assert_eq!(marked, if is_journal { text.lines().count() } else { 0 }, "{text}");
    }
}
