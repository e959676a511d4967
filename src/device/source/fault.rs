//! Why a read gave no value, in terms a person can act on.

use thiserror::Error as ThisError;

use crate::error::{Error, Kind};

/// Why a source gave no readings.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub enum ReadError {
    /// The device file of the bus does not exist.
    #[error("there is no I2C bus `{bus}`")]
    NoBus {
        /// Device file.
        bus: String,
    },
    /// The device file of the bus may not be opened.
    #[error("no permission to use the I2C bus `{bus}`")]
    Permission {
        /// Device file.
        bus: String,
    },
    /// The kernel keeps the address for a driver of its own.
    #[error("address {address:#04x} of `{bus}` belongs to a kernel driver")]
    Busy {
        /// Device file.
        bus: String,
        /// Seven-bit I2C address.
        address: u8,
    },
    /// Nobody answers at the sensor's addresses.
    #[error("no BME680 answers on `{bus}` at 0x76 or 0x77: {cause}")]
    NoChip {
        /// Device file.
        bus: String,
        /// What the last attempt said.
        cause: String,
    },
    /// Somebody answers, and is no BME680.
    #[error("a chip with id {found:#04x} answers where a BME680 (0x61) is wanted")]
    WrongChip {
        /// Register 0xD0.
        found: u8,
    },
    /// The factory calibration is empty, so raw words mean nothing.
    #[error("the sensor's calibration is empty")]
    Calibration,
    /// A transfer failed while the sensor was in use.
    #[error("an I2C transfer failed: {0}")]
    Bus(String),
    /// The sensor said something that its datasheet does not know.
    #[error("the sensor answers nonsense: {0}")]
    Nonsense(String),
    /// The sensor lost its power and with it its settings.
    #[error("brown-out: the sensor lost its settings")]
    BrownOut,
    /// The conversion did not end in time.
    #[error("no new data: the conversion did not end")]
    NoNewData,
    /// The sensor did not go to sleep when told.
    #[error("the sensor does not change its mode")]
    Timeout,
    /// The temperature is outside -40 to 85 degrees Celsius, where the sensor works.
    #[error("{} degC is not a temperature that a BME680 can measure", f64::from(*centidegrees) / 100.0)]
    Implausible {
        /// Temperature in 0.01 degrees Celsius.
        centidegrees: i16,
    },
    /// A read without a successful open before it.
    #[error("the sensor is not open")]
    NotOpen,
    /// A file cannot be read.
    #[error("cannot read `{path}`: {cause}")]
    NoFile {
        /// The file.
        path: String,
        /// What the operating system says.
        cause: String,
    },
    /// No device of this name.
    #[error("no device `{device}` below `{path}`")]
    NoDevice {
        /// The name wanted.
        device: String,
        /// Folder of all devices.
        path: String,
    },
    /// A file holds something else than a number.
    #[error("`{path}` holds no number: `{found}`")]
    NoNumber {
        /// The file.
        path: String,
        /// The begin of what it holds.
        found: String,
    },
    /// A line of a CSV file that cannot be used.
    #[error("`{path}`, line {line}: {what}")]
    BadLine {
        /// The file.
        path: String,
        /// Its number; the header is line 1.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
    /// A device over TCP, or its serial line, cannot be reached.
    #[error("cannot reach `{address}`: {cause}")]
    NoLine {
        /// `host:port`, or the device file.
        address: String,
        /// What the operating system says.
        cause: String,
    },
    /// A device did not answer in time.
    #[error("unit {unit_id} at `{address}` did not answer")]
    Silent {
        /// `host:port`, or the device file.
        address: String,
        /// Which device on the line.
        unit_id: u8,
    },
    /// A device refused to say a value.
    #[error("`{point}`: the device answers with Modbus exception {code}, {name}")]
    Refused {
        /// The point.
        point: String,
        /// The exception code (MODBUS Application Protocol V1.1b3, section 7).
        code: u8,
        /// What it is called there.
        name: String,
    },
    /// The source has given all it has: no fault, and the end of its samples.
    #[error("the source has ended")]
    Ended,
    /// The checksum of a 1-wire transfer is wrong.
    #[error("`{path}`: the checksum is wrong")]
    Checksum {
        /// The file.
        path: String,
    },
    /// A DS18B20 says exactly 85 degrees Celsius before its first conversion (datasheet, "Operation").
    #[error("`{path}`: exactly 85 degC is the value after power-on, before the first conversion")]
    PowerOn {
        /// The file.
        path: String,
    },
    /// A DS18B20 had too little power to convert: 127.94 degrees Celsius is more than it can measure.
    #[error("`{path}`: the thermometer had too little power to measure")]
    NoPower {
        /// The file.
        path: String,
    },
    /// The kernel says that this channel is not to be trusted.
    #[error("`{path}` says that the channel has a fault, such as a broken wire")]
    Fault {
        /// The file.
        path: String,
    },
    /// The driver panicked.
    #[error("the sensor driver panicked: {0}")]
    Panicked(String),
}

impl ReadError {
    /// What to type or to check next; the most likely first.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::NoBus { .. } => vec!["sudo raspi-config nonint do_i2c 0".into(), SIMULATE.into()],
            Self::Permission { .. } => vec!["sudo usermod -aG i2c $USER, then log in again".into()],
            Self::Busy { bus, address } => vec![
                "sudo modprobe -r bme680_i2c".into(),
                format!(
                    "if it comes back, remove its dtoverlay from /boot/firmware/config.txt ({bus}, {address:#04x})"
                ),
            ],
            Self::NoChip { bus, .. } => vec![detect(bus), WIRING.into(), SIMULATE.into()],
            Self::WrongChip { found: 0x00 | 0xff } | Self::Calibration | Self::Bus(_) | Self::Nonsense(_) => {
                vec![WIRING.into()]
            }
            Self::WrongChip { .. } => vec!["set the address of one of the chips by its SDO pin".into()],
            Self::NoDevice { path, .. } => vec![format!("ls {path}")],
            Self::NoLine { address, .. } => vec![reach(address)],
            Self::Silent { .. } => vec!["check `unit_id`, and of a serial line `baud_rate`, `parity` and wires".into()],
            Self::Refused { code: 2, .. } => vec!["check `register`: addresses count from 0".into()],
            Self::Refused { .. } => vec![],
            Self::Checksum { .. } | Self::PowerOn { .. } | Self::NoPower { .. } => {
                vec!["check the 1-wire supply and its pull-up of 4.7 kOhm".into()]
            }
            Self::Fault { path } => vec![format!("cat {path}, and check the wires of the channel")],
            Self::NoFile { .. } | Self::NoNumber { .. } | Self::BadLine { .. } | Self::Ended => vec![],
            Self::BrownOut => vec!["check the sensor's supply: 3.3 V, short wires".into()],
            Self::NoNewData | Self::Timeout | Self::Implausible { .. } | Self::NotOpen | Self::Panicked(_) => vec![],
        }
    }
}

const SIMULATE: &str = "iotctl run --sensor sim";
const WIRING: &str = "check the wiring: SDA, SCL, 3.3 V, ground";

fn reach(address: &str) -> String {
    match address.rsplit_once(':') {
        Some((host, port)) => format!("nc -vz {} {port}", host.trim_matches(['[', ']'])),
        None => format!("ls -l {address}; the user must be in its group: sudo usermod -aG dialout $USER"),
    }
}

/// `i2cdetect` wants the number of the bus, not its path.
fn detect(bus: &str) -> String {
    format!("i2cdetect -y {}", bus.rsplit('-').next().filter(|n| n.parse::<u8>().is_ok()).unwrap_or("1"))
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        let kind = match error {
            ReadError::NoBus { .. } | ReadError::Permission { .. } | ReadError::Busy { .. } => Kind::Configuration,
            _ => Kind::Failed,
        };
        error.hints().into_iter().fold(Self::new(kind, error.to_string()), Self::hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_bus_says_how_to_enable_it_and_how_to_do_without() {
        let error = Error::from(ReadError::NoBus { bus: "/dev/i2c-1".into() });
        assert_eq!(error.to_string(), "there is no I2C bus `/dev/i2c-1`");
        assert_eq!(error.kind(), Kind::Configuration);
        assert_eq!(error.hints(), ["sudo raspi-config nonint do_i2c 0", "iotctl run --sensor sim"]);
    }

    #[test]
    fn a_missing_chip_names_the_bus_to_scan() {
        let hints = |bus: &str| ReadError::NoChip { bus: bus.into(), cause: String::new() }.hints();
        assert_eq!(hints("/dev/i2c-3").first().unwrap(), "i2cdetect -y 3");
        assert_eq!(hints("/dev/sensors").first().unwrap(), "i2cdetect -y 1");
    }

    #[test]
    fn an_implausible_temperature_is_named_in_degrees() {
        let text = ReadError::Implausible { centidegrees: 8501 }.to_string();
        assert_eq!(text, "85.01 degC is not a temperature that a BME680 can measure");
    }
}
