//! Replay of a CSV file: each read is its next line. Its end is the end of the source, unless it repeats.
//!
//! Fields as RFC 4180 has them; a field in quotes ends on its line.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};

use super::fault::ReadError;
use super::reading::{Quantity, Reading, Source, Wanted};
use crate::config::feeder::csv::{Column, CsvSettings};

/// A longer line is a fault, and costs no memory.
const LONGEST: u64 = 65_536;

/// What the columns hold.
pub(super) fn quantities(settings: &CsvSettings) -> Vec<Quantity> {
    settings.columns.iter().map(|(name, column)| quantity(name, column)).collect()
}

fn quantity(name: &str, column: &Column) -> Quantity {
    Quantity { name: name.to_owned().into(), unit: column.unit.clone().into() }
}

/// A CSV file at work.
#[derive(Debug)]
pub struct Csv {
    settings: CsvSettings,
    origin: String,
    /// The file behind its header, and the place of each column of the settings.
    open: Option<(BufReader<File>, Vec<usize>)>,
    line: u64,
    /// Whether this pass over the file had a line of values: a file without one is not repeated for ever.
    had_values: bool,
}

impl Csv {
    /// The file of these settings. Touches nothing.
    pub fn new(settings: CsvSettings) -> Self {
        let name = settings.path.file_name().unwrap_or(settings.path.as_os_str());
        Self { origin: name.to_string_lossy().into_owned(), settings, open: None, line: 0, had_values: false }
    }

    fn start(&mut self) -> Result<(), ReadError> {
        let file = File::open(&self.settings.path).map_err(|error| self.no_file(&error))?;
        let mut reader = BufReader::new(file);
        self.line = 0;
        let header = self.next(&mut reader)?.unwrap_or_default();
        let titles = fields(header.trim_start_matches('\u{feff}')).ok_or_else(|| self.bad("a quote is not closed"))?;
        let place = |(name, column): (&String, &Column)| {
            let title = column.name.as_ref().unwrap_or(name);
            let place = titles.iter().position(|known| known == title);
            place.ok_or_else(|| self.bad(&format!("there is no column `{title}`")))
        };
        let places = self.settings.columns.iter().map(place).collect::<Result<_, _>>()?;
        self.open = Some((reader, places));
        Ok(())
    }

    /// The next line that is not empty, without its end; `None` at the end.
    fn next(&mut self, reader: &mut BufReader<File>) -> Result<Option<String>, ReadError> {
        loop {
            let mut bytes = Vec::new();
            let read = reader.by_ref().take(LONGEST).read_until(b'\n', &mut bytes);
            if read.map_err(|error| self.no_file(&error))? == 0 {
                return Ok(None);
            }
            self.line += 1;
            if bytes.last() != Some(&b'\n') && bytes.len() as u64 == LONGEST {
                reader.skip_until(b'\n').map_err(|error| self.no_file(&error))?;
                return Err(self.bad("it is too long"));
            }
            let text = String::from_utf8(bytes).map_err(|_| self.bad("it is not UTF-8"))?;
            if !text.trim().is_empty() {
                return Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()));
            }
        }
    }

    /// The next line of values; with `repeat` that behind the last one is the first.
    fn values(&mut self, reader: &mut BufReader<File>) -> Result<String, ReadError> {
        loop {
            if let Some(line) = self.next(reader)? {
                self.had_values = true;
                return Ok(line);
            }
            if !self.settings.repeat || !self.had_values {
                return Err(ReadError::Ended);
            }
            self.had_values = false;
            self.line = 0;
            reader.rewind().map_err(|error| self.no_file(&error))?;
            self.next(reader)?;
        }
    }

    fn parse(&self, line: &str, places: &[usize], wanted: Wanted<'_>) -> Result<Vec<Reading>, ReadError> {
        let fields = fields(line).ok_or_else(|| self.bad("a quote is not closed"))?;
        let columns = self.settings.columns.iter().zip(places).filter(|((name, _), _)| wanted(name));
        let reading = |((name, column), place): ((&String, &Column), &usize)| {
            let field = fields.get(*place).ok_or_else(|| self.bad(&format!("it has no field for `{name}`")))?;
            let number = field.trim().parse().ok().filter(|value: &f64| value.is_finite());
            match number.is_none() && !field.trim().is_empty() {
                true => Err(self.bad(&format!("`{name}`: `{field}` is no number"))),
                false => Ok(Reading { quantity: quantity(name, column), value: number }),
            }
        };
        columns.map(reading).collect()
    }

    fn bad(&self, what: &str) -> ReadError {
        ReadError::BadLine { path: self.settings.path.display().to_string(), line: self.line, what: what.into() }
    }

    fn no_file(&self, error: &std::io::Error) -> ReadError {
        ReadError::NoFile { path: self.settings.path.display().to_string(), cause: error.to_string() }
    }
}

impl Source for Csv {
    fn origin(&self) -> &str {
        &self.origin
    }

    /// Opens the file once: behind a bad line it goes on with the next, and not from the begin.
    fn open(&mut self) -> Result<(), ReadError> {
        if self.open.is_some() { Ok(()) } else { self.start() }
    }

    fn read(&mut self, wanted: Wanted<'_>) -> Result<Vec<Reading>, ReadError> {
        let (mut reader, places) = self.open.take().ok_or(ReadError::NotOpen)?;
        let line = self.values(&mut reader);
        let readings = line.and_then(|line| self.parse(&line, &places, wanted));
        self.open = Some((reader, places));
        readings
    }
}

/// The fields of a line; `None` if a quote is not closed.
fn fields(line: &str) -> Option<Vec<String>> {
    let mut fields = vec![String::new()];
    let mut is_quoted = false;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        let field = fields.last_mut()?;
        match letter {
            '"' if is_quoted && letters.next_if_eq(&'"').is_some() => field.push('"'),
            '"' if is_quoted || field.is_empty() => is_quoted = !is_quoted,
            ',' if !is_quoted => fields.push(String::new()),
            letter => field.push(letter),
        }
    }
    (!is_quoted).then_some(fields)
}

#[cfg(test)]
mod tests {
    use super::super::reading::everything;
    use super::*;

    /// Everything that a file gives: values, or what is wrong; at most `most`.
    fn replay(text: &str, repeat: bool, most: usize) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.csv");
        std::fs::write(&path, text).unwrap();
        let column = Column { name: Some("t, air".into()), unit: "Cel".into() };
        let mut csv = Csv::new(CsvSettings { path, columns: [("temperature".to_owned(), column)].into(), repeat });
        let mut told = Vec::new();
        while told.len() < most {
            match csv.open().and_then(|()| csv.read(&everything)) {
                Ok(readings) => told.push(readings[0].value.map_or("-".into(), |value| value.to_string())),
                Err(ReadError::Ended) => return [told, vec!["end".to_owned()]].concat(),
                Err(error) => told.push(error.to_string().rsplit("log.csv`, ").next().unwrap().to_owned()),
            }
        }
        told
    }

    #[test]
    fn each_read_is_the_next_line_and_a_bad_one_is_named_and_not_the_end() {
        let text = "\u{feff}time,\"t, air\"\r\n1,21.5\r\n\r\n2,hot\r\n3\r\n4,\"22\"\r\n5,\r\n6,\"7\r\n7,-1e1";
        let wanted = [
            "21.5",
            "line 4: `temperature`: `hot` is no number",
            "line 5: it has no field for `temperature`",
            "22",
            "-",
            "line 8: a quote is not closed",
            "-10",
            "end",
        ];
        assert_eq!(replay(text, false, 99), wanted);
    }

    #[test]
    fn it_repeats_when_told_and_a_file_without_values_ends_all_the_same() {
        assert_eq!(replay("\"t, air\"\n1\n2\n", true, 5), ["1", "2", "1", "2", "1"]);
        assert_eq!(replay("\"t, air\"\n", true, 5), ["end"]);
        assert_eq!(replay("a,b\n1,2\n", false, 1), ["line 1: there is no column `t, air`"]);
        let long = format!("\"t, air\"\n{}\n3\n", "9".repeat(200_000));
        assert_eq!(replay(&long, false, 9), ["line 2: it is too long", "3", "end"]);
    }
}
