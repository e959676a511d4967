//! The weather of the simulated sensor: slow waves with a little noise, a pure function of seed and tick.

use std::f64::consts::TAU;

use super::air::Air;

/// Ticks from one warmest moment to the next.
const PERIOD: f64 = 360.0;

/// A deterministic walk through indoor air.
#[derive(Debug, Clone, Copy)]
pub struct Walk {
    seed: u64,
}

impl Walk {
    /// The walk of `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The air at `tick`: 21.05 to 23.95 degC, 1011 to 1015 hPa, 40 to 50 %RH, around 120 kohm.
    pub fn air(&self, tick: u64) -> Air {
        #[expect(clippy::cast_precision_loss, reason = "2^53 ticks are longer than any simulation")]
        let turns = tick as f64 / PERIOD + self.noise(0);
        let wave = |slowness: f64| (TAU * turns / slowness).sin();
        let noise = |channel: u64| self.noise(tick.wrapping_mul(4).wrapping_add(channel)) * 2.0 - 1.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "all within the range of the type")]
        Air {
            centidegrees: (2250.0 + 140.0 * wave(1.0) + 5.0 * noise(1)).round() as i16,
            pascals: (101_300.0 + 180.0 * wave(7.0) + 4.0 * noise(2)).round() as u32,
            millipercent: (45_000.0 - 4_500.0 * wave(1.3) + 100.0 * noise(3)).round() as u32,
            ohms: (120_000.0 + 15_000.0 * wave(2.9) + 500.0 * noise(4)).round() as u32,
        }
    }

    /// A number from 0 to 1 that belongs to `index` (SplitMix64).
    fn noise(&self, index: u64) -> f64 {
        let mut z = self.seed.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        f64::from(u32::try_from((z ^ (z >> 31)) >> 32).unwrap_or_default()) / f64::from(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_walks_the_same_way_and_another_does_not() {
        let walk = |seed| (0..500).map(|tick| Walk::new(seed).air(tick)).collect::<Vec<_>>();
        assert_eq!(walk(1), walk(1));
        assert_ne!(walk(1), walk(2));
    }

    #[test]
    fn the_walk_is_gentle_and_stays_indoors() {
        for seed in 0..20 {
            let air: Vec<_> = (0..2000).map(|tick| Walk::new(seed).air(tick).centidegrees).collect();
            assert!(air.iter().all(|centi| (2100..=2400).contains(centi)));
            assert!(air.windows(2).all(|pair| pair[0].abs_diff(pair[1]) <= 15));
            assert!(air.iter().max().unwrap() - air.iter().min().unwrap() > 200);
        }
    }
}
