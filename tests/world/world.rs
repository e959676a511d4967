//! The sealed world of the tests: an `iotctl local` of its own, a folder of its own, no environment but what it says.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part of the world")]

pub mod proxy;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// A folder, and a stand-in that stops when it is dropped.
pub struct World {
    pub folder: tempfile::TempDir,
    local: Child,
    /// Address of the control plane, `127.0.0.1:PORT`.
    pub control_plane: String,
    /// Port of the message broker on localhost.
    pub mqtt_port: u16,
}

/// What a finished program said.
#[must_use = "a run that nobody checks proves nothing"]
pub struct Said {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl World {
    /// Starts a stand-in on free ports and waits until it is ready.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut local = sealed(folder.path(), &["local", "--http-port", "0", "--mqtt-port", "0", "-o", "ndjson"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(local.stdout.take().unwrap()).lines();
        let ready: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        // The pipe must be read, or the stand-in would stop at a full one.
        std::thread::spawn(move || lines.for_each(drop));
        let control_plane = ready["control_plane"].as_str().unwrap().trim_start_matches("http://").to_owned();
        let mqtt_port = ready["mqtt_port"].as_u64().unwrap().try_into().unwrap();
        Self { folder, local, control_plane, mqtt_port }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The `iotctl` under test, aimed at this stand-in.
    pub fn iotctl(&self, arguments: &[&str]) -> Command {
        self.iotctl_at(&format!("http://{}", self.control_plane), arguments)
    }

    /// The same, aimed at another address.
    pub fn iotctl_at(&self, endpoint_url: &str, arguments: &[&str]) -> Command {
        let mut command = sealed(self.path(), arguments);
        command
            .env("AWS_ENDPOINT_URL_IOT", endpoint_url)
            .env("AWS_ENDPOINT_URL_IOT_DATA_PLANE", endpoint_url)
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test");
        command
    }

    /// Provisions a thing and returns the answer.
    pub fn provision(&self, arguments: &[&str]) -> Value {
        let mut all = vec!["provision", "-o", "json"];
        all.extend(arguments);
        let said = run(&mut self.iotctl(&all));
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        serde_json::from_str(&said.stdout).unwrap()
    }

    /// A call of the control plane, as any AWS SDK would send it.
    pub fn call(&self, method: &str, path: &str, headers: &str, body: &str) -> (u16, Value) {
        let signed = format!("Host: {}\r\nAuthorization: AWS4-HMAC-SHA256 test\r\n{headers}", self.control_plane);
        let (status, _, body) = self.exchange(method, path, &signed, body);
        (status, body)
    }

    /// A request with these headers and no others: status, head and body of the answer.
    pub fn exchange(&self, method: &str, path: &str, headers: &str, body: &str) -> (u16, String, Value) {
        let mut stream = TcpStream::connect(&self.control_plane).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n{headers}\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_owned(), serde_json::from_str(body).unwrap_or(Value::Null))
    }

    pub fn bundle(&self, thing: &str) -> PathBuf {
        self.path().join("certs").join(thing)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.local.kill();
        let _ = self.local.wait();
    }
}

/// The program under test in `folder`, with an environment that holds nothing.
pub fn sealed(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_iotctl"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(Stdio::null());
    command
}

/// Runs a program to its end.
pub fn run(command: &mut Command) -> Said {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
}

#[allow(clippy::print_stderr, reason = "a suite that is skipped must be heard of")]
/// Whether the suites that need a foreign peer run here; if not, it says so by name.
pub fn peers(suite: &str) -> bool {
    let wanted = std::env::var_os("IOTCTL_PEERS").is_some();
    if !wanted {
        eprintln!("\n*** SKIPPED {suite}: it needs foreign peers; `./test` installs them and runs it\n");
    }
    wanted
}
