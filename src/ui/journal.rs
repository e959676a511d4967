//! Lines for the journal: each begins with its priority (sd-daemon(3)), so that `journalctl -p warning` finds it.

use std::io::{self, Write};

/// How much a line matters, by the numbers of syslog(3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// It did not work.
    Error = 3,
    /// It may surprise.
    Warning = 4,
    /// It was done.
    Info = 6,
    /// Detail.
    Debug = 7,
}

impl Priority {
    /// The text with `<N>` before each line that says something.
    pub fn before_each_line(self, text: &str) -> String {
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        lines.map(|line| format!("<{}>{line}", self as u8)).collect::<Vec<_>>().join("\n")
    }
}

/// A writer that gives every line the same priority.
#[derive(Debug)]
pub struct Lines<W> {
    /// The priority.
    pub priority: Priority,
    /// Where the lines go.
    pub inner: W,
}

impl<W: Write> Write for Lines<W> {
    /// Takes whole lines: a log event comes in one piece.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = self.priority.before_each_line(&String::from_utf8_lossy(bytes));
        self.inner.write_all(format!("{text}\n").as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_its_priority_and_none_is_empty() {
        assert_eq!(Priority::Warning.before_each_line("a\n\n  hint: b\n"), "<4>a\n<4>  hint: b");
        let mut lines = Lines { priority: Priority::Error, inner: Vec::new() };
        lines.write_all(b"one\ntwo\n").unwrap();
        assert_eq!(lines.inner, b"<3>one\n<3>two\n");
    }
}
