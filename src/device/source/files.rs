//! Values in text files: the kernel's IIO, hwmon and 1-wire, and any file that holds one number.
//!
//! Each read opens its files anew, so a device that was unplugged is found again under its new number.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::calibrated::without_noise;
use super::fault::ReadError;
use super::reading::{Quantity, Reading, Source, Wanted};
use crate::config::feeder::files::{Channel, FileSettings, Layout};

/// More than any such file has; a device that never ends is not read to its end.
const LONGEST: u64 = 4096;
/// A DS18B20 after power-on, and one that had too little power to convert, in thousandths of a degree
/// (Documentation/w1/slaves/w1_therm.rst, `features`: 85.00 and 127.94).
const POWER_ON: f64 = 85_000.0;
const NO_POWER: f64 = 127_937.0;

/// What files of these settings hold.
pub(super) fn quantities(settings: &FileSettings) -> Vec<Quantity> {
    settings.channels.iter().map(quantity).collect()
}

fn quantity(channel: &Channel) -> Quantity {
    Quantity { name: channel.name.clone().into(), unit: channel.unit.clone().into() }
}

/// A source of text files.
#[derive(Debug)]
pub struct Files {
    settings: FileSettings,
    folder: PathBuf,
    origin: String,
}

impl Files {
    /// The source of these settings. Touches nothing.
    pub fn new(settings: FileSettings) -> Self {
        let of_path = || settings.path.file_name().unwrap_or(settings.path.as_os_str()).to_string_lossy().into_owned();
        let origin = settings.device.clone().unwrap_or_else(of_path);
        Self { folder: settings.path.clone(), origin, settings }
    }

    /// The folder of the device that is called as wanted.
    fn find(&self, device: &str) -> Result<PathBuf, ReadError> {
        let path = &self.settings.path;
        let entries = fs::read_dir(path).map_err(|error| no_file(path, &error))?;
        let is_it = |folder: &PathBuf| match self.settings.layout {
            Layout::W1 => folder.file_name().is_some_and(|name| name == device),
            _ => text(&folder.join("name")).is_ok_and(|name| name.trim() == device),
        };
        let mut found: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(is_it).collect();
        found.sort();
        found.into_iter().next().ok_or_else(|| ReadError::NoDevice { device: device.into(), path: shown(path) })
    }

    fn value(&self, channel: &Channel) -> Result<f64, ReadError> {
        let file = |end: &str| self.folder.join(format!("{}{end}", channel.stem));
        let written = match self.settings.layout {
            Layout::File => number(&self.folder)?,
            Layout::Hwmon => {
                trusted(&file("_fault"))?;
                // Some power meters have only a mean, that of `power1_average_interval`.
                let files = [file("_input"), file("_average")];
                number(files.iter().find(|file| file.exists()).unwrap_or(&files[0]))?
            }
            Layout::Iio if file("_input").exists() => number(&file("_input"))?,
            Layout::Iio => self.raw(channel)?,
            Layout::W1 => w1(&self.folder)?,
        };
        Ok(without_noise(written / channel.divisor))
    }

    /// `(raw + offset) * scale`; a channel without a scale or offset of its own has that of all of its type
    /// (Documentation/ABI/testing/sysfs-bus-iio, `<type>[Y]_offset` and `<type>[Y]_scale`).
    fn raw(&self, channel: &Channel) -> Result<f64, ReadError> {
        let raw = number(&self.folder.join(format!("{}_raw", channel.stem)))?;
        let setting = |name: &str, otherwise: f64| {
            let of_all = channel.stem.trim_end_matches(|c: char| c.is_ascii_digit());
            let files = [channel.stem.as_str(), of_all].map(|stem| self.folder.join(format!("{stem}_{name}")));
            files.iter().find(|file| file.exists()).map_or(Ok(otherwise), |file| number(file))
        };
        Ok((raw + setting("offset", 0.0)?) * setting("scale", 1.0)?)
    }
}

impl Source for Files {
    fn origin(&self) -> &str {
        &self.origin
    }

    fn open(&mut self) -> Result<(), ReadError> {
        if let Some(device) = &self.settings.device {
            self.folder = self.find(device)?;
        }
        Ok(())
    }

    fn read(&mut self, wanted: Wanted<'_>) -> Result<Vec<Reading>, ReadError> {
        let channels = self.settings.channels.iter().filter(|channel| wanted(&channel.name));
        channels.map(|channel| Ok(Reading { quantity: quantity(channel), value: Some(self.value(channel)?) })).collect()
    }
}

/// A broken wire, an unconnected fan: "the measurement for that channel should not be trusted"
/// (Documentation/hwmon/sysfs-interface.rst).
fn trusted(fault: &Path) -> Result<(), ReadError> {
    if fault.exists() && number(fault)? != 0.0 { Err(ReadError::Fault { path: shown(fault) }) } else { Ok(()) }
}

/// Thousandths of a degree of a 1-wire thermometer: `w1_slave` says whether its checksum is right, `temperature` does not.
fn w1(folder: &Path) -> Result<f64, ReadError> {
    let path = folder.join("w1_slave");
    let (path, value) = if path.exists() {
        let said = text(&path)?;
        let (first, rest) = said.split_once('\n').unwrap_or((&said, ""));
        if !first.trim_end().ends_with("YES") {
            return Err(ReadError::Checksum { path: shown(&path) });
        }
        let value = parsed(&path, rest.rsplit_once("t=").map_or(rest, |(_, value)| value))?;
        (path, value)
    } else {
        let path = folder.join("temperature");
        let value = number(&path)?;
        (path, value)
    };
    // True 85.000 degrees fail too, until they move by a sixteenth; a false alarm in every power cut would be worse.
    match value {
        POWER_ON => Err(ReadError::PowerOn { path: shown(&path) }),
        NO_POWER => Err(ReadError::NoPower { path: shown(&path) }),
        value => Ok(value),
    }
}

fn number(path: &Path) -> Result<f64, ReadError> {
    parsed(path, &text(path)?)
}

fn parsed(path: &Path, text: &str) -> Result<f64, ReadError> {
    let value = text.trim().parse().ok().filter(|value: &f64| value.is_finite());
    value.ok_or_else(|| ReadError::NoNumber { path: shown(path), found: text.trim().chars().take(40).collect() })
}

fn text(path: &Path) -> Result<String, ReadError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST).read_to_end(&mut bytes));
    read.map_err(|error| no_file(path, &error))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn no_file(path: &Path, error: &std::io::Error) -> ReadError {
    ReadError::NoFile { path: shown(path), cause: error.to_string() }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::super::reading::everything;
    use super::*;
    use crate::config::feeder::FeederSettings;
    use crate::config::feeder::source::SourceKind;

    fn tree(files: &[(&str, &str)]) -> TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    /// The source that `table` makes, with `path` below the tree.
    fn source(root: &TempDir, path: &str, table: &str) -> Files {
        let path = root.path().join(path);
        let text = format!("[source.s]\npath = {:?}\n{table}\n", path.display().to_string());
        let settings = FeederSettings::parse("feeder.toml", &text).unwrap();
        match &settings.source["s"].value.kind {
            SourceKind::Files(files) => Files::new(files.clone()),
            kind => panic!("{kind:?}"),
        }
    }

    fn values(source: &mut Files) -> Result<Vec<(String, f64, String)>, ReadError> {
        source.open()?;
        let readings = source.read(&everything)?.into_iter();
        let shown = |r: Reading| (r.quantity.name.into_owned(), r.value.unwrap(), r.quantity.unit.into_owned());
        Ok(readings.map(shown).collect())
    }

    fn measured(name: &str, value: f64, unit: &str) -> (String, f64, String) {
        (name.into(), value, unit.into())
    }

    #[test]
    fn iio_gives_processed_values_and_raw_ones_with_offset_and_scale() {
        let root = tree(&[
            ("iio:device0/name", "mcp3008\n"),
            ("iio:device1/name", "bme280\n"),
            ("iio:device1/in_temp_input", "21437\n"),
            ("iio:device1/in_humidityrelative_raw", "1000\n"),
            ("iio:device1/in_humidityrelative_offset", "-40\n"),
            ("iio:device1/in_humidityrelative_scale", "50.5\n"),
            ("iio:device1/in_pressure_input", "100.325000000\n"),
            ("iio:device1/in_voltage3_raw", "512\n"),
            ("iio:device1/in_voltage_scale", "3.222656250\n"),
        ]);
        let table = "kind = \"iio\"\ndevice = \"bme280\"\n\
                     measures = [\"temperature\", \"humidity\", \"pressure\", \"voltage_3\"]";
        let wanted = [
            measured("temperature", 21.437, "Cel"),
            measured("humidity", 48.48, "%RH"),
            measured("pressure", 100_325.0, "Pa"),
            measured("voltage_3", 1.65, "V"),
        ];
        let mut source = source(&root, "", table);
        assert_eq!((values(&mut source).unwrap(), source.origin()), (wanted.to_vec(), "bme280"));
    }

    #[test]
    fn a_device_that_comes_back_under_another_number_is_found_again() {
        let root =
            tree(&[("hwmon2/name", "sht3x\n"), ("hwmon2/temp1_input", "19000\n"), ("hwmon2/in0_input", "3300\n")]);
        let table = "kind = \"hwmon\"\ndevice = \"sht3x\"\nmeasures = [\"temperature\", \"voltage\"]";
        let mut source = source(&root, "", table);
        let wanted = [measured("temperature", 19.0, "Cel"), measured("voltage", 3.3, "V")];
        assert_eq!(values(&mut source).unwrap(), wanted);
        fs::rename(root.path().join("hwmon2"), root.path().join("hwmon5")).unwrap();
        assert!(matches!(source.read(&everything), Err(ReadError::NoFile { .. })));
        assert_eq!(values(&mut source).unwrap(), wanted);
        fs::remove_dir_all(root.path().join("hwmon5")).unwrap();
        assert!(matches!(values(&mut source), Err(ReadError::NoDevice { .. })));
    }

    #[test]
    fn a_channel_without_a_number_is_the_first_of_its_kind_and_every_unit_becomes_ours() {
        let root = tree(&[
            ("ina226/in_voltage0_input", "3300\n"),
            ("ina226/in_current0_raw", "250\n"),
            ("ina226/in_current0_scale", "0.5\n"),
            ("ina226/in_power0_input", "412.5\n"),
            ("ina226/in_resistance_input", "120000\n"),
            ("psu/in0_input", "12050\n"),
            ("psu/curr1_input", "2500\n"),
            ("psu/power1_average", "30125000\n"),
            ("psu/energy1_input", "7200000000\n"),
            ("psu/humidity1_input", "45250\n"),
            ("psu/fan1_input", "1200\n"),
        ]);
        let iio = "kind = \"iio\"\nmeasures = [\"voltage\", \"current\", \"power\", \"gas_resistance\"]";
        let wanted = [
            measured("voltage", 3.3, "V"),
            measured("current", 0.125, "A"),
            measured("power", 0.4125, "W"),
            measured("gas_resistance", 120_000.0, "Ohm"),
        ];
        assert_eq!(values(&mut source(&root, "ina226", iio)).unwrap(), wanted);
        let hwmon = "kind = \"hwmon\"\n\
                     measures = [\"voltage\", \"current\", \"power\", \"energy\", \"humidity\", \"fan_speed\"]";
        let wanted = [
            measured("voltage", 12.05, "V"),
            measured("current", 2.5, "A"),
            measured("power", 30.125, "W"),
            measured("energy", 7200.0, "J"),
            measured("humidity", 45.25, "%RH"),
            measured("fan_speed", 1200.0, "1/min"),
        ];
        assert_eq!(values(&mut source(&root, "psu", hwmon)).unwrap(), wanted);
    }

    #[test]
    fn a_channel_that_the_kernel_does_not_trust_has_no_value() {
        let root = tree(&[("a/temp1_input", "-128000\n"), ("a/temp1_fault", "1\n")]);
        let mut source = source(&root, "a", "kind = \"hwmon\"");
        assert!(matches!(values(&mut source), Err(ReadError::Fault { .. })));
        fs::write(root.path().join("a/temp1_fault"), "0\n").unwrap();
        assert_eq!(values(&mut source).unwrap(), [measured("temperature", -128.0, "Cel")]);
    }

    #[test]
    fn a_ds18b20_is_believed_only_with_a_right_checksum_and_after_its_first_conversion() {
        let slave = |crc: &str, value: &str| {
            let bytes = "50 05 4b 46 7f ff 0c 10 1c";
            let root = tree(&[("28-0316/w1_slave", &format!("{bytes} : crc=1c {crc}\n{bytes} t={value}\n"))]);
            values(&mut source(&root, "", "kind = \"w1\"\ndevice = \"28-0316\""))
        };
        assert_eq!(slave("YES", "-1250").unwrap(), [measured("temperature", -1.25, "Cel")]);
        assert!(matches!(slave("NO", "21000"), Err(ReadError::Checksum { .. })));
        assert!(matches!(slave("YES", "85000"), Err(ReadError::PowerOn { .. })));
        assert!(matches!(slave("YES", "127937"), Err(ReadError::NoPower { .. })));
        assert!(matches!(slave("YES", ""), Err(ReadError::NoNumber { .. })));
        let root = tree(&[("28-1/temperature", "85062\n"), ("28-2/temperature", "85000\n")]);
        let of = |folder: &str| values(&mut source(&root, folder, "kind = \"w1\""));
        assert_eq!(of("28-1").unwrap(), [measured("temperature", 85.062, "Cel")]);
        assert!(matches!(of("28-2"), Err(ReadError::PowerOn { .. })));
    }

    #[test]
    fn any_file_of_one_number_is_a_source_and_what_is_none_is_named() {
        let root = tree(&[("level", " 1.25e1 \n"), ("words", "n/a\n"), ("empty", ""), ("inf", "inf")]);
        let table = "kind = \"file\"\nmeasures = [\"level\"]\nunit = \"m\"";
        assert_eq!(values(&mut source(&root, "level", table)).unwrap(), [measured("level", 12.5, "m")]);
        for name in ["words", "empty", "inf"] {
            let error = values(&mut source(&root, name, table)).unwrap_err();
            assert!(matches!(error, ReadError::NoNumber { .. }), "{error}");
            assert!(error.to_string().contains(name), "{error}");
        }
        assert!(matches!(values(&mut source(&root, "gone", table)), Err(ReadError::NoFile { .. })));
    }
}
