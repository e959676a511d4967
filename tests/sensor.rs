//! The simulated BME680, register by register, under the real driver: values come back, faults are failed readings.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

use std::time::Duration;

use iotctl::device::input::Input;
use iotctl::device::intake::{Intake, WAITING};
use iotctl::device::message::{self, Form, Measurement};
use iotctl::device::source::agenda::{Plan, Tick};
use iotctl::device::source::bme680::{Bme680, Heater};
use iotctl::device::source::fault::ReadError;
use iotctl::device::source::reading::{GAS_RESISTANCE, HUMIDITY, PRESSURE, Quantity, Source, TEMPERATURE, everything};
use iotctl::device::source::sampler::Sampler;
use iotctl::device::source::sim::Sim;
use iotctl::device::source::sim::air::Air;
use iotctl::device::source::sim::bus::SimBus;
use iotctl::device::source::sim::chip::{Chip, Fault};
use time::macros::datetime;

const INDOORS: Air = Air { centidegrees: 2158, pascals: 101_325, millipercent: 45_000, ohms: 120_000 };

fn sensor(address: u8) -> (Bme680<SimBus>, SimBus) {
    let bus = SimBus::new(Chip::new(address, INDOORS));
    (Bme680::new(bus.clone(), Some(Heater::TUTORIAL)), bus)
}

fn value(sensor: &mut Bme680<SimBus>, quantity: Quantity) -> Option<f64> {
    sensor
        .read(&everything)
        .unwrap()
        .into_iter()
        .find(|reading| reading.quantity == quantity)
        .and_then(|reading| reading.value)
}

#[test]
fn every_temperature_from_minus_40_to_85_is_read_back_to_the_hundredth() {
    let (mut sensor, bus) = sensor(0x76);
    sensor.open().unwrap();
    for centidegrees in (-4000..=8500).step_by(25) {
        bus.chip().set_air(Air { centidegrees, ..INDOORS });
        assert_eq!(value(&mut sensor, TEMPERATURE), Some(f64::from(centidegrees) / 100.0));
    }
}

#[test]
fn pressure_humidity_and_gas_come_back_as_near_as_the_chip_can() {
    let (mut sensor, bus) = sensor(0x76);
    sensor.open().unwrap();
    for (pascals, millipercent, ohms) in
        [(30_500, 1_000, 5_000), (101_325, 45_000, 120_000), (109_000, 99_000, 900_000)]
    {
        bus.chip().set_air(Air { pascals, millipercent, ohms, ..INDOORS });
        assert!((value(&mut sensor, PRESSURE).unwrap() - f64::from(pascals)).abs() <= 4.0);
        assert!((value(&mut sensor, HUMIDITY).unwrap() - f64::from(millipercent) / 1000.0).abs() <= 0.03);
        let gas = (0..4).find_map(|_| value(&mut sensor, GAS_RESISTANCE)).unwrap();
        assert!((gas / f64::from(ohms) - 1.0).abs() <= 0.01, "{gas}");
    }
}

#[test]
fn the_second_address_is_tried_when_the_first_is_silent() {
    let (mut sensor, _bus) = sensor(0x77);
    sensor.open().unwrap();
    assert_eq!(value(&mut sensor, TEMPERATURE), Some(21.58));
}

#[test]
fn gas_is_absent_until_the_hot_plate_has_settled() {
    let (mut sensor, _bus) = sensor(0x76);
    sensor.open().unwrap();
    let gas: Vec<_> = (0..5).map(|_| value(&mut sensor, GAS_RESISTANCE).is_some()).collect();
    assert_eq!(gas, [false, false, false, true, true]);
}

#[test]
fn each_fault_is_a_failed_reading_and_the_next_good_tick_recovers() {
    for fault in [Fault::Nak, Fault::AllOnes, Fault::BrownOut, Fault::NeverEnds] {
        let (mut sensor, bus) = sensor(0x76);
        sensor.open().unwrap();
        assert_eq!(value(&mut sensor, TEMPERATURE), Some(21.58));
        bus.chip().set_fault(Some(fault));
        let error = sensor.read(&everything).unwrap_err();
        let wanted = match fault {
            Fault::Nak => matches!(error, ReadError::Bus(_)),
            Fault::AllOnes => !matches!(error, ReadError::Panicked(_)),
            Fault::BrownOut => error == ReadError::BrownOut,
            Fault::NeverEnds => error == ReadError::NoNewData,
        };
        assert!(wanted, "{fault:?}: {error:?}");
        bus.chip().set_fault(None);
        sensor.open().unwrap_or_else(|e| panic!("after {fault:?}: {e}"));
        assert_eq!(value(&mut sensor, TEMPERATURE), Some(21.58), "after {fault:?}");
    }
}

#[test]
fn a_chip_that_lost_its_settings_in_silence_is_not_believed() {
    let (mut sensor, bus) = sensor(0x76);
    sensor.open().unwrap();
    bus.chip().set_fault(Some(Fault::BrownOut));
    bus.chip().set_fault(None);
    // Every driver would report 34.72 degrees and 605 hPa here, with the new-data bit set.
    assert!(sensor.read(&everything).is_err() || value(&mut sensor, TEMPERATURE) == Some(21.58));
}

#[tokio::test]
async fn a_failed_reading_is_a_message_with_null_and_fail_and_the_feeder_goes_on() {
    let sim = Sim::new(7).with_fault(1..3, Fault::Nak).with_fault(4..5, Fault::BrownOut);
    let tick = Tick { interval: Duration::from_millis(1), ..Tick::default() };
    let plan = Plan { ticks: vec![tick], count: Some(6) };
    let (sink, inputs) = tokio::sync::mpsc::channel(WAITING);
    let sampler = Sampler::start(Box::new(sim), plan, || datetime!(2026-11-25 12:00 UTC), sink).unwrap();
    let mut intake = Intake::new(inputs, vec![sampler]);
    let mut statuses = Vec::new();
    while let Some(Input::Sample(sample)) = intake.next().await {
        let measurement = Measurement::of(&sample, &TEMPERATURE);
        let message: serde_json::Value =
            serde_json::from_slice(&message::encode(0, &measurement, Form::default())).unwrap();
        assert_eq!(message["value"].is_null(), message["status"] == "fail");
        statuses.push(message["status"].as_str().unwrap().to_owned());
    }
    assert_eq!(statuses, ["success", "fail", "fail", "success", "fail", "success"]);
    assert_eq!((intake.tally().failed, intake.tally().brown_outs), (3, 1));
}
