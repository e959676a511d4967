//! The line to Modbus devices: made when it is needed, thrown away when it is not sure what comes next on it.
//!
//! A sampler has a thread of its own and blocks; the client is async, so the line has a small runtime of its own.

use std::io;
use std::net::ToSocketAddrs;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_modbus::client::{Client, Context, rtu, tcp};
use tokio_modbus::prelude::{ExceptionCode, Request, Response, Slave, SlaveContext};
use tokio_serial::{ClearBuffer, SerialPort, SerialStream};

use super::groups::Group;
use super::patience::Patience;
use crate::config::feeder::modbus::{Link, Parity, Table};
use crate::device::source::fault::ReadError;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Fault {
    /// The device refuses; the line is in order.
    Refused(ExceptionCode),
    /// This device is silent, or says what nobody asked; others may answer.
    Unit(ReadError),
    /// There is no line.
    Line(ReadError),
}

/// A line, which may stand.
pub(super) struct Line {
    link: Link,
    timeout: Duration,
    context: Option<Context>,
    patience: Patience,
    /// Why there was no line the last time.
    trouble: Option<ReadError>,
    /// Outlives the context, whose socket is registered with it.
    runtime: Option<Runtime>,
}

impl Line {
    /// A line that is not made yet.
    pub(super) fn new(link: Link, timeout: Duration) -> Self {
        Self { link, timeout, context: None, patience: Patience::default(), trouble: None, runtime: None }
    }

    /// `host:port`, or the device file.
    pub(super) fn address(&self) -> &str {
        match &self.link {
            Link::Tcp { address } => address,
            Link::Serial { device, .. } => device,
        }
    }

    /// Makes the line if it does not stand, but not again and again.
    pub(super) fn make(&mut self, now: Instant) -> Result<(), ReadError> {
        if self.context.is_some() {
            return Ok(());
        }
        if let Some(trouble) = self.trouble.as_ref().filter(|_| !self.patience.is_over(now)) {
            return Err(trouble.clone());
        }
        let made = self.connect();
        let made = made.map_err(|error| ReadError::NoLine { address: self.address().into(), cause: error.to_string() });
        match made {
            Ok(context) => {
                self.patience.succeeded();
                self.trouble = None;
                self.context = Some(context);
                Ok(())
            }
            Err(error) => {
                self.patience.failed(now);
                self.trouble = Some(error.clone());
                Err(error)
            }
        }
    }

    fn connect(&mut self) -> io::Result<Context> {
        let runtime = match self.runtime.take() {
            Some(runtime) => runtime,
            None => Builder::new_current_thread().enable_all().build()?,
        };
        let runtime = self.runtime.insert(runtime);
        let _inside = runtime.enter();
        match &self.link {
            Link::Tcp { address } => Ok(tcp::attach(connect(address, self.timeout)?)),
            Link::Serial { device, baud_rate, parity, stop_bits } => {
                Ok(rtu::attach(open(device, *baud_rate, *parity, *stop_bits)?))
            }
        }
    }

    /// Asks for the registers of a group; bits are words of 0 and 1.
    pub(super) fn ask(&mut self, group: &Group<'_>) -> Result<Vec<u16>, Fault> {
        let was_standing = self.context.is_some();
        match self.try_once(group) {
            // Many devices hang up on whoever is silent for a while; that is no fault.
            Err(Failure::HungUp(_)) if was_standing => self.try_once(group),
            outcome => outcome,
        }
        .map_err(|failure| self.fault(group, failure))
    }

    fn try_once(&mut self, group: &Group<'_>) -> Result<Vec<u16>, Failure> {
        self.make(Instant::now()).map_err(Failure::NoLine)?;
        let outcome = self.exchange(group);
        if !matches!(outcome, Ok(_) | Err(Failure::Refused(_))) {
            // An answer that comes late would be taken for that of the next request: on a serial line it has no number.
            self.context = None;
        }
        outcome
    }

    fn exchange(&mut self, group: &Group<'_>) -> Result<Vec<u16>, Failure> {
        self.keep_silence();
        let (Some(context), Some(runtime)) = (&mut self.context, &self.runtime) else { return Err(Failure::Silence) };
        context.set_slave(Slave(group.unit_id));
        let answer = runtime.block_on(async { timeout(self.timeout, context.call(request(group))).await });
        match answer {
            Err(_) => Err(Failure::Silence),
            Ok(Ok(Err(exception))) => Err(Failure::Refused(exception)),
            Ok(Ok(Ok(response))) => {
                words(group, response).ok_or_else(|| Failure::Nonsense("its length is wrong".into()))
            }
            Ok(Err(tokio_modbus::Error::Protocol(error))) => Err(Failure::Nonsense(error.to_string())),
            Ok(Err(tokio_modbus::Error::Transport(error))) if error.kind() == io::ErrorKind::InvalidData => {
                Err(Failure::Nonsense(error.to_string()))
            }
            Ok(Err(tokio_modbus::Error::Transport(error))) => Err(Failure::HungUp(error)),
        }
    }

    /// Between two frames on a serial line there is the time of 3.5 characters, and 1.75 ms at least (MODBUS over Serial
    /// Line V1.02, section 2.5.1.1).
    fn keep_silence(&self) {
        if let Link::Serial { baud_rate, .. } = self.link {
            let characters = Duration::from_secs_f64(3.5 * 11.0 / f64::from(baud_rate.max(1)));
            std::thread::sleep(characters.max(Duration::from_micros(1750)));
        }
    }

    fn fault(&self, group: &Group<'_>, failure: Failure) -> Fault {
        let address = self.address().to_owned();
        match failure {
            Failure::NoLine(error) => Fault::Line(error),
            Failure::HungUp(error) => Fault::Line(ReadError::NoLine { address, cause: format!("it hung up: {error}") }),
            Failure::Refused(exception) => Fault::Refused(exception),
            Failure::Silence => Fault::Unit(ReadError::Silent { address, unit_id: group.unit_id }),
            Failure::Nonsense(text) => {
                let text = text.chars().take(120).collect::<String>();
                Fault::Unit(ReadError::Nonsense(format!("unit {} at `{address}`: {text}", group.unit_id)))
            }
        }
    }
}

/// How an exchange can end otherwise than well.
enum Failure {
    NoLine(ReadError),
    HungUp(io::Error),
    Silence,
    Nonsense(String),
    Refused(ExceptionCode),
}

fn request(group: &Group<'_>) -> Request<'static> {
    let Group { table, address, count, .. } = *group;
    match table {
        Table::Coils => Request::ReadCoils(address, count),
        Table::DiscreteInputs => Request::ReadDiscreteInputs(address, count),
        Table::HoldingRegisters => Request::ReadHoldingRegisters(address, count),
        Table::InputRegisters => Request::ReadInputRegisters(address, count),
    }
}

/// The words of an answer; bits come in whole bytes, so there may be more of them than asked for.
fn words(group: &Group<'_>, response: Response) -> Option<Vec<u16>> {
    let count = usize::from(group.count);
    match response {
        Response::ReadCoils(bits) | Response::ReadDiscreteInputs(bits) => {
            let words: Vec<u16> = bits.into_iter().take(count).map(u16::from).collect();
            (words.len() == count).then_some(words)
        }
        Response::ReadHoldingRegisters(words) | Response::ReadInputRegisters(words) => {
            (words.len() == count).then_some(words)
        }
        _ => None,
    }
}

fn connect(address: &str, patience: Duration) -> io::Result<tokio::net::TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in address.to_socket_addrs()? {
        match std::net::TcpStream::connect_timeout(&address, patience) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_nonblocking(true)?;
                return tokio::net::TcpStream::from_std(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn open(device: &str, baud_rate: u32, parity: Parity, stop_bits: u8) -> io::Result<SerialStream> {
    let parity = match parity {
        Parity::Even => tokio_serial::Parity::Even,
        Parity::Odd => tokio_serial::Parity::Odd,
        Parity::None => tokio_serial::Parity::None,
    };
    let stop_bits = if stop_bits == 2 { tokio_serial::StopBits::Two } else { tokio_serial::StopBits::One };
    let builder = tokio_serial::new(device, baud_rate).parity(parity).stop_bits(stop_bits);
    let stream = SerialStream::open(&builder)?;
    stream.clear(ClearBuffer::Input)?;
    Ok(stream)
}
