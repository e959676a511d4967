//! Durations as people write them: `5s`, `500ms`, `2m`, `1h`, `30d`, or seconds as a number.

use std::time::Duration;

use serde::Deserializer;

use super::words;

/// Reads a duration from TOML, with or without quotes.
pub(super) fn from_toml<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    parse(&words(deserializer)?).map_err(serde::de::Error::custom)
}

/// The same for a setting that may be left out.
pub(super) fn from_toml_if_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    from_toml(deserializer).map(Some)
}

/// Parses a duration of at least a millisecond.
pub fn parse(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let scale = match unit.trim() {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return Err(wrong(text)),
    };
    let seconds = number.parse::<f64>().map_err(|_| wrong(text))? * scale;
    let duration = Duration::try_from_secs_f64(seconds).map_err(|_| wrong(text))?;
    match duration >= Duration::from_millis(1) {
        true => Ok(duration),
        false => Err(format!("`{text}` is shorter than 1ms")),
    }
}

fn wrong(text: &str) -> String {
    format!("`{text}` is not a duration; write it like `5s`, `500ms` or `2m`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_forms_are_understood() {
        let forms = [
            ("5s", 5000),
            ("500ms", 500),
            ("0.25", 250),
            ("2m", 120_000),
            ("1h", 3_600_000),
            ("1d", 86_400_000),
            (" 3 s", 3000),
        ];
        for (text, millis) in forms {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_an_example() {
        for text in ["", "s", "5 parsecs", "-1s", "1e99", "0", "0.1ms"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
