//! `[source.NAME]`: something that measures, and how its values are set right.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::super::duration;
use super::csv::{self, Column, CsvSettings};
use super::files::{self, FileSettings, Layout};
use super::modbus::written::{self, WrittenPoint};
use super::modbus::{Link, ModbusSettings, Parity};

/// A source.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Written")]
pub struct SourceSettings {
    /// What it is.
    pub kind: SourceKind,
    /// How its values are set right.
    pub calibration: Calibration,
}

impl SourceSettings {
    /// The serial line that it has to itself.
    pub(super) fn serial_line(&self) -> Option<&str> {
        match &self.kind {
            SourceKind::Modbus(ModbusSettings { link: Link::Serial { device, .. }, .. }) => Some(device),
            _ => None,
        }
    }
}

/// What a source is, and where.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceKind {
    /// A Bosch BME680 on a Linux I2C bus.
    Bme680 {
        /// The bus, such as `/dev/i2c-1`.
        bus: PathBuf,
    },
    /// A simulated BME680.
    Sim,
    /// Text files, most of them the kernel's.
    Files(FileSettings),
    /// A CSV file, line by line.
    Csv(CsvSettings),
    /// Modbus devices on one line.
    Modbus(ModbusSettings),
}

/// How values are set right: first `scale`, then `offset`, by the name of the quantity.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Calibration {
    /// Factors.
    pub scale: BTreeMap<String, f64>,
    /// What is added, in the unit of the quantity.
    pub offset: BTreeMap<String, f64>,
    /// Height above the sea in metres; with it there is a pressure at sea level.
    pub altitude_m: Option<f64>,
}

/// The bus of a Raspberry Pi's pins.
pub(super) fn first_bus() -> PathBuf {
    PathBuf::from("/dev/i2c-1")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Bme680,
    Sim,
    Iio,
    Hwmon,
    W1,
    File,
    Csv,
    ModbusTcp,
    ModbusRtu,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Bme680 => "bme680",
            Self::Sim => "sim",
            Self::Iio => "iio",
            Self::Hwmon => "hwmon",
            Self::W1 => "w1",
            Self::File => "file",
            Self::Csv => "csv",
            Self::ModbusTcp => "modbus-tcp",
            Self::ModbusRtu => "modbus-rtu",
        }
    }
}

/// A table as it is written, before it is known which settings its kind has.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    kind: Kind,
    bus: Option<PathBuf>,
    path: Option<PathBuf>,
    device: Option<String>,
    measures: Option<Vec<String>>,
    unit: Option<String>,
    #[serde(default)]
    column: BTreeMap<String, Column>,
    repeat: Option<bool>,
    address: Option<String>,
    unit_id: Option<u8>,
    #[serde(default, deserialize_with = "duration::from_toml_if_there")]
    timeout: Option<Duration>,
    #[serde(default)]
    point: BTreeMap<String, WrittenPoint>,
    baud_rate: Option<u32>,
    parity: Option<Parity>,
    stop_bits: Option<u8>,
    #[serde(default)]
    scale: BTreeMap<String, f64>,
    #[serde(default)]
    offset: BTreeMap<String, f64>,
    altitude_m: Option<f64>,
}

impl Written {
    /// Refuses a setting that this kind does not have: it would be a wish that nobody hears.
    fn check_foreign(&self) -> Result<(), String> {
        use Kind::{Bme680, Csv, File, Hwmon, Iio, ModbusRtu, ModbusTcp, W1};
        let settings: [(&str, bool, &[Kind]); 14] = [
            ("bus", self.bus.is_some(), &[Bme680]),
            ("path", self.path.is_some(), &[Iio, Hwmon, W1, File, Csv]),
            ("device", self.device.is_some(), &[Iio, Hwmon, W1, ModbusRtu]),
            ("measures", self.measures.is_some(), &[Iio, Hwmon, W1, File]),
            ("unit", self.unit.is_some(), &[File]),
            ("column", !self.column.is_empty(), &[Csv]),
            ("repeat", self.repeat.is_some(), &[Csv]),
            ("address", self.address.is_some(), &[ModbusTcp]),
            ("unit_id", self.unit_id.is_some(), &[ModbusTcp, ModbusRtu]),
            ("timeout", self.timeout.is_some(), &[ModbusTcp, ModbusRtu]),
            ("point", !self.point.is_empty(), &[ModbusTcp, ModbusRtu]),
            ("baud_rate", self.baud_rate.is_some(), &[ModbusRtu]),
            ("parity", self.parity.is_some(), &[ModbusRtu]),
            ("stop_bits", self.stop_bits.is_some(), &[ModbusRtu]),
        ];
        let foreign = settings.iter().find(|(_, is_there, kinds)| *is_there && !kinds.contains(&self.kind));
        foreign.map_or(Ok(()), |(name, _, kinds)| {
            let kinds: Vec<_> = kinds.iter().map(|kind| format!("`{}`", kind.name())).collect();
            Err(format!("`{name}` is no setting of `{}`; it is one of {}", self.kind.name(), kinds.join(", ")))
        })
    }

    fn calibration(&mut self) -> Result<Calibration, String> {
        let (scale, offset) = (std::mem::take(&mut self.scale), std::mem::take(&mut self.offset));
        if let Some((name, number)) = scale.iter().chain(&offset).find(|(_, number)| !number.is_finite()) {
            return Err(format!("`{name}`: {number} is not a number to calculate with"));
        }
        if self.altitude_m.is_some_and(|altitude| !(-500.0..=9000.0).contains(&altitude)) {
            return Err("`altitude_m` is metres above the sea, from -500 to 9000".into());
        }
        Ok(Calibration { scale, offset, altitude_m: self.altitude_m })
    }

    fn files(self, layout: Layout) -> Result<SourceKind, String> {
        let Self { path, device, measures, unit, .. } = self;
        files::Written { path, device, measures, unit }.check(layout).map(SourceKind::Files)
    }

    fn modbus(self) -> written::Written {
        let Self { address, device, unit_id, timeout, point, baud_rate, parity, stop_bits, .. } = self;
        written::Written { address, device, unit_id, timeout, point, baud_rate, parity, stop_bits }
    }
}

impl TryFrom<Written> for SourceSettings {
    type Error = String;

    fn try_from(mut written: Written) -> Result<Self, String> {
        written.check_foreign()?;
        let calibration = written.calibration()?;
        let kind = match written.kind {
            Kind::Bme680 => SourceKind::Bme680 { bus: written.bus.unwrap_or_else(first_bus) },
            Kind::Sim => SourceKind::Sim,
            Kind::Iio => written.files(Layout::Iio)?,
            Kind::Hwmon => written.files(Layout::Hwmon)?,
            Kind::W1 => written.files(Layout::W1)?,
            Kind::File => written.files(Layout::File)?,
            Kind::Csv => SourceKind::Csv(csv::check(written.path, written.column, written.repeat)?),
            Kind::ModbusTcp => SourceKind::Modbus(written.modbus().over_tcp()?),
            Kind::ModbusRtu => SourceKind::Modbus(written.modbus().over_serial()?),
        };
        Ok(Self { kind, calibration })
    }
}
