//! Which registers are read together: neighbours share a request. Pure.

use crate::config::feeder::modbus::{Point, Table};

/// The most registers of one request (MODBUS Application Protocol V1.1b3, sections 6.3 and 6.4). More bits would go, but
/// nobody misses them.
const MOST: u16 = 125;

/// Points that one request reads.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group<'a> {
    pub(super) unit_id: u8,
    pub(super) table: Table,
    pub(super) address: u16,
    pub(super) count: u16,
    /// Names and points, by address.
    pub(super) points: Vec<(&'a str, &'a Point)>,
}

impl<'a> Group<'a> {
    pub(super) fn of(name: &'a str, point: &'a Point) -> Self {
        let &Point { unit_id, table, address, .. } = point;
        Self { unit_id, table, address, count: point.format.registers(), points: vec![(name, point)] }
    }

    /// Takes in a point behind or within it. A gap is never read: a device may refuse registers that it does not have.
    fn admits(&self, point: &Point) -> Option<u16> {
        let is_near = self.unit_id == point.unit_id
            && self.table == point.table
            && u32::from(point.address) <= u32::from(self.address) + u32::from(self.count);
        let count = (point.address - self.address.min(point.address)).checked_add(point.format.registers())?;
        (is_near && count <= MOST).then(|| count.max(self.count))
    }

    /// The words of a point, out of those of the group.
    pub(super) fn words<'w>(&self, point: &Point, all: &'w [u16]) -> Option<&'w [u16]> {
        let first = usize::from(point.address - self.address);
        all.get(first..first + usize::from(point.format.registers()))
    }
}

/// As few requests as possible for these points.
pub(super) fn groups<'a>(points: impl Iterator<Item = (&'a str, &'a Point)>) -> Vec<Group<'a>> {
    let mut sorted: Vec<_> = points.collect();
    sorted.sort_by_key(|(_, point)| (point.unit_id, point.table, point.address));
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (name, point) in sorted {
        match groups.last_mut().and_then(|group| Some((group.admits(point)?, group))) {
            Some((count, group)) => {
                group.count = count;
                group.points.push((name, point));
            }
            None => groups.push(Group::of(name, point)),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::feeder::modbus::Format;

    fn point(unit_id: u8, table: Table, address: u16, format: Format) -> Point {
        let (unit, scale, offset) = (String::new(), 1.0, 0.0);
        Point { unit_id, table, address, format, low_word_first: false, unit, scale, offset }
    }

    /// First address and count of each group.
    fn spans(points: &[Point]) -> Vec<(u8, u16, u16, usize)> {
        let found = groups(points.iter().map(|point| ("p", point)));
        found.iter().map(|group| (group.unit_id, group.address, group.count, group.points.len())).collect()
    }

    #[test]
    fn neighbours_share_a_request_and_a_gap_divides_them() {
        use Table::{HoldingRegisters, InputRegisters};
        let points = [
            point(1, HoldingRegisters, 44, Format::U16),
            point(1, HoldingRegisters, 40, Format::F32),
            point(1, HoldingRegisters, 42, Format::I16),
            point(1, HoldingRegisters, 42, Format::U32),
            point(1, HoldingRegisters, 46, Format::U16),
            point(1, InputRegisters, 45, Format::U16),
            point(2, HoldingRegisters, 47, Format::U16),
        ];
        assert_eq!(spans(&points), [(1, 40, 5, 4), (1, 46, 1, 1), (1, 45, 1, 1), (2, 47, 1, 1)]);
    }

    #[test]
    fn a_request_has_125_registers_at_most_and_ends_at_the_last_address() {
        let row: Vec<_> = (0..126).map(|address| point(1, Table::InputRegisters, address, Format::U16)).collect();
        assert_eq!(spans(&row), [(1, 0, 125, 125), (1, 125, 1, 1)]);
        let long: Vec<_> = (0..40).map(|n| point(1, Table::InputRegisters, n * 4, Format::F64)).collect();
        assert_eq!(spans(&long), [(1, 0, 124, 31), (1, 124, 36, 9)]);
        let last: Vec<_> = (65_500..=65_535).map(|n| point(1, Table::Coils, n, Format::Bool)).collect();
        assert_eq!(spans(&last), [(1, 65_500, 36, 36)]);
    }

    #[test]
    fn each_point_finds_its_words_and_a_short_answer_has_none() {
        let (a, b) = (point(1, Table::Coils, 7, Format::U16), point(1, Table::Coils, 8, Format::U32));
        let found = groups([("a", &a), ("b", &b)].into_iter());
        assert_eq!(found[0].words(&b, &[1, 2, 3]), Some([2, 3].as_slice()));
        assert_eq!(found[0].words(&b, &[1, 2]), None);
    }
}
