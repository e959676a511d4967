//! A source whose values are set right, and to which derived quantities are added.

use super::derived::{self, Derived};
use super::fault::ReadError;
use super::reading::{Quantity, Reading, Source, Wanted};
use crate::config::feeder::source::Calibration;

/// A source and its calibration.
pub struct Calibrated {
    source: Box<dyn Source>,
    calibration: Calibration,
}

impl Calibrated {
    /// `source` with `calibration` on top.
    pub fn new(source: Box<dyn Source>, calibration: Calibration) -> Self {
        Self { source, calibration }
    }

    fn set_right(&self, reading: Reading) -> Reading {
        let Calibration { scale, offset, .. } = &self.calibration;
        let name = &*reading.quantity.name;
        let factor = scale.get(name).copied().unwrap_or(1.0);
        let added = offset.get(name).copied().unwrap_or(0.0);
        let value = match (scale.contains_key(name), offset.contains_key(name)) {
            (false, false) => reading.value,
            _ => reading.value.map(|value| without_noise(value * factor + added)),
        };
        Reading { value, ..reading }
    }
}

/// 21.58 - 1.5 is 20.08, and not 20.079999999999998: twelve digits are more than any sensor has.
pub(super) fn without_noise(value: f64) -> f64 {
    format!("{value:.11e}").parse().unwrap_or(value)
}

/// The derived quantities that somebody waits for.
fn wanted_derived(wanted: Wanted<'_>) -> impl Iterator<Item = &'static Derived> {
    derived::ALL.iter().filter(|derived| wanted(&derived.quantity.name))
}

impl Source for Calibrated {
    fn origin(&self) -> &str {
        self.source.origin()
    }

    fn open(&mut self) -> Result<(), ReadError> {
        self.source.open()
    }

    fn read(&mut self, wanted: Wanted<'_>) -> Result<Vec<Reading>, ReadError> {
        let needed = |name: &str| {
            wanted(name) || wanted_derived(wanted).any(|derived| derived.from.iter().any(|from| from.name == name))
        };
        let measured = self.source.read(&needed)?;
        let mut readings: Vec<_> = measured.into_iter().map(|reading| self.set_right(reading)).collect();
        let value = |quantity: &Quantity| {
            readings.iter().find(|reading| reading.quantity == *quantity).and_then(|reading| reading.value)
        };
        let derived = wanted_derived(wanted).map(|derived| {
            let value = derived.value(value, &self.calibration).map(without_noise);
            Reading { quantity: derived.quantity.clone(), value }
        });
        let derived: Vec<_> = derived.collect();
        readings.extend(derived);
        Ok(readings)
    }
}

#[cfg(test)]
mod tests {
    use super::super::reading::{HUMIDITY, TEMPERATURE, everything};
    use super::super::sim::Sim;
    use super::*;

    fn read(calibration: Calibration) -> Vec<(String, Option<f64>)> {
        let mut source = Calibrated::new(Box::new(Sim::new(7)), calibration);
        source.open().unwrap();
        let readings = source.read(&everything).unwrap();
        readings.into_iter().map(|reading| (reading.quantity.name.into_owned(), reading.value)).collect()
    }

    fn value(readings: &[(String, Option<f64>)], quantity: &Quantity) -> f64 {
        readings.iter().find(|(name, _)| *name == quantity.name).unwrap().1.unwrap()
    }

    #[test]
    fn an_offset_moves_one_quantity_and_what_is_derived_from_it() {
        let plain = read(Calibration::default());
        let offset = [("temperature".to_owned(), -1.5)].into();
        let moved = read(Calibration { offset, altitude_m: Some(120.0), ..Calibration::default() });
        let by = value(&plain, &TEMPERATURE) - value(&moved, &TEMPERATURE);
        assert!((by - 1.5).abs() < 1e-9, "{by}");
        assert_eq!(value(&plain, &HUMIDITY), value(&moved, &HUMIDITY));
        let dew = |readings| value(readings, &derived::ALL[0].quantity);
        assert!(dew(&plain) > dew(&moved) + 1.0, "the dew point follows the temperature");
        assert!(value(&moved, &derived::ALL[1].quantity) > 100_000.0);
    }

    #[test]
    fn a_sum_has_no_more_digits_than_its_parts() {
        assert_eq!(without_noise(21.58 - 1.5), 20.08);
        assert_eq!(without_noise(0.1 + 0.2), 0.3);
        assert_eq!(without_noise(-0.0), 0.0);
    }
}
