//! What the numbers of the readings say: which are missing, which came twice, which came late.
//!
//! Each topic has numbers of its own, one by one. A gap record says which readings its sender has given up; a number that
//! is missing and not announced was lost on the way, or never sent.

use std::collections::BTreeMap;

use serde_json::Value;

/// Something that is not as it must be, or worth a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Numbers that were jumped over.
    Missing {
        /// The first.
        first: u64,
        /// The last.
        last: u64,
    },
    /// The sender says that it has lost readings.
    Announced {
        /// The lowest number.
        first: u64,
        /// The highest number.
        last: u64,
        /// How many.
        lost: u64,
    },
    /// A number that was missing has come after all.
    Late {
        /// Which.
        sequence: u64,
    },
    /// A number that had come before: QoS 1 may do so.
    Duplicate {
        /// Which.
        sequence: u64,
    },
    /// The numbers begin again, with a newer reading: another queue.
    Restart {
        /// Where they begin.
        sequence: u64,
    },
}

impl Finding {
    /// Its name in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "missing",
            Self::Announced { .. } => "announced",
            Self::Late { .. } => "late",
            Self::Duplicate { .. } => "duplicate",
            Self::Restart { .. } => "restart",
        }
    }
}

/// The sums of one topic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// Messages with a number, gap records apart.
    pub readings: u64,
    /// Numbers that have not come, and nobody announced.
    pub missing: u64,
    /// Readings that their sender has given up.
    pub announced: u64,
    /// Numbers that came again.
    pub duplicates: u64,
    /// Numbers that came behind a higher one.
    pub late: u64,
    /// Times that the numbers began again.
    pub restarts: u64,
    /// Messages without a number.
    pub unnumbered: u64,
}

/// Ranges of missing numbers that are kept in mind for each topic.
const MOST_RANGES: usize = 10_000;

/// All topics.
#[derive(Debug, Default)]
pub struct Gaps {
    topics: BTreeMap<String, Track>,
}

#[derive(Debug, Default)]
struct Track {
    /// The number that is next, once one has come.
    next: Option<u64>,
    /// The time of the newest reading.
    newest: Option<Time>,
    epoch: Option<String>,
    /// Numbers that are missing, as first and last.
    missing: BTreeMap<u64, u64>,
    sums: Sums,
}

/// A timestamp in either of its forms; only those of one form are compared.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
enum Time {
    Iso(String),
    Epoch(i64),
}

impl Gaps {
    /// Takes a message; what it shows, in the order in which it shows it.
    pub fn take(&mut self, topic: &str, payload: &[u8]) -> Vec<Finding> {
        let track = self.topics.entry(topic.to_owned()).or_default();
        let message: Value = serde_json::from_slice(payload).unwrap_or_default();
        match number(&message["sequence"]) {
            Some(sequence) => track.take(sequence, &message),
            None => {
                track.sums.unnumbered += 1;
                Vec::new()
            }
        }
    }

    /// The sums of each topic.
    pub fn sums(&self) -> impl Iterator<Item = (&str, Sums)> {
        self.topics.iter().map(|(topic, track)| (topic.as_str(), track.sums))
    }
}

impl Track {
    fn take(&mut self, sequence: u64, message: &Value) -> Vec<Finding> {
        let mut findings = Vec::new();
        let gap = &message["gap"];
        let announced = (number(&gap["first"]), number(&gap["last"]), number(&gap["lost"]));
        if self.is_restart(sequence, message) {
            *self = Self { sums: self.sums, ..Self::default() };
            self.sums.restarts += 1;
            findings.push(Finding::Restart { sequence });
        }
        self.epoch = epoch(message).or(self.epoch.take());
        let is_new = self.next.is_none_or(|next| sequence >= next);
        if let (Some(first), Some(last), Some(lost)) = announced
            && is_new
        {
            self.announced(first, last, lost);
            findings.push(Finding::Announced { first, last, lost });
        } else if is_new {
            self.sums.readings += 1;
        }
        findings.extend(self.place(sequence));
        self.newest = time(message).filter(|_| is_new).or(self.newest.take());
        findings
    }

    /// Puts a number in its place.
    fn place(&mut self, sequence: u64) -> Option<Finding> {
        match self.next {
            Some(next) if sequence < next => Some(self.again(sequence)),
            Some(next) if sequence > next => {
                let (first, last) = (next, sequence - 1);
                self.next = Some(sequence + 1);
                self.missing.insert(first, last);
                if self.missing.len() > MOST_RANGES {
                    // It stays missing, and cannot come late any more.
                    self.missing.pop_first();
                }
                self.sums.missing = self.sums.missing.saturating_add(last - first + 1);
                Some(Finding::Missing { first, last })
            }
            _ => {
                self.next = Some(sequence + 1);
                None
            }
        }
    }

    /// A number below the next one: late, or again.
    fn again(&mut self, sequence: u64) -> Finding {
        if self.fill(sequence, sequence) > 0 {
            self.sums.late += 1;
            self.sums.readings += 1;
            Finding::Late { sequence }
        } else {
            self.sums.duplicates += 1;
            Finding::Duplicate { sequence }
        }
    }

    /// The sender has given up readings between two numbers; those that come next among them are not waited for.
    fn announced(&mut self, first: u64, last: u64, lost: u64) {
        self.fill(first, last);
        self.sums.announced = self.sums.announced.saturating_add(lost);
        if self.next.is_some_and(|next| (first..=last).contains(&next)) {
            self.next = Some(last + 1);
        }
    }

    /// Takes the numbers `first..=last` out of the missing ones, and says how many were among them.
    fn fill(&mut self, first: u64, last: u64) -> u64 {
        let hit = |(from, to): (&u64, &u64)| (*from <= last && *to >= first).then_some((*from, *to));
        let hits: Vec<_> = self.missing.iter().filter_map(hit).collect();
        let mut filled = 0;
        for (from, to) in hits {
            self.missing.remove(&from);
            if from < first {
                self.missing.insert(from, first - 1);
            }
            if to > last {
                self.missing.insert(last + 1, to);
            }
            filled += to.min(last) - from.max(first) + 1;
        }
        self.sums.missing = self.sums.missing.saturating_sub(filled);
        filled
    }

    /// Whether it is from another life of the queue: that has numbers from 0 on again, and a newer reading under them.
    fn is_restart(&self, sequence: u64, message: &Value) -> bool {
        let is_other = self.epoch.is_some() && epoch(message).is_some() && self.epoch != epoch(message);
        let is_newer = match (&self.newest, time(message)) {
            (Some(newest), Some(time)) => time > *newest,
            _ => false,
        };
        let is_below = self.next.is_some_and(|next| sequence < next);
        let is_missed = self.missing.iter().any(|(from, to)| (*from..=*to).contains(&sequence));
        is_other || (is_below && is_newer && !is_missed)
    }
}

/// A number that a queue can have: what is not exact in JSON everywhere is none.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().filter(|number| *number < 1 << 53)
}

fn epoch(message: &Value) -> Option<String> {
    message["epoch"].as_str().map(str::to_owned)
}

fn time(message: &Value) -> Option<Time> {
    let iso = message["timestamp_utc"].as_str().map(|text| Time::Iso(text.to_owned()));
    iso.or_else(|| message["utc_timestamp"].as_i64().map(Time::Epoch))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of readings with these numbers, each a second behind the one before.
    fn heard(numbers: &[u64]) -> (Vec<Finding>, Sums) {
        let text = |(at, n): (usize, &u64)| {
            let at = numbers.iter().position(|first| first == n).unwrap_or(at);
            format!("{{\"sequence\":{n},\"timestamp_utc\":\"2026-11-25T12:00:{:02}Z\"}}", at.min(59))
        };
        listen(numbers.iter().enumerate().map(text))
    }

    fn listen(payloads: impl Iterator<Item = String>) -> (Vec<Finding>, Sums) {
        let mut gaps = Gaps::default();
        let findings = payloads.flat_map(|payload| gaps.take("t", payload.as_bytes())).collect();
        (findings, gaps.sums().next().unwrap().1)
    }

    #[test]
    fn numbers_one_by_one_show_nothing_wherever_they_begin() {
        assert_eq!(heard(&[7, 8, 9]), (vec![], Sums { readings: 3, ..Sums::default() }));
    }

    #[test]
    fn what_is_jumped_over_is_missing_until_it_comes_late() {
        let (findings, sums) = heard(&[0, 5, 2, 6]);
        // 2 has the time of its place in the list, and is newer than 5; it was missing, so it is late and no restart.
        assert_eq!(findings, [Finding::Missing { first: 1, last: 4 }, Finding::Late { sequence: 2 }]);
        assert_eq!((sums.readings, sums.missing, sums.late), (4, 3, 1));
    }

    #[test]
    fn the_same_number_with_the_same_time_is_a_duplicate_and_with_a_newer_one_another_queue() {
        let (findings, sums) = heard(&[3, 4, 3, 4, 5]);
        assert_eq!(findings, [Finding::Duplicate { sequence: 3 }, Finding::Duplicate { sequence: 4 }]);
        assert_eq!((sums.readings, sums.duplicates), (3, 2));
        let (findings, sums) = heard(&[3, 4, 0, 1]);
        assert_eq!(findings, [Finding::Restart { sequence: 0 }]);
        assert_eq!((sums.readings, sums.restarts, sums.missing), (4, 1, 0));
    }

    #[test]
    fn an_announced_gap_is_not_missing_whether_it_comes_before_or_behind() {
        let reading = |n: u64| format!("{{\"sequence\":{n}}}");
        let gap = |n: u64, first: u64, last: u64, lost: u64| {
            format!(
                "{{\"sequence\":{n},\"status\":\"gap\",\"gap\":{{\"first\":{first},\"last\":{last},\"lost\":{lost}}}}}"
            )
        };
        let (findings, sums) = listen([reading(0), gap(5, 1, 4, 4), reading(6)].into_iter());
        assert_eq!(findings, [Finding::Announced { first: 1, last: 4, lost: 4 }]);
        assert_eq!((sums.readings, sums.missing, sums.announced), (2, 0, 4));
        let (findings, sums) = listen([reading(0), reading(6), gap(7, 1, 4, 4)].into_iter());
        let missing = Finding::Missing { first: 1, last: 5 };
        assert_eq!(findings, [missing, Finding::Announced { first: 1, last: 4, lost: 4 }]);
        assert_eq!((sums.missing, sums.announced), (1, 4), "nobody announced number 5");
    }

    #[test]
    fn an_epoch_tells_two_queues_apart_even_if_the_numbers_fit() {
        let reading = |n: u64, epoch: &str| format!("{{\"sequence\":{n},\"epoch\":\"{epoch}\"}}");
        let (findings, sums) = listen([reading(0, "a"), reading(1, "b"), reading(2, "b")].into_iter());
        assert_eq!((findings, sums.readings), (vec![Finding::Restart { sequence: 1 }], 3));
    }

    #[test]
    fn what_has_no_number_is_counted_and_does_no_harm() {
        let texts = ["hello", "{}", "{\"sequence\":-1}", "{\"sequence\":18446744073709551615}", "[1]"];
        let (findings, sums) = listen(texts.into_iter().map(str::to_owned));
        assert_eq!((findings, sums.unnumbered, sums.readings), (vec![], 5, 0));
    }
}
