//! The air around the simulated chip, and the raw words that a chip with real calibration would measure in it.

use bme68x::compensation::{compensate_gas_low, compensate_humidity, compensate_pressure, compensate_temperature};
use bme68x::{CALIBRATION_DATA_LEN, CalibrationData, RawMeasurement};

/// The calibration of a real sensor (T1 25942, T2 26664, T3 3, P1 37439, ..., the set in the tests of the crate
/// `bosch-bme680`), as its registers hold it: blocks 0x8A.., 0xE1.. and 0x00.. in a row.
pub const CALIBRATION: [u8; CALIBRATION_DATA_LEN] = [
    0x28, 0x68, 0x03, 0x00, 0x3f, 0x92, 0xb4, 0xd7, 0x58, 0x00, 0xed, 0x28, 0xcc, 0xfe, 0x3e, 0x1e, 0x00, 0x00, 0xd8,
    0xeb, 0xe0, 0xf9, 0x1e, 0x3d, 0xd1, 0x37, 0x00, 0x2d, 0x14, 0x78, 0x9c, 0x56, 0x65, 0x7c, 0xdc, 0xbb, 0x12, 0x1e,
    0x00, 0x10, 0x00, 0x00,
];

/// Words between which pressure falls steadily, from over 1100 hPa to under 300: outside, the formula wraps around.
const PRESSURE_WORDS: std::ops::Range<u32> = 210_000..870_000;
/// Likewise for humidity: from 0 to 100 %.
const HUMIDITY_WORDS: std::ops::Range<u32> = 0..50_000;

/// What is to be measured, in the units of the chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Air {
    /// Temperature in 0.01 degrees Celsius.
    pub centidegrees: i16,
    /// Pressure in pascals, 30,000 to 110,000.
    pub pascals: u32,
    /// Relative humidity in 0.001 percent.
    pub millipercent: u32,
    /// Gas resistance in ohms.
    pub ohms: u32,
}

impl Air {
    /// The words that the formulas of the driver turn back into this air.
    ///
    /// Temperature comes back exactly (31 words share each hundredth of a degree), the others within a step of theirs.
    pub fn words(&self) -> RawMeasurement {
        let mut calibration = CalibrationData::from_register_bytes(&CALIBRATION);
        let temperature_adc =
            first(0..0x10_0000, |word| compensate_temperature(word, &mut calibration) >= self.centidegrees);
        // Pressure and humidity are compensated by the temperature that was computed last.
        let _ = compensate_temperature(temperature_adc, &mut calibration);
        let pressure_adc = first(PRESSURE_WORDS, |word| compensate_pressure(word, &calibration) <= self.pascals);
        let humidity = |word| compensate_humidity(u16::try_from(word).unwrap_or(u16::MAX), &calibration);
        let humidity_adc = first(HUMIDITY_WORDS, |word| humidity(word) >= self.millipercent);
        let (gas_resistance_adc, gas_range) = self.gas(&calibration);
        let humidity_adc = u16::try_from(humidity_adc).unwrap_or(u16::MAX);
        RawMeasurement { temperature_adc, pressure_adc, humidity_adc, gas_resistance_adc, gas_range }
    }

    /// The word and the range, of 16, that come nearest.
    fn gas(&self, calibration: &CalibrationData) -> (u16, u8) {
        let ohms = |word, range| compensate_gas_low(u16::try_from(word).unwrap_or(0x3ff), range, calibration);
        (0..16)
            .map(|range| (first(0..0x400, |word| ohms(word, range) <= self.ohms), range))
            .min_by_key(|&(word, range)| ohms(word, range).abs_diff(self.ohms))
            .map_or((0, 0), |(word, range)| (u16::try_from(word).unwrap_or(0x3ff), range))
    }
}

/// The first word of `words` for which `holds`, by bisection; the last where it never does.
fn first(words: std::ops::Range<u32>, mut holds: impl FnMut(u32) -> bool) -> u32 {
    let (mut low, mut high) = (words.start, words.end - 1);
    while low < high {
        let middle = low.midpoint(high);
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Readings of a real sensor, as the tests of the crate `bosch-bme680` list them, by Bosch's float formulas:
    /// (word, result). The integer build may differ by 0.01 degC.
    #[test]
    fn the_calibration_gives_what_its_real_sensor_gave() {
        let mut calibration = CalibrationData::from_register_bytes(&CALIBRATION);
        for (word, celsius) in [(482_062, 21.295_866), (482_452, 21.419_861), (482_060, 21.295_231)] {
            let centi = f64::from(compensate_temperature(word, &mut calibration));
            assert!((centi / 100.0 - celsius).abs() <= 0.01, "{word}: {centi}");
        }
    }

    #[test]
    fn the_words_of_any_air_turn_back_into_it() {
        for (centidegrees, pascals, millipercent, ohms) in
            [(2158, 101_325, 45_000, 120_000), (-4000, 30_000, 10_000, 500), (8500, 110_000, 90_000, 9_000_000)]
        {
            let words = Air { centidegrees, pascals, millipercent, ohms }.words();
            let mut calibration = CalibrationData::from_register_bytes(&CALIBRATION);
            let found = bme68x::compensation::compensate(words, bme68x::Variant::GasLow, &mut calibration);
            assert_eq!(found.temperature, centidegrees);
            assert!(found.pressure.abs_diff(pascals) <= 4, "{found:?}");
            assert!(found.humidity.abs_diff(millipercent) <= 24, "{found:?}");
            assert!(found.gas_resistance.abs_diff(ohms) <= ohms / 300, "{found:?}");
        }
    }
}
