//! What a source is and what it yields: quantities, readings, samples, and the tally over them.

use std::sync::Arc;

use time::OffsetDateTime;

use super::fault::ReadError;

/// Something that measures, on any bus.
pub trait Source: Send {
    /// Name of the device, such as `BME680`; the origin of a message starts with it.
    fn origin(&self) -> &str;

    /// Makes the source ready, from any state: before the first read, and again after every failed one.
    ///
    /// # Errors
    /// The device is not there or does not answer as it should. A later call may succeed.
    fn open(&mut self) -> Result<(), ReadError>;

    /// Measures once. Blocks until the result is there, or until it is clear that there will be none.
    ///
    /// # Errors
    /// There is no value that could be vouched for; [`Source::open`] before the next read.
    fn read(&mut self) -> Result<Vec<Reading>, ReadError>;
}

/// What is measured, and its unit as SenML spells it (RFC 8428, section 12.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quantity {
    /// Name, such as `temperature`.
    pub name: &'static str,
    /// Unit, such as `Cel`.
    pub unit: &'static str,
}

/// Temperature in degrees Celsius.
pub const TEMPERATURE: Quantity = Quantity { name: "temperature", unit: "Cel" };
/// Air pressure in pascals.
pub const PRESSURE: Quantity = Quantity { name: "pressure", unit: "Pa" };
/// Relative humidity in percent.
pub const HUMIDITY: Quantity = Quantity { name: "humidity", unit: "%RH" };
/// Resistance of the gas sensor's hot plate in ohms.
pub const GAS_RESISTANCE: Quantity = Quantity { name: "gas_resistance", unit: "Ohm" };

/// One value of one quantity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// What was measured.
    pub quantity: Quantity,
    /// The value; `None` where the source cannot vouch for one now, such as gas before the heater is stable.
    pub value: Option<f64>,
}

/// What one tick brought: readings, or why there are none.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// When the measurement began.
    pub taken_at: OffsetDateTime,
    /// Name of the device.
    pub origin: Arc<str>,
    /// Ticks that were missed since the sample before, because a read or the receiver was slow.
    pub skipped: u64,
    /// The readings, or what went wrong.
    pub outcome: Result<Vec<Reading>, ReadError>,
}

impl Sample {
    /// The value of `quantity`, where it was measured and is a finite number.
    pub fn value(&self, quantity: Quantity) -> Option<f64> {
        let readings = self.outcome.as_ref().ok()?;
        readings.iter().find(|reading| reading.quantity == quantity)?.value.filter(|value| value.is_finite())
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
