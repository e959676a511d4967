//! Modbus devices to ask: servers of the client's own crate, a peer that says what it is told to, and pymodbus.
#![allow(dead_code, unreachable_pub, reason = "each test uses its part of it")]

use std::future::{Ready, ready};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use tokio::runtime::{Builder, Runtime};
use tokio_modbus::prelude::{ExceptionCode, Request, Response, SlaveRequest};
use tokio_modbus::server::tcp::{Server, accept_tcp_connection};
use tokio_modbus::server::{Service, rtu};
use tokio_serial::{SerialPort, SerialStream};

/// What was asked: unit, function code, address, count.
pub type Asked = (u8, u8, u16, u16);

/// Registers 0..=99 hold ten times their address and, behind those, there is nothing; unit 9 never answers.
#[derive(Clone, Default)]
pub struct Device {
    pub log: Arc<Mutex<Vec<Asked>>>,
}

impl Service for Device {
    type Request = SlaveRequest<'static>;
    type Response = Option<Response>;
    type Exception = ExceptionCode;
    type Future = Ready<Result<Option<Response>, ExceptionCode>>;

    fn call(&self, asked: SlaveRequest<'static>) -> Self::Future {
        let (address, count) = match asked.request {
            Request::ReadCoils(address, count) | Request::ReadDiscreteInputs(address, count) => (address, count),
            Request::ReadHoldingRegisters(address, count) | Request::ReadInputRegisters(address, count) => {
                (address, count)
            }
            _ => return ready(Err(ExceptionCode::IllegalFunction)),
        };
        self.log.lock().unwrap().push((asked.slave, asked.request.function_code().value(), address, count));
        let span = address..address.saturating_add(count);
        let words = span.clone().map(|address| address * 10).collect();
        let bits = span.clone().map(|address| address % 2 == 1).collect();
        ready(match asked.request {
            _ if asked.slave == 9 => Ok(None),
            _ if span.end > 100 => Err(ExceptionCode::IllegalDataAddress),
            Request::ReadCoils(..) => Ok(Some(Response::ReadCoils(bits))),
            Request::ReadDiscreteInputs(..) => Ok(Some(Response::ReadDiscreteInputs(bits))),
            Request::ReadHoldingRegisters(..) => Ok(Some(Response::ReadHoldingRegisters(words))),
            _ => Ok(Some(Response::ReadInputRegisters(words))),
        })
    }
}

/// A server at work; dropping it hangs up on everybody.
pub struct Serving {
    pub address: String,
    pub device: Device,
    runtime: Runtime,
    /// Keeps the far end of a serial line in being.
    _end: Option<SerialStream>,
}

pub fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

pub fn over_tcp(at: &str) -> Serving {
    let (runtime, device) = (runtime(), Device::default());
    let listener = runtime.block_on(tokio::net::TcpListener::bind(at)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let service = device.clone();
    runtime.spawn(async move {
        let accept = |stream, from: SocketAddr| {
            let service = service.clone();
            async move { accept_tcp_connection(stream, from, |_| Ok(Some(service.clone()))) }
        };
        Server::new(listener).serve(&accept, |_| {}).await
    });
    Serving { address, device, runtime, _end: None }
}

pub fn over_serial() -> Serving {
    let (runtime, device) = (runtime(), Device::default());
    let inside = runtime.enter();
    let (near, far) = SerialStream::pair().unwrap();
    drop(inside);
    runtime.spawn(rtu::Server::new(near).serve_forever(device.clone()));
    Serving { address: far.name().unwrap(), device, runtime, _end: Some(far) }
}

/// A peer that takes each request of 12 bytes and answers with the next of `answers`; without one it hangs up.
pub fn parrot(answers: Vec<Vec<u8>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let mut answers = answers.into_iter();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 12];
            while stream.read_exact(&mut request).is_ok() {
                let Some(answer) = answers.next() else { break };
                stream.write_all(&answer).unwrap();
            }
        }
    });
    address
}

/// `tests/peers/modbus_device.py` at work.
pub struct Pymodbus {
    pub address: String,
    child: Child,
}

impl Pymodbus {
    pub fn start(kind: &str) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/modbus_device.py");
        let mut command = Command::new("python3");
        command.args([script, kind]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = if kind == "tcp" { format!("127.0.0.1:{}", line.trim()) } else { line.trim().to_owned() };
        Self { address, child }
    }
}

impl Drop for Pymodbus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
