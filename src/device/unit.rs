//! The systemd unit of a feeder, from `templates/iotctl.service`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use minijinja::{Environment, UndefinedBehavior, context};

use crate::bundle::{CERTIFICATE_FILE, KEY_FILE, MANIFEST_FILE, ROOT_FILE};
use crate::config::feeder::modbus::{Link, ModbusSettings};
use crate::config::feeder::source::SourceKind;
use crate::config::feeder::{FeederSettings, Sensor};
use crate::error::{Error, Result};
use crate::names::ThingName;

const TEMPLATE: &str = include_str!("../../templates/iotctl.service");
/// What the feeder reads of its bundle. feeder.toml is apart from it, because a reload must see it change.
const CREDENTIALS: [&str; 4] = [MANIFEST_FILE, CERTIFICATE_FILE, KEY_FILE, ROOT_FILE];

/// What a unit is made of.
#[derive(Debug, Clone)]
pub struct Unit {
    /// The thing of the bundle.
    pub thing: ThingName,
    /// Where the program is installed.
    pub program: PathBuf,
    /// Where the bundle is.
    pub bundle: PathBuf,
    /// The device nodes of the sensors.
    pub devices: BTreeSet<PathBuf>,
}

impl Unit {
    /// The name of the unit without `.service`, of its folders and of its entries in the journal. A colon is for thing
    /// names only: systemd splits the names of folders at it.
    pub fn name(&self) -> String {
        format!("iotctl-{}", self.thing.as_str().replace(':', "_"))
    }

    /// The groups that the device nodes belong to.
    pub fn groups(&self) -> Vec<&'static str> {
        self.devices.iter().map(|device| group(device)).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The text of the unit.
    ///
    /// Errors: usage, for a path that cannot stand in a unit.
    pub fn text(&self) -> Result<String> {
        let file = |name: &str| Ok(context! { name => name, path => written(&self.bundle.join(name))? });
        let devices: Vec<_> = self.devices.iter().map(|device| written(device)).collect::<Result<_>>()?;
        let values = context! {
            name => self.name(),
            thing => self.thing.as_str(),
            program => written(&self.program)?,
            credentials => CREDENTIALS.into_iter().map(file).collect::<Result<Vec<_>>>()?,
            groups => self.groups().join(" "),
            devices,
        };
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let text = environment.render_str(TEMPLATE, values);
        text.map(|text| text + "\n").map_err(|e| Error::failed("the template of the unit is broken").because(e))
    }
}

/// The device nodes that these settings ask for. Without tables it is the one sensor.
pub fn devices(settings: &FeederSettings) -> BTreeSet<PathBuf> {
    let of_tables = settings.source.values().filter_map(|source| match &source.value.kind {
        SourceKind::Bme680 { bus } => Some(bus.clone()),
        SourceKind::Modbus(ModbusSettings { link: Link::Serial { device, .. }, .. }) => Some(device.into()),
        SourceKind::Modbus(_) | SourceKind::Sim | SourceKind::Files(_) | SourceKind::Csv(_) => None,
    });
    let only = (settings.source.is_empty() && settings.sensor == Sensor::Bme680).then(|| settings.bus.clone());
    of_tables.chain(only).collect()
}

/// The group that Debian gives a node of this kind to.
fn group(device: &Path) -> &'static str {
    let name = device.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    if name.starts_with("tty") { "dialout" } else { "i2c" }
}

/// A path as it stands in a unit: absolute, `%` doubled, nothing that would have to be quoted.
fn written(path: &Path) -> Result<String> {
    let refused = |why: &str| {
        Error::usage(format!("`{}` cannot stand in a systemd unit: {why}", path.display()))
            .hint("move it to a folder without such characters, such as /etc/iotctl/NAME")
    };
    let text = path.to_str().ok_or_else(|| refused("it is not UTF-8"))?;
    let plain = |c: char| c.is_alphanumeric() || "/._-+,@%=".contains(c);
    match (path.is_absolute(), text.chars().find(|c| !plain(*c))) {
        (false, _) => Err(refused("it is not absolute")),
        (true, Some(c)) => Err(refused(&format!("it holds {c:?}"))),
        (true, None) => Ok(text.replace('%', "%%")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(bundle: &str) -> Unit {
        Unit {
            thing: "line22:pump-7".parse().unwrap(),
            program: "/usr/local/bin/iotctl".into(),
            bundle: bundle.into(),
            devices: ["/dev/i2c-1".into()].into(),
        }
    }

    #[test]
    fn a_unit_has_every_file_of_the_bundle_and_the_one_node() {
        let text = unit("/etc/iotctl/100%").text().unwrap();
        for line in [
            "LoadCredential=device.key.pem:/etc/iotctl/100%%/device.key.pem\n",
            "LoadCredential=root-ca.pem:/etc/iotctl/100%%/root-ca.pem\n",
            "StateDirectory=iotctl-line22_pump-7\n",
            "DeviceAllow=/dev/i2c-1 rw\nSupplementaryGroups=i2c\n",
            "ExecStart=/usr/local/bin/iotctl run --bundle %d ",
        ] {
            assert!(text.contains(line), "{text}");
        }
        assert!(!text.contains("PrivateDevices=yes"));
        let text = Unit { devices: BTreeSet::new(), ..unit("/b") }.text().unwrap();
        assert!(text.contains("PrivateDevices=yes\n") && !text.contains("DeviceAllow"));
    }

    #[test]
    fn a_path_that_would_end_the_line_or_the_word_is_refused() {
        for path in ["/a b", "/a\nExecStartPre=/bin/sh", "relative", "/a\"", "/a:b", "/$HOME"] {
            assert!(unit(path).text().is_err(), "{path}");
        }
    }

    #[test]
    fn only_a_real_chip_needs_a_node() {
        let nodes = |text: &str| devices(&FeederSettings::parse("feeder.toml", text).unwrap()).len();
        assert_eq!((nodes(""), nodes("sensor = \"sim\"")), (1, 0));
        let two = "[source.a]\nkind = \"bme680\"\nbus = \"/dev/i2c-3\"\n[source.b]\nkind = \"bme680\"\n";
        assert_eq!((nodes(two), nodes("[source.a]\nkind = \"sim\"\n")), (2, 0));
        let point = "point.flow = { register = \"holding:40\", type = \"f32\", unit = \"m3/h\" }\n";
        let line = format!("[source.a]\nkind = \"modbus-rtu\"\ndevice = \"/dev/ttyUSB0\"\nunit_id = 1\n{point}");
        let net = format!("[source.a]\nkind = \"modbus-tcp\"\naddress = \"plc:502\"\nunit_id = 1\n{point}");
        assert_eq!((nodes(&line), nodes(&net)), (1, 0));
    }
}
