//! How a table says it, and what is wrong with it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;

use super::{Format, Link, ModbusSettings, Parity, Point, Table};

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WordOrder {
    Big,
    Little,
}

/// A table and an address in it, such as `holding:40`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct Register(Table, u16);

impl FromStr for Register {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (table, address) = text.split_once(':').unwrap_or((text, ""));
        let table = match table {
            "coil" => Table::Coils,
            "discrete" => Table::DiscreteInputs,
            "holding" => Table::HoldingRegisters,
            "input" => Table::InputRegisters,
            _ => return Err(format!("`{text}` is no register; write it like `holding:40`, or input, coil, discrete")),
        };
        let address = address.parse().map_err(|_| format!("`{text}`: an address is a number from 0 to 65535"))?;
        Ok(Self(table, address))
    }
}

impl TryFrom<String> for Register {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// `point.NAME`, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config::feeder) struct WrittenPoint {
    register: Register,
    #[serde(rename = "type")]
    format: Option<Format>,
    word_order: Option<WordOrder>,
    unit_id: Option<u8>,
    #[serde(default)]
    unit: String,
    scale: Option<f64>,
    offset: Option<f64>,
}

impl WrittenPoint {
    fn check(self, unit_id: u8, is_serial: bool) -> Result<Point, String> {
        let Register(table, address) = self.register;
        let is_bit = matches!(table, Table::Coils | Table::DiscreteInputs);
        let format = self.format.unwrap_or(if is_bit { Format::Bool } else { Format::U16 });
        let unit_id = self.unit_id.unwrap_or(unit_id);
        if is_bit && format != Format::Bool {
            return Err("a coil and a discrete input are of type `bool`".into());
        }
        if address.checked_add(format.registers() - 1).is_none() {
            return Err("it does not end before address 65536".into());
        }
        if is_serial && !(1..=247).contains(&unit_id) {
            return Err(format!("`unit_id`: a device on a serial line has a number from 1 to 247, not {unit_id}"));
        }
        let (scale, offset) = (self.scale.unwrap_or(1.0), self.offset.unwrap_or(0.0));
        if !(scale.is_normal() && offset.is_finite()) {
            return Err("`scale` and `offset` are numbers to calculate with".into());
        }
        let low_word_first = matches!(self.word_order, Some(WordOrder::Little));
        Ok(Point { unit_id, table, address, format, low_word_first, unit: self.unit, scale, offset })
    }
}

/// What a table says of Modbus, each setting as it is written.
#[derive(Debug)]
pub(in crate::config::feeder) struct Written {
    pub(in crate::config::feeder) address: Option<String>,
    pub(in crate::config::feeder) device: Option<String>,
    pub(in crate::config::feeder) unit_id: Option<u8>,
    pub(in crate::config::feeder) timeout: Option<Duration>,
    pub(in crate::config::feeder) point: BTreeMap<String, WrittenPoint>,
    pub(in crate::config::feeder) baud_rate: Option<u32>,
    pub(in crate::config::feeder) parity: Option<Parity>,
    pub(in crate::config::feeder) stop_bits: Option<u8>,
}

/// An answer of a slow inverter takes more than half a second; one that takes longer than a minute never comes.
const TIMEOUT: Duration = Duration::from_secs(1);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(60);

impl Written {
    pub(in crate::config::feeder) fn over_tcp(self) -> Result<ModbusSettings, String> {
        let address = self.address.as_deref().ok_or("`address` is missing, such as \"192.0.2.10:502\"")?;
        let address = with_port(address).ok_or_else(|| format!("`address`: `{address}` is no `host:port`"))?;
        self.check(Link::Tcp { address })
    }

    pub(in crate::config::feeder) fn over_serial(self) -> Result<ModbusSettings, String> {
        let device = self.device.clone().ok_or("`device` is missing, such as \"/dev/ttyUSB0\"")?;
        let parity = self.parity.unwrap_or(Parity::Even);
        let stop_bits = self.stop_bits.unwrap_or(if parity == Parity::None { 2 } else { 1 });
        let baud_rate = self.baud_rate.unwrap_or(19_200);
        if !(1..=2).contains(&stop_bits) || baud_rate == 0 {
            return Err("`stop_bits` is 1 or 2, and `baud_rate` the bits of a second".into());
        }
        self.check(Link::Serial { device, baud_rate, parity, stop_bits })
    }

    fn check(self, link: Link) -> Result<ModbusSettings, String> {
        let timeout = self.timeout.unwrap_or(TIMEOUT);
        if timeout > LONGEST_TIMEOUT {
            return Err("`timeout` is a minute at most".into());
        }
        if self.point.is_empty() {
            return Err("`point` is missing, such as point.flow = { register = \"holding:40\", type = \"f32\" }".into());
        }
        let (unit_id, is_serial) = (self.unit_id.unwrap_or(1), matches!(link, Link::Serial { .. }));
        let point = |(name, written): (String, WrittenPoint)| match written.check(unit_id, is_serial) {
            Ok(point) => Ok((name, point)),
            Err(text) => Err(format!("`point.{name}`: {text}")),
        };
        Ok(ModbusSettings { link, timeout, points: self.point.into_iter().map(point).collect::<Result<_, _>>()? })
    }
}

/// The address with a port: 502 is that of Modbus.
fn with_port(address: &str) -> Option<String> {
    if address.parse::<SocketAddr>().is_ok() {
        return Some(address.to_owned());
    }
    let (host, port) = address.rsplit_once(':').unwrap_or((address, "502"));
    let is_host = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
    (is_host && port.parse::<u16>().is_ok()).then(|| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::super::super::FeederSettings;
    use super::super::super::source::SourceKind;
    use super::*;
    use crate::error::Result;

    fn parsed(table: &str) -> Result<ModbusSettings> {
        let settings = FeederSettings::parse("feeder.toml", &format!("[source.s]\n{table}\n"))?;
        match &settings.source["s"].value.kind {
            SourceKind::Modbus(settings) => Ok(settings.clone()),
            kind => panic!("{kind:?}"),
        }
    }

    #[test]
    fn what_is_left_out_is_what_the_specification_has() {
        let tcp = parsed("kind = \"modbus-tcp\"\naddress = \"plc\"\npoint.a = { register = \"holding:40\" }").unwrap();
        assert_eq!((tcp.link, tcp.timeout), (Link::Tcp { address: "plc:502".into() }, TIMEOUT));
        let point = &tcp.points["a"];
        assert_eq!((point.unit_id, point.table, point.address), (1, Table::HoldingRegisters, 40));
        assert_eq!((point.format, point.low_word_first, point.scale, point.offset), (Format::U16, false, 1.0, 0.0));
        let rtu = "kind = \"modbus-rtu\"\ndevice = \"/dev/ttyUSB0\"\npoint.a = { register = \"coil:0\" }";
        let rtu = parsed(rtu).unwrap();
        let line =
            |parity, stop_bits| Link::Serial { device: "/dev/ttyUSB0".into(), baud_rate: 19_200, parity, stop_bits };
        assert_eq!((rtu.link, rtu.points["a"].format), (line(Parity::Even, 1), Format::Bool));
        let bare =
            "kind = \"modbus-rtu\"\ndevice = \"/dev/ttyUSB0\"\nparity = \"none\"\npoint.a = { register = \"coil:0\" }";
        assert_eq!(parsed(bare).unwrap().link, line(Parity::None, 2), "eleven bits a character in any case");
    }

    #[test]
    fn addresses_have_a_host_and_a_port() {
        for (written, wanted) in [
            ("192.0.2.10:1502", Some("192.0.2.10:1502")),
            ("192.0.2.10", Some("192.0.2.10:502")),
            ("[2001:db8::1]:502", Some("[2001:db8::1]:502")),
            ("plc-7.hall_2.example", Some("plc-7.hall_2.example:502")),
            ("2001:db8::1", None),
            ("plc:modbus", None),
            (":502", None),
            ("tcp://plc", None),
            ("", None),
        ] {
            assert_eq!(with_port(written).as_deref(), wanted, "{written}");
        }
    }

    #[test]
    fn every_fault_names_its_point_and_its_setting() {
        let tcp = |point: &str| format!("kind = \"modbus-tcp\"\naddress = \"plc\"\n{point}");
        let rtu = |more: &str| format!("kind = \"modbus-rtu\"\ndevice = \"/dev/ttyS0\"\n{more}");
        let good = "point.a = { register = \"holding:1\" }";
        let cases = [
            (tcp(""), "`point` is missing"),
            (tcp("point.a = { register = \"40041\" }"), "`40041` is no register; write it like `holding:40`"),
            (tcp("point.a = { register = \"holding:65536\" }"), "an address is a number from 0 to 65535"),
            (tcp("point.a = { register = \"holding:65533\", type = \"f64\" }"), "`point.a`: it does not end before"),
            (tcp("point.a = { register = \"coil:1\", type = \"u16\" }"), "`point.a`: a coil and a discrete input"),
            (tcp("point.a = { register = \"input:1\", scale = 0 }"), "`point.a`: `scale` and `offset` are numbers"),
            (tcp("point.a = { register = \"input:1\", type = \"u8\" }"), "line 4, `point.a`: unknown variant `u8`"),
            (tcp("point.a = { register = \"input:1\", colour = 1 }"), "line 4, `point.a`: unknown field `colour`"),
            (tcp(&format!("timeout = \"2m\"\n{good}")), "`timeout` is a minute at most"),
            (
                tcp(&format!("baud_rate = 9600\n{good}")),
                "`baud_rate` is no setting of `modbus-tcp`; it is one of `modbus-rtu`",
            ),
            (rtu("point.a = { register = \"holding:1\", unit_id = 0 }"), "a number from 1 to 247, not 0"),
            (rtu(&format!("stop_bits = 3\n{good}")), "`stop_bits` is 1 or 2"),
            (format!("kind = \"modbus-rtu\"\n{good}"), "`device` is missing"),
            (format!("kind = \"modbus-tcp\"\n{good}"), "`address` is missing"),
            (
                rtu(&format!("{good}\n[source.t]\n{}", rtu(good))),
                "line 5, `source.t`: `/dev/ttyS0` is the line of source `s`",
            ),
        ];
        for (table, wanted) in cases {
            let error = parsed(&table).unwrap_err();
            assert!(error.message().contains(wanted), "{table}\n{error}");
        }
    }
}
