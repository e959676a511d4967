//! The bus to the simulated chip, and the clock they share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::{Error, ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation};

use super::super::fault::ReadError;
use super::super::i2c::Connect;
use super::air::Air;
use super::chip::{Chip, Nak};

/// A handle to the chip, by which it can be read, waited for and tampered with.
#[derive(Debug, Clone)]
pub struct SimBus(Arc<Mutex<Chip>>);

impl SimBus {
    /// A bus with `chip` on it.
    pub fn new(chip: Chip) -> Self {
        Self(Arc::new(Mutex::new(chip)))
    }

    /// The chip. A panic of somebody who held it before leaves it usable: its registers are only numbers.
    pub fn chip(&self) -> MutexGuard<'_, Chip> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for SimBus {
    /// A chip at 0x76 in ordinary air.
    fn default() -> Self {
        let air = Air { centidegrees: 2158, pascals: 101_325, millipercent: 45_000, ohms: 120_000 };
        Self::new(Chip::new(0x76, air))
    }
}

impl Connect for SimBus {
    type Bus = Self;
    type Delay = Self;

    fn name(&self) -> &str {
        "simulated"
    }

    fn connect(&mut self, _address: u8) -> Result<Self, ReadError> {
        Ok(self.clone())
    }

    fn delay(&self) -> Self {
        self.clone()
    }
}

impl DelayNs for SimBus {
    fn delay_ns(&mut self, ns: u32) {
        self.chip().wait(Duration::from_nanos(ns.into()));
    }

    fn delay_us(&mut self, us: u32) {
        self.chip().wait(Duration::from_micros(us.into()));
    }
}

impl Error for Nak {
    fn kind(&self) -> ErrorKind {
        ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address)
    }
}

impl ErrorType for SimBus {
    type Error = Nak;
}

impl I2c for SimBus {
    /// Each operation is a message of its own, as `linux-embedded-hal` sends them: two writes are not joined.
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), Nak> {
        let mut chip = self.chip();
        operations.iter_mut().try_for_each(|operation| match operation {
            Operation::Write(message) => chip.write(address, message),
            Operation::Read(message) => chip.read(address, message),
        })
    }
}
