//! The terminal: the only place that prints.
//!
//! stdout is data, stderr is talk. Colour and bars only where a terminal is; never a pager. The form of the data
//! (`text`, `json`, `ndjson`) is chosen once, here.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::error::{Error, Kind, Result};

mod failure;
pub mod journal;
mod style;

use journal::Priority;
use style::{BOLD, DIM, GREEN, YELLOW};

/// The form of the data on stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
    /// One JSON document a line, as things happen.
    Ndjson,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How much talk goes to stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Talk {
    /// Errors only.
    Quiet,
    /// What was done.
    Normal,
    /// Everything.
    Verbose,
}

/// The terminal, as this run wants it used.
#[derive(Debug, Clone, Copy)]
pub struct Ui {
    format: Format,
    talk: Talk,
    /// Whether stderr is the journal, which wants a priority before each line.
    to_journal: bool,
}

impl Ui {
    /// Settles form, talk and colour for the whole process.
    pub fn new(format: Format, talk: Talk, color: Color) -> Self {
        match color {
            Color::Auto => {}
            Color::Always => anstream::ColorChoice::Always.write_global(),
            Color::Never => anstream::ColorChoice::Never.write_global(),
        }
        Self { format, talk, to_journal: false }
    }

    /// The same, with a stderr that is the journal.
    pub fn to_journal(self, to_journal: bool) -> Self {
        Self { to_journal, ..self }
    }

    /// The form of the data.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Whether the data is JSON.
    pub fn is_for_programs(&self) -> bool {
        self.format != Format::Text
    }

    /// Whether a person is looking at stderr.
    pub fn is_interactive(&self) -> bool {
        io::stderr().is_terminal() && self.talk != Talk::Quiet
    }

    /// A result: `text` for people, `value` for programs.
    pub fn result(&self, text: impl FnOnce() -> String, value: &impl Serialize) {
        match self.format {
            Format::Text => self.line(&text()),
            Format::Json => self.line(&serde_json::to_string_pretty(value).unwrap_or_default()),
            Format::Ndjson => self.line(&serde_json::to_string(value).unwrap_or_default()),
        }
    }

    /// One of many results, as it happens: in both JSON forms a line each.
    pub fn event(&self, text: impl FnOnce() -> String, value: &impl Serialize) {
        match self.format {
            Format::Text => self.line(&text()),
            Format::Json | Format::Ndjson => self.line(&serde_json::to_string(value).unwrap_or_default()),
        }
    }

    /// Something that happened: a line of JSON for programs; for people a line on stderr, which `-v` shows whole and
    /// otherwise only what is `important`.
    pub fn log(&self, text: impl FnOnce() -> String, value: &impl Serialize, important: bool) {
        match (self.format, important) {
            (Format::Text, true) => self.say(&text()),
            (Format::Text, false) => self.detail(&text()),
            (Format::Json | Format::Ndjson, _) => self.event(String::new, value),
        }
    }

    /// A line of data on stdout, whatever the form.
    pub fn line(&self, text: &str) {
        self.bytes(format!("{}\n", text.strip_suffix('\n').unwrap_or(text)).as_bytes());
    }

    /// Raw data on stdout.
    pub fn bytes(&self, bytes: &[u8]) {
        let mut out = anstream::stdout();
        if let Err(e) = out.write_all(bytes).and_then(|()| out.flush()) {
            // The reader went away (`| head`): there is nobody left to talk to.
            let code = if e.kind() == io::ErrorKind::BrokenPipe { 0 } else { Kind::Failed.exit_code() };
            std::process::exit(code.into());
        }
    }

    /// A step that was done.
    pub fn done(&self, text: &str) {
        self.talk(Talk::Normal, Priority::Info, &format!("{GREEN}✓{GREEN:#} {text}"));
    }

    /// A step that needed no doing.
    pub fn same(&self, text: &str) {
        self.talk(Talk::Normal, Priority::Info, &format!("{DIM}= {text}{DIM:#}"));
    }

    /// Something to know, on stderr.
    pub fn say(&self, text: &str) {
        self.talk(Talk::Normal, Priority::Info, text);
    }

    /// A heading of a longer account, on stderr.
    pub fn heading(&self, text: &str) {
        self.talk(Talk::Normal, Priority::Info, &format!("\n{BOLD}{text}{BOLD:#}"));
    }

    /// Something that may surprise.
    pub fn warn(&self, text: &str) {
        self.talk(Talk::Normal, Priority::Warning, &format!("{YELLOW}warning:{YELLOW:#} {text}"));
    }

    /// Detail that only `-v` shows.
    pub fn detail(&self, text: &str) {
        self.talk(Talk::Verbose, Priority::Debug, &format!("{DIM}{text}{DIM:#}"));
    }

    /// Asks before something is changed that others depend on; `yes` has answered already.
    ///
    /// Errors: usage, where there is no terminal to ask on; failed, where the answer is no.
    pub fn confirm(&self, question: &str, yes: bool) -> Result<()> {
        if yes {
            return Ok(());
        }
        if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
            return Err(Error::usage("this changes what others depend on, and there is no terminal to ask on")
                .hint("if that is wanted: the same command with --yes"));
        }
        // A question without its line end: the answer follows it.
        let _ = anstream::stderr().write_all(format!("{question} [y/N] ").as_bytes());
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).map_err(|e| Error::failed("cannot read the answer").because(e))?;
        match answer.trim().to_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(Error::failed("nothing was changed: the answer was not yes")),
        }
    }

    /// An error: sentence, causes, hints; with `-o json` as an object. Always shown.
    pub fn error(&self, error: &Error) {
        let text = match self.format {
            Format::Text => failure::text(error),
            Format::Json | Format::Ndjson => failure::json(error),
        };
        self.talk(Talk::Quiet, Priority::Error, &text);
    }

    fn talk(&self, at: Talk, priority: Priority, text: &str) {
        if self.talk >= at {
            let text = if self.to_journal { priority.before_each_line(text) } else { text.to_owned() };
            // In one write, so that two programs on one terminal do not share a line. Nobody can be told that stderr is gone.
            let _ = anstream::stderr().write_all(format!("{text}\n").as_bytes());
        }
    }
}
