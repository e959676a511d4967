//! From feeder.toml to sources and streams: every name is looked up and every topic made before anything is touched.

use std::collections::BTreeMap;

use super::deadband::Deadband;
use super::{Rule, Streams};
use crate::config::feeder::source::{Calibration, SourceKind, SourceSettings};
use crate::config::feeder::stream::{Located, StreamSettings};
use crate::config::feeder::topic::{TopicTemplate, TopicVariables};
use crate::config::feeder::{FeederSettings, Sensor};
use crate::device::source::reading::{Quantity, Source, TEMPERATURE};
use crate::device::source::{self};
use crate::error::{Error, Result};
use crate::topic::TopicName;

/// Who the feeder is, for topics and simulated air.
#[derive(Debug, Clone)]
pub struct Me<'a> {
    /// Where the settings stand, for errors.
    pub file: &'a str,
    /// The thing of the bundle; without a bundle, the client id.
    pub thing: &'a str,
    /// The MQTT client id.
    pub client_id: &'a str,
    /// Each simulated device has air of its own.
    pub seed: u64,
}

/// A feeder that is ready to start.
pub struct Setup {
    /// The sources, in their places.
    pub sources: Vec<Box<dyn Source>>,
    /// The streams.
    pub streams: Streams,
}

/// The name of the one source of a file that has none.
const ONLY: &str = "sensor";

/// Looks everything up. `topic` is the topic, or template, of streams that have none of their own.
///
/// Errors: bad input that names file, line and table.
pub fn prepare(settings: &FeederSettings, topic: &TopicTemplate, me: &Me<'_>) -> Result<Setup> {
    let sources = sources(settings);
    let rules = Planner { settings, sources: &sources, topic, me }.rules()?;
    let opened = sources.values().enumerate().map(|(place, source)| {
        let wants = |name: &str| rules.iter().any(|rule| rule.source == place && rule.quantity.name == name);
        source::open(source, wants, me.seed.wrapping_add(place as u64))
    });
    Ok(Setup { sources: opened.collect(), streams: Streams::new(rules) })
}

fn sources(settings: &FeederSettings) -> BTreeMap<String, SourceSettings> {
    if settings.source.is_empty() {
        let kind = match settings.sensor {
            Sensor::Bme680 => SourceKind::Bme680 { bus: settings.bus.clone() },
            Sensor::Sim => SourceKind::Sim,
            Sensor::None => return BTreeMap::new(),
        };
        let only = SourceSettings { kind, calibration: Calibration::default() };
        return [(ONLY.to_owned(), only)].into();
    }
    settings.source.iter().map(|(name, source)| (name.clone(), source.value.clone())).collect()
}

struct Planner<'a> {
    settings: &'a FeederSettings,
    sources: &'a BTreeMap<String, SourceSettings>,
    topic: &'a TopicTemplate,
    me: &'a Me<'a>,
}

impl Planner<'_> {
    fn rules(&self) -> Result<Vec<Rule>> {
        let rules = if self.settings.stream.is_empty() { self.implied()? } else { self.written()? };
        self.check_topics(&rules)?;
        Ok(rules)
    }

    /// The streams of a file that names none: the tutorial's one, or every quantity of every source.
    fn implied(&self) -> Result<Vec<Rule>> {
        if self.settings.source.is_empty() && self.settings.sensor != Sensor::None {
            return Ok(vec![self.rule("temperature", ONLY, TEMPERATURE, &StreamSettings::default())?]);
        }
        let mut rules = Vec::new();
        for (name, source) in self.sources {
            for quantity in source::quantities(source) {
                let stream = match self.sources.len() {
                    1 => quantity.name.to_string(),
                    _ => format!("{name}_{}", quantity.name),
                };
                rules.push(self.rule(&stream, name, quantity, &StreamSettings::default())?);
            }
        }
        Ok(rules)
    }

    fn written(&self) -> Result<Vec<Rule>> {
        let rules = self.settings.stream.iter().map(|(name, Located { line, value: stream })| {
            let source = self.source_of(stream).map_err(|text| self.fault(*line, name, text))?;
            let quantity = self.quantity_of(name, stream, source).map_err(|text| self.fault(*line, name, text))?;
            self.rule(name, source, quantity, stream).map_err(|error| self.fault(*line, name, error.to_string()))
        });
        rules.collect()
    }

    fn source_of<'s>(&'s self, stream: &'s StreamSettings) -> Result<&'s str, String> {
        let known = || self.sources.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        match &stream.source {
            Some(name) if self.sources.contains_key(name) => Ok(name),
            Some(name) => Err(format!("there is no source `{name}`; there are {}", known())),
            None if self.sources.len() == 1 => Ok(self.sources.keys().next().map_or(ONLY, String::as_str)),
            None if self.sources.is_empty() => Err("there is no sensor and no source".into()),
            None => Err(format!("`source` is missing: one of {}", known())),
        }
    }

    fn quantity_of(&self, name: &str, stream: &StreamSettings, source: &str) -> Result<Quantity, String> {
        let wanted = stream.quantity.as_deref().unwrap_or(name);
        let known = self.sources.get(source).map(source::quantities).unwrap_or_default();
        known.iter().find(|quantity| quantity.name == wanted).cloned().ok_or_else(|| {
            let known: Vec<_> = known.iter().map(|quantity| format!("`{}`", quantity.name)).collect();
            format!("source `{source}` has no quantity `{wanted}`; it has {}", known.join(", "))
        })
    }

    fn rule(&self, name: &str, source: &str, quantity: Quantity, stream: &StreamSettings) -> Result<Rule> {
        let Me { thing, client_id, .. } = self.me;
        let variables = TopicVariables { stream: name, source, quantity: &quantity.name, thing, client_id };
        let topic = stream.topic.as_ref().unwrap_or(self.topic).render(&variables)?;
        let StreamSettings { deadband, deadband_percent, max_silence, window, .. } = stream;
        Ok(Rule {
            name: name.to_owned(),
            source: self.sources.keys().position(|known| known == source).unwrap_or(0),
            topic,
            interval: stream.interval.unwrap_or(self.settings.interval),
            phase: stream.phase.unwrap_or_default(),
            deadband: Deadband { absolute: *deadband, percent: *deadband_percent, max_silence: *max_silence },
            window: *window,
            enabled: stream.enabled.unwrap_or(true),
            quantity,
        })
    }

    /// Two streams on one topic could not be told apart by their numbers.
    fn check_topics(&self, rules: &[Rule]) -> Result<()> {
        let mut seen: BTreeMap<&TopicName, &str> = BTreeMap::new();
        for rule in rules {
            if let Some(other) = seen.insert(&rule.topic, &rule.name) {
                let line = self.settings.stream.get(&rule.name).map_or(1, |stream| stream.line);
                let text = format!("it has the topic of stream `{other}`, `{}`", rule.topic);
                return Err(self.fault(line, &rule.name, text).hint("topic = \"factoryA/line22/{{ stream }}\""));
            }
        }
        Ok(())
    }

    fn fault(&self, line: usize, stream: &str, text: String) -> Error {
        Error::bad_input(format!("`{}`, line {line}, `stream.{stream}`: {text}", self.me.file))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn prepared(text: &str) -> Result<Setup> {
        let settings = FeederSettings::parse("feeder.toml", text)?;
        let me = Me { file: "feeder.toml", thing: "pump-7", client_id: "pump-7", seed: 7 };
        let topic = settings.topic.clone().unwrap_or("sensors/pump-7/temperature".parse().unwrap());
        prepare(&settings, &topic, &me)
    }

    fn topics(text: &str) -> Vec<(String, String)> {
        let setup = prepared(text).unwrap();
        setup.streams.rules().map(|rule| (rule.name.clone(), rule.topic.to_string())).collect()
    }

    fn pair(name: &str, topic: &str) -> (String, String) {
        (name.to_owned(), topic.to_owned())
    }

    #[test]
    fn without_tables_it_is_the_one_stream_of_the_tutorial() {
        assert_eq!(topics("sensor = \"sim\""), [pair("temperature", "sensors/pump-7/temperature")]);
    }

    #[test]
    fn a_source_without_streams_is_a_stream_for_each_quantity() {
        let text = "topic = \"l22/{{ thing }}/{{ stream }}\"\n[source.air]\nkind = \"sim\"\naltitude_m = 120\n";
        let names: Vec<_> = topics(text).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["temperature", "pressure", "humidity", "gas_resistance", "dew_point", "sea_level_pressure"]);
        assert_eq!(topics(text)[1].1, "l22/pump-7/pressure");
    }

    #[test]
    fn with_two_sources_the_names_say_which() {
        let text =
            "topic = \"x/{{ source }}/{{ quantity }}\"\n[source.a]\nkind = \"sim\"\n[source.b]\nkind = \"sim\"\n";
        let all = topics(text);
        assert_eq!((all.len(), &all[0]), (10, &pair("a_temperature", "x/a/temperature")));
        assert_eq!(all[5], pair("b_temperature", "x/b/temperature"));
    }

    #[test]
    fn three_hundred_streams_in_one_file() {
        let mut text = String::from("topic = \"hall/{{ stream }}\"\ninterval = \"1m\"\n[source.air]\nkind = \"sim\"\n");
        for number in 0..300 {
            text += &format!("[stream.t{number}]\nquantity = \"temperature\"\nphase = \"{}ms\"\n", 1 + number * 200);
        }
        let setup = prepared(&text).unwrap();
        let ticks = setup.streams.ticks(0);
        assert_eq!((ticks.len(), setup.sources.len()), (300, 1));
        assert!(ticks.iter().all(|tick| tick.interval == Duration::from_secs(60)));
    }

    #[test]
    fn a_stream_has_what_its_table_says() {
        let text = "interval = \"5s\"\n[stream.humidity]\ninterval = \"1s\"\nphase = \"200ms\"\ndeadband = 0.5\n\
                    max_silence = \"10m\"\nwindow = \"1m\"\nenabled = false\ntopic = \"a/b\"\n";
        let setup = prepared(text).unwrap();
        let rule = setup.streams.rules().next().unwrap();
        assert_eq!((rule.interval, rule.phase), (Duration::from_secs(1), Duration::from_millis(200)));
        assert_eq!((rule.deadband.absolute, rule.deadband.max_silence), (Some(0.5), Some(Duration::from_secs(600))));
        assert_eq!((rule.window, rule.enabled, rule.topic.as_str()), (Some(Duration::from_secs(60)), false, "a/b"));
        assert!(setup.streams.ticks(0).is_empty());
    }

    #[test]
    fn every_fault_names_its_line_and_its_table() {
        let two = "[source.a]\nkind = \"sim\"\n[source.b]\nkind = \"sim\"\n";
        let cases = [
            ("\n[stream.x]\n".to_owned(), "line 2, `stream.x`: source `sensor` has no quantity `x`"),
            (format!("{two}[stream.temperature]\n"), "line 5, `stream.temperature`: `source` is missing"),
            (format!("{two}[stream.t]\nsource = \"c\"\n"), "line 5, `stream.t`: there is no source `c`"),
            (
                "[stream.humidity]\n[stream.temperature]\n".to_owned(),
                "line 2, `stream.temperature`: it has the topic of stream `humidity`",
            ),
            ("[stream.t]\ndeadband = 0\n".to_owned(), "line 2, `deadband`: 0 is no width"),
            ("[stream.t]\ncolour = 1\n".to_owned(), "line 2, `colour`: unknown field `colour`"),
            ("[source.a]\nkind = \"bme690\"\n".to_owned(), "line 2, `kind`: unknown variant `bme690`"),
            ("[source.a]\nkind = \"sim\"\nbus = \"/dev/x\"\n".to_owned(), "line 1, `source.a`: `bus` is no setting"),
            ("[source.a]\nkind = \"sim\"\naltitude_m = 1e9\n".to_owned(), "line 1, `source.a`: `altitude_m` is metres"),
            ("[source.a]\nkind = \"iio\"\n".to_owned(), "line 1, `source.a`: `device` (its name) or `path`"),
            (
                "[source.a]\nkind = \"hwmon\"\ndevice = \"x\"\nmeasures = [\"temp\"]\n".to_owned(),
                "line 1, `source.a`: `measures`: `temp` is none of `temperature`, `humidity`, `voltage`",
            ),
            (
                "[source.a]\nkind = \"w1\"\ndevice = \"28-1\"\n[stream.humidity]\n".to_owned(),
                "line 4, `stream.humidity`: source `a` has no quantity `humidity`; it has `temperature`",
            ),
            ("[source.a]\nkind = \"csv\"\npath = \"x\"\n".to_owned(), "line 1, `source.a`: `column` is missing"),
            (
                "[source.a]\nkind = \"sim\"\nrepeat = true\n".to_owned(),
                "line 1, `source.a`: `repeat` is no setting of `sim`; it is one of `csv`",
            ),
            ("[source.a]\nkind = \"file\"\n".to_owned(), "line 1, `source.a`: `path` is missing"),
            (
                "[source.a]\nkind = \"sim\"\npath = \"x\"\n".to_owned(),
                "line 1, `source.a`: `path` is no setting of `sim`; it is one of `iio`, `hwmon`, `w1`, `file`, `csv`",
            ),
            ("topic = \"a/{{ floor }}\"\n".to_owned(), "line 1, `topic`: topic `a/{{ floor }}` asks for `floor`"),
        ];
        for (text, wanted) in cases {
            let error = prepared(&text).map(|_| ()).unwrap_err();
            assert!(error.message().contains(wanted), "{text}\n{error}");
        }
    }
}
