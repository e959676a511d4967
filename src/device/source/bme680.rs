//! The Bosch BME680 on any I2C bus, with the settings of the tutorial's script.
//!
//! The driver crate equals Bosch's own code; what a feeder needs beyond it is here: both addresses are probed before
//! anything is written, a chip that lost its settings is noticed, and no value leaves that cannot be true.

use std::fmt::{Debug, Display};
use std::time::Duration;

use bme68x::blocking::Bme68x;
use bme68x::interface::{I2cAddress, I2cInterface};
use bme68x::{
    Configuration, Filter, HeaterConfiguration, Measurement, OperationMode, Oversampling, RawMeasurement, StandbyTime,
};
use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::I2c;

use super::fault::ReadError;
use super::i2c::Connect;
use super::reading::{GAS_RESISTANCE, HUMIDITY, PRESSURE, Reading, Source, TEMPERATURE, Wanted};

/// Temperature x8 and filter size 3 as in `simple_publishing.py`; pressure x4 and humidity x2 as in the example
/// script of its sensor library.
const SETTINGS: Configuration = Configuration {
    temperature_oversampling: Oversampling::X8,
    pressure_oversampling: Oversampling::X4,
    humidity_oversampling: Oversampling::X2,
    filter: Filter::Size3,
    standby_time: StandbyTime::None,
};
/// How long one conversion takes with these settings, the heater apart.
const CONVERSION_US: u32 = bme68x::compensation::measurement_duration_us(OperationMode::Forced, &SETTINGS);

/// Register 0xD0 and what it holds (datasheet, 5.3.2).
const CHIP_ID: u8 = 0xd0;
const BME680: u8 = 0x61;
/// Temperature and pressure words after a reset, or where the measurement is switched off (datasheet, 5.3.4).
const RESET_WORD: u32 = 0x8_0000;
/// The humidity word after a reset.
const RESET_HUMIDITY: u16 = 0x8000;
/// Where the sensor works, in 0.01 degrees Celsius (datasheet, table 1).
const TEMPERATURES: std::ops::RangeInclusive<i16> = -4000..=8500;
/// Where the sensor works, in pascals (datasheet, table 3).
const PRESSURES: std::ops::RangeInclusive<u32> = 30_000..=110_000;
/// Gas readings to leave out after each open: the hot plate has not settled.
const GAS_WARM_UP: u8 = 3;

/// The gas heater: how hot, and for how long before each gas reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heater {
    /// Degrees Celsius, 400 at most.
    pub celsius: u16,
    /// Up to 4 s.
    pub duration: Duration,
}

impl Heater {
    /// The tutorial's setting: 320 degrees Celsius for 150 ms.
    pub const TUTORIAL: Self = Self { celsius: 320, duration: Duration::from_millis(150) };
    const LONGEST_MS: u16 = 4032;

    fn millis(self) -> u16 {
        u16::try_from(self.duration.as_millis()).map_or(Self::LONGEST_MS, |ms| ms.min(Self::LONGEST_MS))
    }

    fn configuration(self) -> HeaterConfiguration<'static> {
        HeaterConfiguration::Forced { enabled: true, temperature_celsius: self.celsius, duration_ms: self.millis() }
    }
}

type Driver<C> = Bme68x<I2cInterface<<C as Connect>::Bus>, <C as Connect>::Delay>;

/// A BME680 behind `C`.
pub struct Bme680<C: Connect> {
    connect: C,
    heater: Option<Heater>,
    sensor: Option<Driver<C>>,
    /// Last temperature in degrees Celsius; the heater's resistance depends on it.
    ambient: i8,
    gas_to_drop: u8,
}

impl<C: Connect> Bme680<C> {
    /// The sensor on the bus of `connect`, measuring gas too if it has a `heater`. Touches nothing.
    pub fn new(connect: C, heater: Option<Heater>) -> Self {
        Self { connect, heater, sensor: None, ambient: 25, gas_to_drop: GAS_WARM_UP }
    }

    fn attach(&mut self, address: I2cAddress) -> Result<Driver<C>, ReadError> {
        let mut bus = self.connect.connect(address.into())?;
        // The driver begins with a reset: first make sure that it will not reset somebody else's chip.
        let mut id = [0];
        bus.write_read(address.into(), &[CHIP_ID], &mut id)
            .map_err(|cause| ReadError::NoChip { bus: self.connect.name().into(), cause: cause.to_string() })?;
        if id != [BME680] {
            return Err(ReadError::WrongChip { found: id[0] });
        }
        let interface = I2cInterface::new(bus, address);
        let mut sensor = Bme68x::new_with_ambient_temperature(interface, self.connect.delay(), self.ambient)
            .map_err(driver_error)?;
        // Pressure is divided by par_p1 * (28160..=37376) >> 15, which is zero for 0 and 1 and for nothing else.
        if sensor.calibration().par_p1 < 2 {
            return Err(ReadError::Calibration);
        }
        sensor.set_configuration(&SETTINGS).map_err(driver_error)?;
        Ok(sensor)
    }

    fn measure(&mut self) -> Result<Measurement, ReadError> {
        let sensor = self.sensor.as_mut().ok_or(ReadError::NotOpen)?;
        let mut heating_us = 0;
        if let Some(heater) = self.heater {
            sensor.set_ambient_temperature(self.ambient);
            sensor.set_heater_configuration(&heater.configuration()).map_err(driver_error)?;
            heating_us = u32::from(heater.millis()) * 1000;
        }
        sensor.set_operation_mode(OperationMode::Forced).map_err(driver_error)?;
        self.connect.delay().delay_us(CONVERSION_US + heating_us);
        let fields = sensor.measurements(OperationMode::Forced).map_err(driver_error)?;
        let field = *fields.as_slice().first().ok_or(ReadError::NoNewData)?;
        if lost_its_settings(sensor, &field.raw)? { Err(ReadError::BrownOut) } else { Ok(field) }
    }

    fn readings(&mut self, field: &Measurement) -> Result<Vec<Reading>, ReadError> {
        let values = field.values;
        let centidegrees = values.temperature;
        if !TEMPERATURES.contains(&centidegrees) {
            return Err(ReadError::Implausible { centidegrees });
        }
        self.ambient = i8::try_from(centidegrees / 100).unwrap_or(self.ambient);
        let pressure = PRESSURES.contains(&values.pressure).then(|| f64::from(values.pressure));
        let gas = self.has_gas(field).then(|| f64::from(values.gas_resistance));
        Ok(vec![
            Reading { quantity: TEMPERATURE, value: Some(f64::from(centidegrees) / 100.0) },
            Reading { quantity: PRESSURE, value: pressure },
            Reading { quantity: HUMIDITY, value: Some(f64::from(values.humidity) / 1000.0) },
            Reading { quantity: GAS_RESISTANCE, value: gas },
        ])
    }

    /// Whether the gas value can be vouched for.
    fn has_gas(&mut self, field: &Measurement) -> bool {
        if self.heater.is_none() || !field.status.gas_valid() || !field.status.heater_stable() {
            return false;
        }
        let settled = self.gas_to_drop == 0;
        self.gas_to_drop = self.gas_to_drop.saturating_sub(1);
        settled
    }
}

impl<C: Connect> Source for Bme680<C> {
    fn origin(&self) -> &str {
        "BME680"
    }

    fn open(&mut self) -> Result<(), ReadError> {
        self.sensor = None;
        self.gas_to_drop = GAS_WARM_UP;
        let mut silent = None;
        let mut telling = None;
        for address in [I2cAddress::Low, I2cAddress::High] {
            match self.attach(address) {
                Ok(sensor) => {
                    self.sensor = Some(sensor);
                    return Ok(());
                }
                Err(error @ ReadError::NoChip { .. }) => silent = Some(error),
                Err(error) => telling = telling.or(Some(error)),
            }
        }
        Err(telling.or(silent).unwrap_or(ReadError::NotOpen))
    }

    fn read(&mut self, _wanted: Wanted<'_>) -> Result<Vec<Reading>, ReadError> {
        let field = self.measure()?;
        self.readings(&field)
    }
}

/// Whether the chip was reset behind our back: its words are then plausible nonsense, marked as new data.
///
/// A word can have the reset value by chance (34.72 degC), so one such word makes us look at the settings.
fn lost_its_settings<B, D>(sensor: &mut Bme68x<I2cInterface<B>, D>, raw: &RawMeasurement) -> Result<bool, ReadError>
where
    B: I2c<Error: Display>,
    D: DelayNs,
{
    let (temperature, pressure) = (raw.temperature_adc == RESET_WORD, raw.pressure_adc == RESET_WORD);
    if temperature && pressure {
        return Ok(true);
    }
    let suspicious = temperature || pressure || raw.humidity_adc == RESET_HUMIDITY;
    Ok(suspicious && sensor.configuration().map_err(driver_error)? != SETTINGS)
}

fn driver_error<E: Debug + Display>(error: bme68x::Error<E>) -> ReadError {
    match error {
        bme68x::Error::Bus(cause) => ReadError::Bus(cause.to_string()),
        bme68x::Error::UnexpectedChipId { found } => ReadError::WrongChip { found },
        bme68x::Error::InvalidRegisterValue { register, value } => {
            ReadError::Nonsense(format!("register {register:#04x} holds {value:#04x}"))
        }
        bme68x::Error::Timeout => ReadError::Timeout,
        other @ (bme68x::Error::InvalidConfiguration(_) | bme68x::Error::SelfTestFailed(_)) => {
            ReadError::Nonsense(format!("{other:?}"))
        }
    }
}
