//! Which settings differ between two versions of feeder.toml, apart from those of its streams.

use std::collections::BTreeMap;

use toml::Table;

use super::FeederSettings;

/// The settings that differ and are fixed while a feeder runs, by their names; the streams are looked at elsewhere.
///
/// What the values mean decides, and the texts only say what it is called.
pub fn differences(before: (&FeederSettings, &str), after: (&FeederSettings, &str)) -> Vec<String> {
    if fixed(before.0) == fixed(after.0) {
        return Vec::new();
    }
    let table = |text: &str| text.parse::<Table>().unwrap_or_default();
    let (before, after) = (table(before.1), table(after.1));
    let names = before.keys().chain(after.keys()).filter(|name| !["interval", "stream"].contains(&name.as_str()));
    let mut differ: Vec<_> = names.filter(|name| before.get(*name) != after.get(*name)).cloned().collect();
    differ.sort();
    differ.dedup();
    differ
}

/// The settings without what can be changed at work, and without where they stand.
fn fixed(settings: &FeederSettings) -> FeederSettings {
    let mut fixed = settings.clone();
    fixed.interval = FeederSettings::default().interval;
    fixed.stream = BTreeMap::new();
    fixed.source.values_mut().for_each(|source| source.line = 0);
    fixed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(before: &str, after: &str) -> Vec<String> {
        let parse = |text| FeederSettings::parse("feeder.toml", text).unwrap();
        differences((&parse(before), before), (&parse(after), after))
    }

    #[test]
    fn what_means_the_same_does_not_differ_and_what_does_is_named() {
        let none: [&str; 0] = [];
        assert_eq!(between("", "# a comment\nqos = 1\ninterval = \"1s\"\n[stream.temperature]\n"), none);
        let source = "[source.a]\nkind = \"sim\"\n";
        assert_eq!(between(source, &format!("interval = \"1s\"\n{source}")), none, "it only stands elsewhere");
        let topic = "topic = \"a\"\nqos = 0\n";
        assert_eq!(
            between("topic = \"b\"\n", &format!("{topic}{source}offset = {{ temperature = 1.0 }}\n")),
            ["qos", "source", "topic"]
        );
    }
}
