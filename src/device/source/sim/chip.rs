//! A BME680 as its registers behave (BME680 datasheet, section 5): reset, forced mode, conversion time, data.

use std::time::Duration;

use super::air::{Air, CALIBRATION};

const CHIP_ID: u8 = 0xd0;
const VARIANT: u8 = 0xf0;
const RESET: u8 = 0xe0;
const RESET_COMMAND: u8 = 0xb6;
const FIELD: u8 = 0x1d;
const RES_HEAT: u8 = 0x5a;
const GAS_WAIT: u8 = 0x64;
const CTRL_GAS_0: u8 = 0x70;
const CTRL_GAS_1: u8 = 0x71;
const CTRL_HUM: u8 = 0x72;
const CTRL_MEAS: u8 = 0x74;
/// Registers that can be written, the reset command apart.
const CONTROL: std::ops::RangeInclusive<u8> = 0x50..=0x75;
/// Where the three blocks of calibration begin, and how long they are.
const CALIBRATION_BLOCKS: [(u8, usize); 3] = [(0x8a, 23), (0xe1, 14), (0x00, 5)];

const MODE: u8 = 0b11;
const FORCED: u8 = 0b01;
const NEW_DATA: u8 = 0x80;
const MEASURING: u8 = 0x20;
const RUN_GAS: u8 = 0x10;
const HEATER_OFF: u8 = 0x08;
const GAS_VALID: u8 = 0x20;
const HEATER_STABLE: u8 = 0x10;
/// A data field after a reset: no data, and the words 0x80000, 0x80000 and 0x8000.
const EMPTY_FIELD: [u8; 10] = [0, 0, 0x80, 0, 0, 0x80, 0, 0, 0x80, 0];

/// What is wrong with the chip or its wires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nobody acknowledges: the sensor is unplugged.
    Nak,
    /// Every read gives 0xFF: a bus glitch.
    AllOnes,
    /// The supply fails for a moment after the settings were written.
    BrownOut,
    /// A conversion that begins does not end.
    NeverEnds,
}

/// The answer that did not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nobody acknowledges (simulated)")]
pub struct Nak;

/// The chip.
#[derive(Debug)]
pub struct Chip {
    address: u8,
    registers: [u8; 256],
    pointer: u8,
    now: Duration,
    /// When the running conversion ends.
    due: Option<Duration>,
    measurement: u8,
    air: Air,
    fault: Option<Fault>,
}

impl Chip {
    /// A chip that was just powered, at the seven-bit `address`.
    pub fn new(address: u8, air: Air) -> Self {
        let mut chip = Self {
            address,
            registers: [0; 256],
            pointer: 0,
            now: Duration::ZERO,
            due: None,
            measurement: 0,
            air,
            fault: None,
        };
        let mut rest = CALIBRATION.as_slice();
        for (register, length) in CALIBRATION_BLOCKS {
            let (block, after) = rest.split_at(length.min(rest.len()));
            chip.put(register, block);
            rest = after;
        }
        chip.put(CHIP_ID, &[0x61]);
        chip.put(VARIANT, &[0]);
        chip.reset();
        chip
    }

    /// The next conversion measures `air`.
    pub fn set_air(&mut self, air: Air) {
        self.air = air;
    }

    /// From now on the chip has this fault, or none. A brown-out happens now, and again on the next call.
    pub fn set_fault(&mut self, fault: Option<Fault>) {
        self.fault = fault;
        if fault == Some(Fault::BrownOut) {
            self.reset();
        }
    }

    /// Lets time pass.
    pub fn wait(&mut self, time: Duration) {
        self.now += time;
        if self.fault != Some(Fault::NeverEnds) && self.due.is_some_and(|due| due <= self.now) {
            self.finish();
        }
    }

    /// One write message: register and value in turn; a single byte at the end selects a register to read from.
    ///
    /// # Errors
    /// Nobody is there.
    pub fn write(&mut self, address: u8, message: &[u8]) -> Result<(), Nak> {
        self.acknowledge(address)?;
        for pair in message.chunks(2) {
            match *pair {
                [register, value] => self.set(register, value),
                [register] => self.pointer = register,
                _ => {}
            }
        }
        Ok(())
    }

    /// One read message, from the selected register upwards.
    ///
    /// # Errors
    /// Nobody is there.
    pub fn read(&mut self, address: u8, message: &mut [u8]) -> Result<(), Nak> {
        self.acknowledge(address)?;
        for byte in message {
            *byte = if self.fault == Some(Fault::AllOnes) { 0xff } else { self.get(self.pointer) };
            self.pointer = self.pointer.wrapping_add(1);
        }
        Ok(())
    }

    fn acknowledge(&self, address: u8) -> Result<(), Nak> {
        if address == self.address && self.fault != Some(Fault::Nak) { Ok(()) } else { Err(Nak) }
    }

    fn get(&self, register: u8) -> u8 {
        self.registers[usize::from(register)]
    }

    fn put(&mut self, register: u8, values: &[u8]) {
        for (target, value) in self.registers.iter_mut().skip(register.into()).zip(values) {
            *target = *value;
        }
    }

    fn set(&mut self, register: u8, value: u8) {
        match register {
            _ if self.fault == Some(Fault::AllOnes) => {}
            RESET if value == RESET_COMMAND => self.reset(),
            CTRL_MEAS => self.set_mode(value),
            _ if CONTROL.contains(&register) => self.put(register, &[value]),
            _ => {}
        }
    }

    fn reset(&mut self) {
        self.due = None;
        for register in CONTROL {
            self.put(register, &[0]);
        }
        self.put(FIELD, &[0; 17]);
        self.put(FIELD, &EMPTY_FIELD);
    }

    fn set_mode(&mut self, value: u8) {
        self.put(CTRL_MEAS, &[value]);
        self.due = None;
        if value & MODE == FORCED {
            self.put(FIELD, &[MEASURING]);
            self.due = Some(self.now + self.conversion());
        }
    }

    fn heats(&self) -> bool {
        self.get(CTRL_GAS_1) & RUN_GAS != 0 && self.get(CTRL_GAS_0) & HEATER_OFF == 0
    }

    /// Samples of temperature, pressure and humidity, by their oversampling settings; 0 is "skipped".
    fn samples(&self) -> [u32; 3] {
        let samples = |code: u8| if code == 0 { 0 } else { 1 << (code.min(5) - 1) };
        let measure = self.get(CTRL_MEAS);
        [samples(measure >> 5), samples(measure >> 2 & 0b111), samples(self.get(CTRL_HUM) & 0b111)]
    }

    /// 1963 us per sample, nine switching steps of 477 us, 1 ms to wake up, then the heater (Bosch SensorAPI v4.4.8).
    fn conversion(&self) -> Duration {
        let samples: u32 = self.samples().iter().sum();
        let wait = self.get(GAS_WAIT);
        let heating = if self.heats() { u64::from(wait & 0x3f) << (2 * (wait >> 6)) } else { 0 };
        Duration::from_micros(u64::from(samples) * 1963 + 9 * 477 + 1000) + Duration::from_millis(heating)
    }

    fn finish(&mut self) {
        self.due = None;
        let words = self.air.words();
        let [temperature, pressure, humidity] = self.samples();
        let mut field = EMPTY_FIELD;
        if pressure > 0 {
            field[2..5].copy_from_slice(&word_bytes(words.pressure_adc));
        }
        if temperature > 0 {
            field[5..8].copy_from_slice(&word_bytes(words.temperature_adc));
        }
        if humidity > 0 {
            field[8..10].copy_from_slice(&words.humidity_adc.to_be_bytes());
        }
        self.measurement = self.measurement.wrapping_add(1);
        field[0] = NEW_DATA;
        field[1] = self.measurement;
        self.put(FIELD, &field);
        self.put(FIELD + 13, &self.gas_bytes(words.gas_resistance_adc, words.gas_range));
        let asleep = self.get(CTRL_MEAS) & !MODE;
        self.put(CTRL_MEAS, &[asleep]);
    }

    fn gas_bytes(&self, word: u16, range: u8) -> [u8; 2] {
        if !self.heats() {
            return [0, 0];
        }
        let [high, low] = (word << 6).to_be_bytes();
        let stable = if self.get(RES_HEAT) > 0 { HEATER_STABLE } else { 0 };
        [high, low | GAS_VALID | stable | range]
    }
}

/// The 20 bits of `word`, from the left, in three bytes.
fn word_bytes(word: u32) -> [u8; 3] {
    let [_, high, middle, low] = (word << 4).to_be_bytes();
    [high, middle, low]
}

#[cfg(test)]
mod tests {
    use super::*;

    const AIR: Air = Air { centidegrees: 2158, pascals: 101_325, millipercent: 45_000, ohms: 120_000 };

    fn chip() -> Chip {
        Chip::new(0x76, AIR)
    }

    fn field(chip: &mut Chip) -> [u8; 10] {
        let mut field = [0; 10];
        chip.write(0x76, &[FIELD]).unwrap();
        chip.read(0x76, &mut field).unwrap();
        field
    }

    #[test]
    fn a_conversion_takes_its_time_and_then_the_chip_sleeps() {
        let mut chip = chip();
        chip.write(0x76, &[CTRL_HUM, 0b010, CTRL_MEAS, 0b1000_1101]).unwrap();
        chip.wait(Duration::from_micros(14 * 1963 + 9 * 477 + 999));
        assert_eq!(field(&mut chip)[0], MEASURING);
        assert_eq!(chip.get(CTRL_MEAS) & MODE, FORCED);
        chip.wait(Duration::from_micros(1));
        assert_eq!(field(&mut chip)[..2], [NEW_DATA, 1]);
        assert_eq!(chip.get(CTRL_MEAS), 0b1000_1100);
    }

    #[test]
    fn a_quantity_without_oversampling_is_skipped() {
        let mut chip = chip();
        chip.write(0x76, &[CTRL_MEAS, 0b1000_0001]).unwrap();
        chip.wait(Duration::from_secs(1));
        let field = field(&mut chip);
        assert_ne!(field[5..8], [0x80, 0, 0]);
        assert_eq!((&field[2..5], &field[8..10]), (&[0x80, 0, 0][..], &[0x80, 0][..]));
    }

    #[test]
    fn reset_forgets_settings_and_data_but_not_who_the_chip_is() {
        let mut chip = chip();
        chip.write(0x76, &[CTRL_HUM, 5, CTRL_MEAS, 0b1000_1101]).unwrap();
        chip.wait(Duration::from_secs(1));
        chip.write(0x76, &[RESET, RESET_COMMAND]).unwrap();
        assert_eq!((chip.get(CTRL_HUM), chip.get(CTRL_MEAS), chip.get(CHIP_ID)), (0, 0, 0x61));
        assert_eq!(field(&mut chip), EMPTY_FIELD);
    }

    #[test]
    fn identity_and_calibration_cannot_be_written_and_strangers_are_not_answered() {
        let mut chip = chip();
        chip.write(0x76, &[CHIP_ID, 0, 0x8a, 0]).unwrap();
        assert_eq!((chip.get(CHIP_ID), chip.get(0x8a)), (0x61, CALIBRATION[0]));
        assert_eq!(chip.write(0x77, &[RESET, RESET_COMMAND]), Err(Nak));
    }
}
