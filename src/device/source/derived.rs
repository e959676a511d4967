//! Quantities that are calculated from measured ones.

use super::reading::{HUMIDITY, PRESSURE, Quantity, TEMPERATURE};
use crate::config::feeder::source::Calibration;

/// A quantity and what it is made of.
#[derive(Debug)]
pub struct Derived {
    /// What it is.
    pub quantity: Quantity,
    /// The measured quantities that it needs.
    pub(super) from: &'static [Quantity],
    needs_altitude: bool,
    calculate: fn(&[f64], f64) -> f64,
}

/// Every derived quantity.
pub static ALL: [Derived; 2] = [
    Derived {
        quantity: Quantity::known("dew_point", "Cel"),
        from: &[TEMPERATURE, HUMIDITY],
        needs_altitude: false,
        calculate: |from, _| dew_point(from[0], from[1]),
    },
    Derived {
        quantity: Quantity::known("sea_level_pressure", "Pa"),
        from: &[PRESSURE, TEMPERATURE],
        needs_altitude: true,
        calculate: |from, altitude| sea_level_pressure(from[0], from[1], altitude),
    },
];

impl Derived {
    /// Whether a source that measures `measured` has it.
    pub(super) fn is_possible(&self, measured: &[Quantity], calibration: &Calibration) -> bool {
        let has_altitude = calibration.altitude_m.is_some() || !self.needs_altitude;
        has_altitude && self.from.iter().all(|needed| measured.contains(needed))
    }

    /// Its value, if `measured` has what it needs and the result is a number.
    pub(super) fn value(&self, measured: impl Fn(&Quantity) -> Option<f64>, calibration: &Calibration) -> Option<f64> {
        let from: Vec<f64> = self.from.iter().map(measured).collect::<Option<_>>()?;
        let value = (self.calculate)(&from, calibration.altitude_m.unwrap_or(0.0));
        // More digits than the formulas are good for would only look like accuracy.
        Some((value * 100.0).round() / 100.0).filter(|value| value.is_finite())
    }
}

/// Dew point over water in degrees Celsius, from degrees Celsius and percent (Magnus formula; coefficients of Sonntag
/// 1990, as in WMO-No. 8, annex 4.B: good to 0.1 degrees between -45 and 60).
fn dew_point(celsius: f64, percent: f64) -> f64 {
    const A: f64 = 17.62;
    const B: f64 = 243.12;
    let gamma = (percent / 100.0).ln() + A * celsius / (B + celsius);
    B * gamma / (A - gamma)
}

/// Pressure at sea level in pascals, from pascals, degrees Celsius and metres: the barometric formula with the standard
/// lapse rate of 6.5 K a kilometre (DIN ISO 2533; DWD's reduction without the humidity term).
fn sea_level_pressure(pascals: f64, celsius: f64, altitude_m: f64) -> f64 {
    const LAPSE: f64 = 0.0065;
    const EXPONENT: f64 = 9.806_65 * 0.028_964_4 / (8.314_47 * LAPSE);
    let kelvin = celsius + 273.15;
    pascals * (1.0 + LAPSE * altitude_m / kelvin).powf(EXPONENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn near(found: f64, wanted: f64, within: f64) {
        assert!((found - wanted).abs() <= within, "{found}, not {wanted}");
    }

    #[test]
    fn the_dew_point_is_that_of_the_tables() {
        // Psychrometric tables; at 100 % it is the temperature itself.
        near(dew_point(20.0, 50.0), 9.3, 0.1);
        near(dew_point(30.0, 80.0), 26.2, 0.1);
        near(dew_point(0.0, 100.0), 0.0, 1e-9);
        near(dew_point(-10.0, 60.0), -16.2, 0.2);
    }

    #[test]
    fn without_any_humidity_there_is_no_dew_point() {
        let measured = |quantity: &Quantity| Some(if *quantity == HUMIDITY { 0.0 } else { 20.0 });
        assert_eq!(ALL[0].value(measured, &Calibration::default()), None);
    }

    #[test]
    fn the_standard_atmosphere_is_reduced_to_its_sea_level() {
        // ICAO standard atmosphere: 1,000 m, 89,874.6 Pa, 8.5 degrees; 0 m, 101,325 Pa.
        near(sea_level_pressure(89_874.6, 8.5, 1000.0), 101_325.0, 10.0);
        near(sea_level_pressure(101_325.0, 15.0, 0.0), 101_325.0, 1e-6);
    }
}
