//! What comes from afar and nobody would write, by a seeded driver: the checks are those of the fuzzer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

#[cfg(feature = "local")]
#[path = "../fuzz/fuzz_targets/shadow_check.rs"]
mod shadow_check;
#[path = "../fuzz/fuzz_targets/steering.rs"]
mod steering;

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    /// Below `most`. Marsaglia's xorshift.
    fn throw(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % most as u64).unwrap()
    }

    /// JSON with the names and values that matter, well formed most of the time.
    fn json(&mut self, depth: usize) -> String {
        const NAMES: [&str; 14] = [
            "a",
            "b",
            "streams",
            "interval",
            "enabled",
            "deadband",
            "max_silence",
            "log_level",
            "topic",
            "action",
            "state",
            "desired",
            "reported",
            "x",
        ];
        const VALUES: [&str; 16] = [
            "null",
            "true",
            "false",
            "0",
            "1",
            "-1",
            "0.05",
            "1e308",
            "86401",
            "\"a\"",
            "\"2s\"",
            "\"9ms\"",
            "\"debug\"",
            "[1,{\"a\":2}]",
            "[null]",
            "{",
        ];
        if depth == 0 || self.throw(3) == 0 {
            return VALUES[self.throw(VALUES.len())].to_owned();
        }
        let fields =
            (0..self.throw(4)).map(|_| format!("\"{}\":{}", NAMES[self.throw(NAMES.len())], self.json(depth - 1)));
        format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
    }
}

const ROUNDS: usize = 6_000;

#[test]
fn settings_from_afar_are_in_force_whole_or_not_at_all() {
    let mut dice = Dice(7);
    let rounds = (0..ROUNDS).filter(|_| {
        let (all, of_one) = (dice.json(2), dice.json(1));
        let desired = format!(r#"{{"interval":{},"streams":{{"a":{of_one}}}}}"#, dice.json(0));
        let desired = if dice.throw(2) == 0 { all } else { desired };
        let document = format!(r#"{{"version":1,"state":{{"desired":{desired},"reported":{}}}}}"#, dice.json(3));
        steering::remote(&document)
    });
    let changed = rounds.count();
    assert!((100..ROUNDS).contains(&changed), "{changed}");
}

#[test]
fn an_action_leaves_one_stream_or_none() {
    let mut dice = Dice(11);
    let taken = (0..ROUNDS).filter(|_| steering::action(format!("{{\"action\":{}}}", dice.json(1)).as_bytes())).count();
    assert!((100..ROUNDS).contains(&taken), "{taken}");
}

#[cfg(feature = "local")]
#[test]
fn every_sequence_of_updates_leaves_a_whole_document() {
    let mut dice = Dice(13);
    let mut accepted = 0;
    for _ in 0..600 {
        let line = |dice: &mut Dice| match dice.throw(9) {
            0 => String::new(),
            1 => dice.json(3),
            _ => format!(r#"{{"state":{{"desired":{},"reported":{}}}}}"#, dice.json(4), dice.json(4)),
        };
        let lines: Vec<String> = (0..10).map(|_| line(&mut dice)).collect();
        accepted += shadow_check::requests(lines.join("\n").as_bytes());
    }
    assert!(accepted > 300, "{accepted}");
}
