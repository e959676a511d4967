//! A simulated BME680: the real driver over a model of the chip's registers.
//!
//! No time passes: waiting moves the model's own clock. The temperature walks gently between 21 and 24 degrees
//! Celsius, always the same way for the same seed. Faults come by script, never by dice.

pub mod air;
pub mod bus;
pub mod chip;
pub mod walk;

use std::ops::Range;

use super::bme680::{Bme680, Heater};
use super::fault::ReadError;
use super::reading::{Reading, Source, Wanted};
use bus::SimBus;
use chip::Fault;
use walk::Walk;

/// The simulated sensor.
pub struct Sim {
    sensor: Bme680<SimBus>,
    bus: SimBus,
    walk: Walk,
    script: Vec<(Range<u64>, Fault)>,
    tick: u64,
}

impl Sim {
    /// A sensor without faults, whose readings depend on `seed` alone.
    pub fn new(seed: u64) -> Self {
        let bus = SimBus::default();
        let sensor = Bme680::new(bus.clone(), Some(Heater::TUTORIAL));
        Self { sensor, bus, walk: Walk::new(seed), script: Vec::new(), tick: 0 }
    }

    /// The same sensor with `fault` during `ticks`, counted from 0; each tick is one sample.
    pub fn with_fault(mut self, ticks: Range<u64>, fault: Fault) -> Self {
        self.script.push((ticks, fault));
        self
    }

    fn prepare(&self) {
        let fault = self.script.iter().find(|(ticks, _)| ticks.contains(&self.tick)).map(|(_, fault)| *fault);
        let mut chip = self.bus.chip();
        chip.set_air(self.walk.air(self.tick));
        chip.set_fault(fault);
    }
}

impl Source for Sim {
    fn origin(&self) -> &str {
        self.sensor.origin()
    }

    fn open(&mut self) -> Result<(), ReadError> {
        self.prepare();
        self.sensor.open().inspect_err(|_| self.tick += 1)
    }

    fn read(&mut self, wanted: Wanted<'_>) -> Result<Vec<Reading>, ReadError> {
        self.prepare();
        let readings = self.sensor.read(wanted);
        self.tick += 1;
        readings
    }
}
