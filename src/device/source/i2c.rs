//! I2C buses: the seam that a chip's driver is built on, and the buses of Linux behind it.

use std::fmt::Display;
use std::io;
use std::path::PathBuf;

use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::I2c;
use linux_embedded_hal::{Delay, I2cdev};

use super::fault::ReadError;

/// Where a driver gets its bus, again and again: a bus may appear late, vanish and come back.
pub trait Connect: Send {
    /// The bus; its errors are shown to people.
    type Bus: I2c<Error: Display> + Send;
    /// What waits between two calls.
    type Delay: DelayNs + Send;

    /// How people call this bus.
    fn name(&self) -> &str;

    /// The bus, free to talk to the chip at the seven-bit `address`.
    ///
    /// # Errors
    /// The bus does not exist, may not be used, or keeps the address for somebody else.
    fn connect(&mut self, address: u8) -> Result<Self::Bus, ReadError>;

    /// A delay that fits the bus.
    fn delay(&self) -> Self::Delay;
}

/// An I2C bus of Linux, such as `/dev/i2c-1`.
#[derive(Debug, Clone)]
pub struct LinuxBus {
    path: PathBuf,
    name: String,
}

impl LinuxBus {
    /// The bus with this device file, which need not exist yet.
    pub fn new(path: PathBuf) -> Self {
        Self { name: path.display().to_string(), path }
    }

    fn refused(&self, address: u8, error: &io::Error) -> ReadError {
        let bus = self.name.clone();
        match error.kind() {
            io::ErrorKind::NotFound => ReadError::NoBus { bus },
            io::ErrorKind::PermissionDenied => ReadError::Permission { bus },
            io::ErrorKind::ResourceBusy => ReadError::Busy { bus, address },
            _ => ReadError::Bus(format!("`{bus}`: {error}")),
        }
    }
}

impl Connect for LinuxBus {
    type Bus = I2cdev;
    type Delay = Delay;

    fn name(&self) -> &str {
        &self.name
    }

    fn connect(&mut self, address: u8) -> Result<I2cdev, ReadError> {
        let mut bus = I2cdev::new(&self.path).map_err(|error| self.refused(address, &error.into()))?;
        // The first transfer would do this too, but reports EBUSY (a kernel driver is bound) as a plain bus error.
        bus.set_slave_address(address.into()).map_err(|error| self.refused(address, &error.into()))?;
        Ok(bus)
    }

    fn delay(&self) -> Delay {
        Delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Error numbers of Linux, the same on every architecture a Pi has.
    const EACCES: i32 = 13;
    const EBUSY: i32 = 16;

    fn connect(path: &std::path::Path) -> ReadError {
        LinuxBus::new(path.to_owned()).connect(0x76).err().unwrap()
    }

    #[test]
    fn a_bus_that_does_not_exist_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("i2c-1");
        assert_eq!(connect(&path), ReadError::NoBus { bus: path.display().to_string() });
    }

    #[test]
    fn a_file_that_is_no_bus_is_an_error_and_not_a_sensor() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(matches!(connect(file.path()), ReadError::Bus(_)));
    }

    #[test]
    fn the_kernel_s_refusals_are_told_apart() {
        let bus = LinuxBus::new("/dev/i2c-1".into());
        let refusal = |code| bus.refused(0x77, &io::Error::from_raw_os_error(code));
        assert_eq!(refusal(EACCES), ReadError::Permission { bus: "/dev/i2c-1".into() });
        assert_eq!(refusal(EBUSY), ReadError::Busy { bus: "/dev/i2c-1".into(), address: 0x77 });
    }
}
