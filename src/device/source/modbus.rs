//! Modbus devices, over TCP or a serial line: each point is a quantity.
//!
//! All devices of a line are one source, so that there is one voice on it at a time. What one device, or one point,
//! does not say is missing for itself; the others have their values.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use tokio_modbus::prelude::ExceptionCode;

use super::fault::ReadError;
use super::reading::{Quantity, Reading, Source, Wanted};
use crate::config::feeder::modbus::{ModbusSettings, Point};

mod groups;
mod line;
mod patience;
mod value;

use groups::{Group, groups};
use line::{Fault, Line};

/// What the points are.
pub(super) fn quantities(settings: &ModbusSettings) -> Vec<Quantity> {
    settings.points.iter().map(|(name, point)| quantity(name, point)).collect()
}

fn quantity(name: &str, point: &Point) -> Quantity {
    Quantity { name: name.to_owned().into(), unit: point.unit.clone().into() }
}

/// Modbus devices on one line.
pub struct Modbus {
    points: BTreeMap<String, Point>,
    line: Line,
    /// The points without a value, and why: each change is one line in the log.
    troubles: BTreeMap<String, ReadError>,
}

impl Modbus {
    /// The devices of these settings. Touches nothing.
    pub fn new(settings: ModbusSettings) -> Self {
        let ModbusSettings { link, timeout, points } = settings;
        Self { points, line: Line::new(link, timeout), troubles: BTreeMap::new() }
    }

    /// Logs what is new, a line for each reason and not for each point, and remembers it.
    fn note(&mut self, outcomes: &Outcomes) {
        let mut news: Vec<(&ReadError, Vec<&str>)> = Vec::new();
        for (name, outcome) in outcomes {
            match outcome {
                Err(error) if self.troubles.get(name) != Some(error) => {
                    match news.iter_mut().find(|(known, _)| *known == error) {
                        Some((_, names)) => names.push(name),
                        None => news.push((error, vec![name])),
                    }
                    self.troubles.insert(name.clone(), error.clone());
                }
                Ok(_) if self.troubles.remove(name).is_some() => tracing::info!("`{name}` has a value again"),
                _ => {}
            }
        }
        for (error, names) in news {
            tracing::warn!(hints = ?error.hints(), "no value of {}: {error}", names.join(", "));
        }
    }
}

/// What became of each point that was asked for.
type Outcomes = BTreeMap<String, Result<Option<f64>, ReadError>>;

/// Asks for the groups one by one.
///
/// # Errors
/// There is no line, so nobody can be asked.
fn ask(line: &mut Line, groups: Vec<Group<'_>>) -> Result<Outcomes, ReadError> {
    let mut outcomes = Outcomes::new();
    let mut silent = BTreeSet::new();
    // From the last to the first, because a group that is refused gives way to its points.
    let mut open: Vec<_> = groups.into_iter().rev().collect();
    while let Some(group) = open.pop() {
        if silent.contains(&group.unit_id) {
            let silence = ReadError::Silent { address: line.address().into(), unit_id: group.unit_id };
            fail(&mut outcomes, &group, |_| silence.clone());
            continue;
        }
        match line.ask(&group) {
            Ok(words) => {
                outcomes.extend(
                    group.points.iter().map(|(name, point)| ((*name).to_owned(), Ok(read(&group, point, &words)))),
                );
            }
            // Some devices refuse a request across two of their blocks: only the point itself tells who is meant.
            Err(Fault::Refused(_)) if group.points.len() > 1 => {
                open.extend(group.points.iter().rev().map(|(name, point)| Group::of(name, point)));
            }
            Err(Fault::Refused(exception)) => fail(&mut outcomes, &group, |point| refused(point, exception)),
            Err(Fault::Unit(error)) => {
                silent.insert(group.unit_id);
                fail(&mut outcomes, &group, |_| error.clone());
            }
            Err(Fault::Line(error)) => return Err(error),
        }
    }
    Ok(outcomes)
}

fn read(group: &Group<'_>, point: &Point, words: &[u16]) -> Option<f64> {
    value::value(point, group.words(point, words)?)
}

fn fail(outcomes: &mut Outcomes, group: &Group<'_>, error: impl Fn(&str) -> ReadError) {
    outcomes.extend(group.points.iter().map(|(name, _)| ((*name).to_owned(), Err(error(name)))));
}

fn refused(point: &str, exception: ExceptionCode) -> ReadError {
    ReadError::Refused { point: point.to_owned(), code: exception.into(), name: exception.to_string().to_lowercase() }
}

impl Source for Modbus {
    fn origin(&self) -> &str {
        self.line.address()
    }

    fn open(&mut self) -> Result<(), ReadError> {
        self.line.make(Instant::now())
    }

    fn read(&mut self, wanted: Wanted<'_>) -> Result<Vec<Reading>, ReadError> {
        let due = self.points.iter().filter(|(name, _)| wanted(name)).map(|(name, point)| (name.as_str(), point));
        let outcomes = ask(&mut self.line, groups(due))?;
        self.note(&outcomes);
        let mut failures = outcomes.values().map(|outcome| outcome.as_ref().err());
        if let Some(Some(first)) =
            failures.next().filter(|first| first.is_some() && failures.all(|other| other.is_some()))
        {
            return Err(first.clone());
        }
        let reading = |(name, outcome): (String, Result<Option<f64>, ReadError>)| {
            let point = self.points.get(&name)?;
            Some(Reading { quantity: quantity(&name, point), value: outcome.ok().flatten() })
        };
        Ok(outcomes.into_iter().filter_map(reading).collect())
    }
}
