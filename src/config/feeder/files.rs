//! Sources that are text files: which file holds which quantity, and in which unit the kernel writes it.
//!
//! Names and units: Documentation/ABI/testing/sysfs-bus-iio ("in_tempY_raw" and so on: "units after application of scale and
//! offset"), Documentation/hwmon/sysfs-interface.rst and Documentation/w1/slaves/w1_therm.rst of the Linux kernel.

use std::collections::BTreeSet;
use std::path::PathBuf;

/// How a folder of such files is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// `/sys/bus/iio/devices/iio:deviceN`.
    Iio,
    /// `/sys/class/hwmon/hwmonN`.
    Hwmon,
    /// `/sys/bus/w1/devices/28-...`: a DS18B20 or one of its family.
    W1,
    /// One file that holds one number.
    File,
}

/// Where the files are, and what they hold.
#[derive(Debug, Clone, PartialEq)]
pub struct FileSettings {
    /// How they are laid out.
    pub layout: Layout,
    /// The folder of the device; with `device`, the folder of all devices; of [`Layout::File`], the file.
    pub path: PathBuf,
    /// The device among those below `path`: the kernel gives out its numbers anew at each start, names stay.
    pub device: Option<String>,
    /// What is measured.
    pub channels: Vec<Channel>,
}

/// One quantity in files.
#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    /// The quantity, such as `temperature` or `voltage_3`.
    pub name: String,
    /// Its unit as SenML spells it.
    pub unit: String,
    /// What the names of its files begin with, such as `in_temp` or `temp1`.
    pub stem: String,
    /// How many of the file's units are one of ours.
    pub divisor: f64,
}

/// Name, unit, begin of the file's name, divisor, and the number that is meant where none is said.
type Known = (&'static str, &'static str, &'static str, f64, &'static str);

/// Thousandths of degrees, percent, volts, amperes and watts, kilopascals, lux, ohms. Voltages, currents and powers always
/// have a number.
const IIO: [Known; 8] = [
    ("temperature", "Cel", "in_temp", 1e3, ""),
    ("humidity", "%RH", "in_humidityrelative", 1e3, ""),
    ("pressure", "Pa", "in_pressure", 1e-3, ""),
    ("illuminance", "lx", "in_illuminance", 1.0, ""),
    ("gas_resistance", "Ohm", "in_resistance", 1.0, ""),
    ("voltage", "V", "in_voltage", 1e3, "0"),
    ("current", "A", "in_current", 1e3, "0"),
    ("power", "W", "in_power", 1e3, "0"),
];
/// Thousandths of degrees, percent, volts and amperes, millionths of watts and joules. Voltages count from 0, all others
/// from 1.
const HWMON: [Known; 7] = [
    ("temperature", "Cel", "temp", 1e3, "1"),
    ("humidity", "%RH", "humidity", 1e3, "1"),
    ("voltage", "V", "in", 1e3, "0"),
    ("current", "A", "curr", 1e3, "1"),
    ("power", "W", "power", 1e6, "1"),
    ("energy", "J", "energy", 1e6, "1"),
    ("fan_speed", "1/min", "fan", 1.0, "1"),
];
const W1: [Known; 1] = [("temperature", "Cel", "", 1e3, "")];

impl Layout {
    fn known(self) -> &'static [Known] {
        match self {
            Self::Iio => &IIO,
            Self::Hwmon => &HWMON,
            Self::W1 => &W1,
            Self::File => &[],
        }
    }

    /// Where the kernel has all devices of this layout.
    fn devices(self) -> Option<&'static str> {
        match self {
            Self::Iio => Some("/sys/bus/iio/devices"),
            Self::Hwmon => Some("/sys/class/hwmon"),
            Self::W1 => Some("/sys/bus/w1/devices"),
            Self::File => None,
        }
    }

    /// The files of a quantity; `temperature_2` is the second thermometer of the chip.
    fn channel(self, name: &str) -> Result<Channel, String> {
        let is_number = |text: &str| text.parse::<u8>().is_ok_and(|number| number.to_string() == text);
        let (base, number) = match name.rsplit_once('_') {
            Some((base, number)) if is_number(number) && self != Self::W1 => (base, Some(number)),
            _ => (name, None),
        };
        let found = self.known().iter().find(|known| known.0 == base);
        let &(_, unit, stem, divisor, first) = found.ok_or_else(|| {
            let known: Vec<_> = self.known().iter().map(|known| format!("`{}`", known.0)).collect();
            format!("`measures`: `{name}` is none of {}", known.join(", "))
        })?;
        let stem = format!("{stem}{}", number.unwrap_or(first));
        Ok(Channel { name: name.to_owned(), unit: unit.to_owned(), stem, divisor })
    }
}

/// What a table says of files, each setting as it is written.
pub(super) struct Written {
    pub(super) path: Option<PathBuf>,
    pub(super) device: Option<String>,
    pub(super) measures: Option<Vec<String>>,
    pub(super) unit: Option<String>,
}

impl Written {
    pub(super) fn check(self, layout: Layout) -> Result<FileSettings, String> {
        let Self { path, device, measures, unit } = self;
        let measures =
            measures.unwrap_or_else(|| vec![if layout == Layout::File { "value" } else { "temperature" }.into()]);
        let mut seen = BTreeSet::new();
        if let Some(twice) = measures.iter().find(|name| !seen.insert(*name)) {
            return Err(format!("`measures`: `{twice}` stands there twice"));
        }
        if layout == Layout::File {
            let path = path.ok_or("`path` is missing: the file that holds the number")?;
            let [name] = <[String; 1]>::try_from(measures).map_err(|_| "`measures`: a file holds one quantity")?;
            let channel = Channel { name, unit: unit.unwrap_or_default(), stem: String::new(), divisor: 1.0 };
            return Ok(FileSettings { layout, path, device, channels: vec![channel] });
        }
        let path = match (path, &device) {
            (Some(path), _) => path,
            (None, Some(_)) => layout.devices().unwrap_or_default().into(),
            (None, None) => return Err("`device` (its name) or `path` (its folder) is missing".into()),
        };
        if measures.is_empty() {
            return Err("`measures` is empty".into());
        }
        let channels = measures.iter().map(|name| layout.channel(name)).collect::<Result<_, _>>()?;
        Ok(FileSettings { layout, path, device, channels })
    }
}
