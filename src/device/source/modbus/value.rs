//! From registers to a number. Pure.

use crate::config::feeder::modbus::{Format, Point};
use crate::device::source::calibrated::without_noise;

/// The value of a point, from as many words as it has; `None` if that is no finite number.
pub(super) fn value(point: &Point, words: &[u16]) -> Option<f64> {
    let raw = raw(point, words)?;
    let value =
        if point.scale == 1.0 && point.offset == 0.0 { raw } else { without_noise(raw * point.scale + point.offset) };
    value.is_finite().then_some(value)
}

/// A register is sent with its high byte first; which of several registers comes first is the maker's choice.
fn raw(point: &Point, words: &[u16]) -> Option<f64> {
    let shift = |bits: u64, word: &u16| bits << 16 | u64::from(*word);
    let bits = if point.low_word_first { words.iter().rev().fold(0, shift) } else { words.iter().fold(0, shift) };
    let half = u32::try_from(bits);
    let word = u16::try_from(bits);
    Some(match point.format {
        Format::Bool => f64::from(u8::from(bits != 0)),
        Format::U16 => f64::from(word.ok()?),
        Format::I16 => f64::from(word.ok()?.cast_signed()),
        Format::U32 => f64::from(half.ok()?),
        Format::I32 => f64::from(half.ok()?.cast_signed()),
        Format::F32 => shortest(f32::from_bits(half.ok()?)),
        Format::F64 => f64::from_bits(bits),
    })
}

/// 0.1 as a device of 32 bits has it is 0.1, and not 0.10000000149011612.
fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::feeder::modbus::Table;

    fn point(format: Format, low_word_first: bool) -> Point {
        let (table, unit, scale, offset) = (Table::HoldingRegisters, String::new(), 1.0, 0.0);
        Point { unit_id: 1, table, address: 0, format, low_word_first, unit, scale, offset }
    }

    #[test]
    fn every_format_is_read_high_word_first() {
        let of = |format, words: &[u16]| value(&point(format, false), words).unwrap();
        assert_eq!(of(Format::Bool, &[0]), 0.0);
        assert_eq!(of(Format::Bool, &[0x0100]), 1.0);
        assert_eq!(of(Format::U16, &[0xffff]), 65_535.0);
        assert_eq!(of(Format::I16, &[0xff9c]), -100.0);
        assert_eq!(of(Format::U32, &[0x0001, 0x86a0]), 100_000.0);
        assert_eq!(of(Format::I32, &[0xfffe, 0x7960]), -100_000.0);
        // The example of the IEEE: -118.625 is C2ED4000.
        assert_eq!(of(Format::F32, &[0xc2ed, 0x4000]), -118.625);
        assert_eq!(of(Format::F32, &[0x3dcc, 0xcccd]), 0.1);
        assert_eq!(of(Format::F64, &[0x4009, 0x21fb, 0x5444, 0x2d18]), std::f64::consts::PI);
    }

    #[test]
    fn the_low_word_can_come_first() {
        assert_eq!(value(&point(Format::U32, true), &[0x86a0, 0x0001]), Some(100_000.0));
        assert_eq!(value(&point(Format::F64, true), &[0x2d18, 0x5444, 0x21fb, 0x4009]), Some(std::f64::consts::PI));
        assert_eq!(value(&point(Format::U16, true), &[7]), Some(7.0));
    }

    #[test]
    fn scale_and_offset_leave_no_noise_and_what_is_no_number_is_none() {
        let scaled = Point { scale: 0.1, offset: -40.0, ..point(Format::U16, false) };
        assert_eq!(value(&scaled, &[623]), Some(22.3));
        assert_eq!(value(&point(Format::F32, false), &[0x7fc0, 0]), None);
        assert_eq!(value(&point(Format::F32, false), &[0x7f80, 0]), None);
    }
}
