//! Sensors, behind one seam that lies above the buses: a [`Source`] yields readings, whatever wire it hangs on.
//!
//! [`open`] makes one by its settings, [`sampler`] runs it on a thread of its own, because I2C calls block.

pub mod agenda;
pub mod bme680;
pub mod calibrated;
pub mod csv;
pub mod derived;
pub mod fault;
pub mod files;
pub mod i2c;
pub mod modbus;
pub mod reading;
pub mod sampler;
pub mod schedule;
pub mod sim;

use bme680::{Bme680, Heater};
use calibrated::Calibrated;
use csv::Csv;
use files::Files;
use i2c::LinuxBus;
use modbus::Modbus;
use reading::{GAS_RESISTANCE, HUMIDITY, PRESSURE, Quantity, Source, TEMPERATURE};
use sim::Sim;

use crate::config::feeder::source::{SourceKind, SourceSettings};

/// Everything that a source of these settings can measure, derived quantities last.
pub fn quantities(settings: &SourceSettings) -> Vec<Quantity> {
    let mut all = match &settings.kind {
        SourceKind::Bme680 { .. } | SourceKind::Sim => vec![TEMPERATURE, PRESSURE, HUMIDITY, GAS_RESISTANCE],
        SourceKind::Files(settings) => files::quantities(settings),
        SourceKind::Csv(settings) => csv::quantities(settings),
        SourceKind::Modbus(settings) => modbus::quantities(settings),
    };
    let derived = derived::ALL.iter().filter(|derived| derived.is_possible(&all, &settings.calibration));
    all.extend(derived.map(|derived| derived.quantity.clone()).collect::<Vec<_>>());
    all
}

/// The source of these settings, for streams that want these quantities; a simulated one has the air of `seed`.
///
/// Nothing is touched yet: its first read opens it, so a feeder starts without its sensor.
pub fn open(settings: &SourceSettings, wants: impl Fn(&str) -> bool, seed: u64) -> Box<dyn Source> {
    // The gas heater warms what the thermometer measures.
    let heater = wants(&GAS_RESISTANCE.name).then_some(Heater::TUTORIAL);
    let source: Box<dyn Source> = match &settings.kind {
        SourceKind::Bme680 { bus } => Box::new(Bme680::new(LinuxBus::new(bus.clone()), heater)),
        SourceKind::Sim => Box::new(Sim::new(seed)),
        SourceKind::Files(settings) => Box::new(Files::new(settings.clone())),
        SourceKind::Csv(settings) => Box::new(Csv::new(settings.clone())),
        SourceKind::Modbus(settings) => Box::new(Modbus::new(settings.clone())),
    };
    Box::new(Calibrated::new(source, settings.calibration.clone()))
}
