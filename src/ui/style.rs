//! The few styles that are used, always to say the same thing.

use anstyle::{AnsiColor, Style};

/// It worked.
pub(super) const GREEN: Style = AnsiColor::Green.on_default();
/// It may surprise.
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default();
/// It failed.
pub(super) const RED: Style = AnsiColor::Red.on_default().bold();
/// It matters less.
pub(super) const DIM: Style = Style::new().dimmed();
/// It is a heading.
pub(super) const BOLD: Style = Style::new().bold();
