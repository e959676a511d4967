//! A fleet of 500 sessions without a network: when they connect after a start together, and after a broker that dies.
//!
//! Time is a number and the dice have a seed, so each run is the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;
use std::time::Duration;

use iotctl::device::session::{Limits, Session, Step};

const FLEET: usize = 500;
const SPREAD: Duration = Duration::from_secs(30);
/// When the broker is away.
const AWAY: Range<Duration> = Duration::from_secs(60)..Duration::from_secs(70);
const END: Duration = Duration::from_secs(200);

/// Random numbers from 0 to 1, from a seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn throw(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        f64::from(u32::try_from((number ^ (number >> 31)) >> 32).unwrap()) / f64::from(u32::MAX)
    }
}

/// The times of all CONNECTs of each session.
fn connects(mut dice: impl FnMut() -> f64) -> Vec<Vec<Duration>> {
    let fleet = (0..FLEET).map(|_| Limits { start_delay: SPREAD.mul_f64(dice()), ..Limits::default() });
    let mut fleet: Vec<Session> = fleet.map(Session::new).collect();
    let mut seen = vec![Vec::new(); FLEET];
    // When which session is looked at; at the start of the broker's absence all of them.
    let mut agenda: BinaryHeap<_> =
        (0..FLEET).flat_map(|who| [(Duration::ZERO, who), (AWAY.start, who)]).map(Reverse).collect();
    while let Some(Reverse((now, who))) = agenda.pop().filter(|Reverse((now, _))| *now < END) {
        let session = &mut fleet[who];
        if now == AWAY.start && session.is_online() {
            session.lost(now, dice());
        }
        match session.step(now, 0, 0) {
            Step::Connect => {
                seen[who].push(now);
                if AWAY.contains(&now) {
                    session.lost(now, dice());
                } else {
                    session.connected(now, 0);
                }
                agenda.push(Reverse((now, who)));
            }
            Step::Wait(Some(until)) => agenda.push(Reverse((until, who))),
            Step::Wait(None) => {}
            Step::Submit(_) => panic!("there is nothing to submit"),
        }
    }
    seen
}

/// Pearson's chi-square of `times` against an even spread over `window`, in 20 bins of 25.
fn chi_square(times: &[Duration], window: Range<Duration>) -> f64 {
    let mut bins = [0_u32; 20];
    for time in times {
        assert!(window.start <= *time && *time <= window.end, "{time:?} is outside of {window:?}");
        let part = (*time - window.start).div_duration_f64(window.end - window.start);
        bins[((part * 20.0) as usize).min(19)] += 1;
    }
    let expected = times.len() as f64 / 20.0;
    bins.iter().map(|found| (f64::from(*found) - expected).powi(2) / expected).sum()
}

/// The value that an even spread exceeds in one of a thousand runs, with 19 degrees of freedom.
const CRITICAL: f64 = 43.82;

/// The first connection of each, and the first after the broker went.
fn first_and_again(seen: &[Vec<Duration>]) -> (Vec<Duration>, Vec<Duration>) {
    seen.iter().map(|times| (times[0], *times.iter().find(|time| **time > AWAY.start).unwrap())).unzip()
}

fn windows() -> (Range<Duration>, Range<Duration>) {
    let second = Duration::from_secs(1);
    (Duration::ZERO..SPREAD, AWAY.start + second..AWAY.start + second.mul_f64(1.5))
}

#[test]
fn a_fleet_that_starts_together_connects_evenly_over_the_spread_and_so_it_comes_back() {
    for seed in 0..40 {
        let mut dice = Dice(seed);
        let (first, again) = first_and_again(&connects(|| dice.throw()));
        let (start, back) = windows();
        assert_eq!((first.len(), again.len()), (FLEET, FLEET));
        let found = (chi_square(&first, start), chi_square(&again, back));
        assert!(found.0 < CRITICAL && found.1 < CRITICAL, "seed {seed}: {found:?}");
    }
}

#[test]
fn the_measure_sees_a_fleet_that_does_not_spread() {
    let (start, back) = windows();
    let (first, again) = first_and_again(&connects(|| 0.5));
    assert!(chi_square(&first, start) > 100.0 * CRITICAL && chi_square(&again, back) > 100.0 * CRITICAL);
    // Dice that favour the first half a little are noticed too.
    let mut dice = Dice(7);
    let (first, again) = first_and_again(&connects(|| dice.throw().powf(1.5)));
    assert!(chi_square(&first, windows().0) > CRITICAL && chi_square(&again, windows().1) > CRITICAL);
}

#[test]
fn no_session_connects_twice_in_a_second_and_all_are_back_soon_after_the_broker() {
    let mut dice = Dice(1);
    for times in connects(|| dice.throw()) {
        assert!(times.windows(2).all(|two| two[1] - two[0] >= Duration::from_secs(1)), "{times:?}");
        let back = *times.last().unwrap();
        assert!(AWAY.end <= back && back <= AWAY.end + Duration::from_secs(12), "{back:?}");
    }
}

#[test]
fn no_second_of_the_start_sees_more_than_a_small_region_takes() {
    for seed in 0..40 {
        let mut dice = Dice(seed);
        let (first, _) = first_and_again(&connects(|| dice.throw()));
        let mut seconds = [0; 31];
        first.iter().for_each(|time| seconds[usize::try_from(time.as_secs()).unwrap()] += 1);
        assert!(seconds.iter().all(|connects| *connects < 100), "{seconds:?}");
    }
}
