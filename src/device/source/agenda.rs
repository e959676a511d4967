//! When a source is to be read, and for which streams: each stream has ticks of its own.

use std::time::{Duration, Instant};

use super::schedule::Schedule;

/// The ticks of one stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tick {
    /// The place of the stream.
    pub stream: usize,
    /// The name of the quantity it wants.
    pub wants: String,
    /// From the begin of one read to the begin of the next; 1 ms at least.
    pub interval: Duration,
    /// How long after the start the first tick is.
    pub phase: Duration,
}

/// How often to sample, and how many times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The streams of the source.
    pub ticks: Vec<Tick>,
    /// End after this many samples for each stream, failed ones included; `None` samples until stopped.
    pub count: Option<u64>,
}

/// The plan at work.
#[derive(Debug)]
pub(super) struct Agenda {
    entries: Vec<Entry>,
    count: Option<u64>,
}

#[derive(Debug)]
struct Entry {
    tick: Tick,
    schedule: Schedule,
    left: Option<u64>,
}

impl Agenda {
    pub(super) fn new(plan: Plan, start: Instant) -> Self {
        let entry = |tick: Tick| {
            let schedule = Schedule::new(start + tick.phase, tick.interval);
            Entry { tick, schedule, left: plan.count }
        };
        Self { entries: plan.ticks.into_iter().map(entry).collect(), count: plan.count }
    }

    /// Takes a new plan; a stream whose interval stays keeps its beat, and each what it has left to do. How many samples
    /// a run takes is not changed by a plan on the way.
    pub(super) fn replace(&mut self, plan: Plan, now: Instant) {
        let plan = Plan { count: self.count, ..plan };
        let before = std::mem::replace(self, Self::new(plan, now));
        for entry in &mut self.entries {
            let Some(old) = before.entries.iter().find(|old| old.tick.stream == entry.tick.stream) else { continue };
            entry.left = old.left;
            if old.tick.interval == entry.tick.interval {
                entry.schedule = old.schedule;
            }
        }
    }

    /// Whether nothing is left to do. Without a count there may be no stream now, and one by the next plan.
    pub(super) fn is_done(&self) -> bool {
        self.count.is_some() && !self.entries.iter().any(Entry::is_open)
    }

    /// When the next tick is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.open().map(|entry| entry.schedule.due()).min()
    }

    /// The streams whose tick is due at `now`, and what they want.
    pub(super) fn at(&self, now: Instant) -> (Vec<usize>, Vec<String>) {
        let due = self.open().filter(|entry| entry.schedule.due() <= now);
        due.map(|entry| (entry.tick.stream, entry.tick.wants.clone())).unzip()
    }

    /// Passes the ticks that were `taken` and, for those, the ones missed before `now`; says how many those were.
    pub(super) fn advance(&mut self, taken: &[usize], now: Instant) -> u64 {
        let done = self.entries.iter_mut().filter(|entry| taken.contains(&entry.tick.stream));
        done.map(|entry| {
            entry.left = entry.left.map(|left| left.saturating_sub(1));
            entry.schedule.advance(now)
        })
        .sum()
    }

    fn open(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.is_open())
    }
}

impl Entry {
    fn is_open(&self) -> bool {
        self.left != Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn plan(ticks: &[(u64, u64)], count: Option<u64>) -> Plan {
        let tick = |(stream, (interval, phase)): (usize, &(u64, u64))| Tick {
            stream,
            wants: format!("q{stream}"),
            interval: ms(*interval),
            phase: ms(*phase),
        };
        Plan { ticks: ticks.iter().enumerate().map(tick).collect(), count }
    }

    /// The moments, in ms after the start, until `end`, with the streams of each.
    fn play(agenda: &mut Agenda, start: Instant, end: u64) -> Vec<(u64, Vec<usize>)> {
        let mut played = Vec::new();
        while let Some(due) = agenda.due().filter(|due| *due < start + ms(end)) {
            let (streams, _) = agenda.at(due);
            agenda.advance(&streams, due);
            played.push(((due - start).as_millis() as u64, streams));
        }
        played
    }

    #[test]
    fn each_stream_keeps_its_own_interval_and_phase_and_ticks_that_meet_are_one_read() {
        let start = Instant::now();
        let mut agenda = Agenda::new(plan(&[(100, 0), (200, 0), (100, 50)], None), start);
        let wanted =
            [(0, vec![0, 1]), (50, vec![2]), (100, vec![0]), (150, vec![2]), (200, vec![0, 1]), (250, vec![2])];
        assert_eq!(play(&mut agenda, start, 300), wanted);
    }

    #[test]
    fn a_count_is_for_each_stream() {
        let start = Instant::now();
        let mut agenda = Agenda::new(plan(&[(100, 0), (300, 0)], Some(2)), start);
        assert_eq!(play(&mut agenda, start, 10_000), [(0, vec![0, 1]), (100, vec![0]), (300, vec![1])]);
        assert!(agenda.is_done());
    }

    #[test]
    fn a_new_plan_leaves_the_beat_of_a_stream_that_it_does_not_change() {
        let start = Instant::now();
        let mut agenda = Agenda::new(plan(&[(100, 0), (100, 0)], Some(9)), start);
        play(&mut agenda, start, 250);
        agenda.replace(plan(&[(100, 0), (70, 10)], Some(9)), start + ms(250));
        assert_eq!(play(&mut agenda, start, 400), [(260, vec![1]), (300, vec![0]), (330, vec![1])]);
        assert_eq!(agenda.entries[0].left, Some(9 - 4), "it does not begin to count again");
    }

    #[test]
    fn without_a_stream_it_waits_for_a_plan_unless_it_counts() {
        let start = Instant::now();
        let mut agenda = Agenda::new(plan(&[(100, 0)], None), start);
        agenda.replace(plan(&[], None), start);
        assert_eq!((agenda.is_done(), agenda.due()), (false, None));
        agenda.replace(plan(&[(100, 0)], None), start + ms(70));
        assert_eq!(play(&mut agenda, start, 200), [(70, vec![0]), (170, vec![0])]);
        assert!(Agenda::new(plan(&[], Some(0)), start).is_done());
    }

    #[test]
    fn what_is_wanted_is_what_is_due() {
        let start = Instant::now();
        let agenda = Agenda::new(plan(&[(100, 0), (100, 50)], None), start);
        assert_eq!(agenda.at(start), (vec![0], vec!["q0".to_owned()]));
    }
}
