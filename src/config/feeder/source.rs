//! `[source.NAME]`: something that measures, and how its values are set right.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::csv::{self, Column, CsvSettings};
use super::files::{self, FileSettings, Layout};

/// A source.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Written")]
pub struct SourceSettings {
    /// What it is.
    pub kind: SourceKind,
    /// How its values are set right.
    pub calibration: Calibration,
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
}

impl Kind {
    fn layout(self) -> Option<Layout> {
        match self {
            Self::Bme680 | Self::Sim | Self::Csv => None,
            Self::Iio => Some(Layout::Iio),
            Self::Hwmon => Some(Layout::Hwmon),
            Self::W1 => Some(Layout::W1),
            Self::File => Some(Layout::File),
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
    #[serde(default)]
    scale: BTreeMap<String, f64>,
    #[serde(default)]
    offset: BTreeMap<String, f64>,
    altitude_m: Option<f64>,
}

impl TryFrom<Written> for SourceSettings {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { kind, bus, path, device, measures, unit, column, repeat, scale, offset, altitude_m } = written;
        if kind != Kind::Csv && (!column.is_empty() || repeat.is_some()) {
            return Err("`column` and `repeat` are settings of `csv` only".into());
        }
        let (csv_path, path) = if kind == Kind::Csv { (path, None) } else { (None, path) };
        let files = files::Written { path, device, measures, unit };
        let numbers = scale.iter().chain(&offset).find(|(_, number)| !number.is_finite());
        if let Some((name, number)) = numbers {
            return Err(format!("`{name}`: {number} is not a number to calculate with"));
        }
        let foreign = files.first().filter(|_| kind.layout().is_none());
        if let Some(name) = foreign {
            return Err(format!("`{name}` is a setting of `iio`, `hwmon`, `w1` and `file` only"));
        }
        let kind = match (kind, kind.layout()) {
            (Kind::Csv | Kind::Iio | Kind::Hwmon | Kind::W1 | Kind::File, _) if bus.is_some() => {
                return Err("`bus` is a setting of `bme680` only".into());
            }
            (Kind::Csv, _) => SourceKind::Csv(csv::check(csv_path, column, repeat)?),
            (_, Some(layout)) => SourceKind::Files(files.check(layout)?),
            (Kind::Sim, _) if bus.is_some() => return Err("`bus` is no setting of a simulated sensor".into()),
            (Kind::Sim, _) => SourceKind::Sim,
            (_, None) => SourceKind::Bme680 { bus: bus.unwrap_or_else(first_bus) },
        };
        if altitude_m.is_some_and(|altitude| !(-500.0..=9000.0).contains(&altitude)) {
            return Err("`altitude_m` is metres above the sea, from -500 to 9000".into());
        }
        Ok(Self { kind, calibration: Calibration { scale, offset, altitude_m } })
    }
}
