//! `modbus-tcp` and `modbus-rtu`: a line to Modbus devices, and the points that are read from them.
//!
//! Tables, addresses and sizes: MODBUS Application Protocol Specification V1.1b3, sections 4.3, 4.4 and 6; the serial
//! line: MODBUS over Serial Line V1.02, section 2.5.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

pub(super) mod written;

/// Devices on one line, and what is read from them.
#[derive(Debug, Clone, PartialEq)]
pub struct ModbusSettings {
    /// How they are reached.
    pub link: Link,
    /// How long an answer may take.
    pub timeout: Duration,
    /// What is read, by quantity.
    pub points: BTreeMap<String, Point>,
}

/// How devices are reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// Over TCP.
    Tcp {
        /// `host:port`.
        address: String,
    },
    /// Over a serial line, with eight data bits.
    Serial {
        /// Such as `/dev/ttyUSB0`.
        device: String,
        /// Bits per second.
        baud_rate: u32,
        /// The check bit.
        parity: Parity,
        /// One or two.
        stop_bits: u8,
    },
}

/// The check bit of each character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Parity {
    /// The default of the specification.
    Even,
    /// The other one.
    Odd,
    /// No check; the specification then wants two stop bits.
    None,
}

/// One value in the registers of a device.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Which device on the line.
    pub unit_id: u8,
    /// Which of its tables.
    pub table: Table,
    /// The address as it goes over the wire, counted from 0.
    pub address: u16,
    /// How the value is written there.
    pub format: Format,
    /// Whether the least significant register comes first.
    pub low_word_first: bool,
    /// Its unit as SenML spells it.
    pub unit: String,
    /// The factor.
    pub scale: f64,
    /// What is added after that.
    pub offset: f64,
}

/// The four tables of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// Bits that can be written.
    Coils,
    /// Bits that can be read only.
    DiscreteInputs,
    /// Registers of 16 bits that can be written.
    HoldingRegisters,
    /// Registers of 16 bits that can be read only.
    InputRegisters,
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// 0 or 1; a register that is not 0 is 1.
    Bool,
    /// 16 bits.
    U16,
    /// 16 bits, two's complement.
    I16,
    /// 32 bits.
    U32,
    /// 32 bits, two's complement.
    I32,
    /// IEEE 754, 32 bits.
    F32,
    /// IEEE 754, 64 bits.
    F64,
}

impl Format {
    /// How many registers it takes.
    pub fn registers(self) -> u16 {
        match self {
            Self::Bool | Self::U16 | Self::I16 => 1,
            Self::U32 | Self::I32 | Self::F32 => 2,
            Self::F64 => 4,
        }
    }
}
