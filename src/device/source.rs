//! Sensors, behind one seam that lies above the buses: a [`Source`] yields readings, whatever wire it hangs on.
//!
//! [`open`] makes one by kind, [`sampler`] runs it on a thread of its own, because I2C calls block.

pub mod bme680;
pub mod fault;
pub mod i2c;
pub mod reading;
pub mod sampler;
pub mod schedule;
pub mod sim;

use std::path::PathBuf;

use bme680::{Bme680, Heater};
use i2c::LinuxBus;
use reading::Source;
use sim::Sim;

/// Which sensor, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SensorKind {
    /// A BME680 on a Linux I2C bus.
    Bme680 {
        /// The bus, such as `/dev/i2c-1`.
        bus: PathBuf,
        /// The gas heater; without it there is no gas reading, and a read takes 40 ms instead of 190.
        heater: Option<Heater>,
    },
    /// A simulated BME680 under the same driver.
    Sim {
        /// The same seed gives the same readings.
        seed: u64,
    },
}

/// The sensor of `kind`. Nothing is touched yet: its first read opens it, so a feeder starts without its sensor.
pub fn open(kind: SensorKind) -> Box<dyn Source> {
    match kind {
        SensorKind::Bme680 { bus, heater } => Box::new(Bme680::new(LinuxBus::new(bus), heater)),
        SensorKind::Sim { seed } => Box::new(Sim::new(seed)),
    }
}
