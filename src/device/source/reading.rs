//! What a source is and what it yields: quantities, readings, samples, and the tally over them.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::fault::ReadError;
use crate::device::clock::Stamp;

/// Something that measures, on any bus.
pub trait Source: Send {
    /// Name of the device, such as `BME680`; the origin of a message starts with it.
    fn origin(&self) -> &str;

    /// Makes the source ready, from any state: before the first read, and again after every failed one.
    ///
    /// # Errors
    /// The device is not there or does not answer as it should. A later call may succeed.
    fn open(&mut self) -> Result<(), ReadError>;

    /// Measures once, at least what is `wanted`. Blocks until the result is there, or until it is clear that there will
    /// be none.
    ///
    /// # Errors
    /// There is no value that could be vouched for; [`Source::open`] before the next read.
    fn read(&mut self, wanted: Wanted<'_>) -> Result<Vec<Reading>, ReadError>;
}

/// Which quantities somebody waits for, by name.
pub type Wanted<'a> = &'a dyn Fn(&str) -> bool;

/// Everything that a source has.
pub fn everything(_: &str) -> bool {
    true
}

/// What is measured, and its unit as SenML spells it (RFC 8428, section 12.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Quantity {
    /// Name, such as `temperature`.
    pub name: Cow<'static, str>,
    /// Unit, such as `Cel`; empty for a bare number.
    pub unit: Cow<'static, str>,
}

impl Quantity {
    /// A quantity that the program knows.
    pub const fn known(name: &'static str, unit: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), unit: Cow::Borrowed(unit) }
    }
}

/// Temperature in degrees Celsius.
pub const TEMPERATURE: Quantity = Quantity::known("temperature", "Cel");
/// Air pressure in pascals.
pub const PRESSURE: Quantity = Quantity::known("pressure", "Pa");
/// Relative humidity in percent.
pub const HUMIDITY: Quantity = Quantity::known("humidity", "%RH");
/// Resistance of the gas sensor's hot plate in ohms.
pub const GAS_RESISTANCE: Quantity = Quantity::known("gas_resistance", "Ohm");

/// One value of one quantity.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// What was measured.
    pub quantity: Quantity,
    /// The value; `None` where the source cannot vouch for one now, such as gas before the heater is stable.
    pub value: Option<f64>,
}

/// What one tick brought: readings, or why there are none.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The streams that it was taken for, by their place.
    pub due: Vec<usize>,
    /// When the measurement began, by the clock on the wall.
    pub taken_at: Stamp,
    /// The same since the sampler started, by a clock that never jumps.
    pub elapsed: Duration,
    /// Name of the device.
    pub origin: Arc<str>,
    /// Ticks that were missed since the sample before, because a read or the receiver was slow.
    pub skipped: u64,
    /// The readings, or what went wrong.
    pub outcome: Result<Vec<Reading>, ReadError>,
}

impl Sample {
    /// The value of `quantity`, where it was measured and is a finite number.
    pub fn value(&self, quantity: &Quantity) -> Option<f64> {
        let readings = self.outcome.as_ref().ok()?;
        readings.iter().find(|reading| reading.quantity == *quantity)?.value.filter(|value| value.is_finite())
    }
}

/// How the samples were so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Samples, good and failed.
    pub samples: u64,
    /// Samples without readings.
    pub failed: u64,
    /// Failed samples whose reason was a brown-out of the sensor.
    pub brown_outs: u64,
    /// Ticks without a sample.
    pub skipped: u64,
}

impl Tally {
    /// Counts `sample`.
    pub fn count(&mut self, sample: &Sample) {
        self.samples += 1;
        self.skipped = self.skipped.saturating_add(sample.skipped);
        if let Err(error) = &sample.outcome {
            self.failed += 1;
            self.brown_outs += u64::from(*error == ReadError::BrownOut);
        }
    }
}
