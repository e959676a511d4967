//! Names that came from clients and policies, in sentences for people.

/// `text` with escapes for what cannot be seen, so that none of it commands a terminal or forges a line of a log.
pub fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\'' | '\\' => printable.push(c),
            c => printable.extend(c.escape_debug()),
        }
    }
    printable
}

/// `text` in backticks.
pub(super) fn quoted(text: &str) -> String {
    format!("`{}`", printable(text))
}

/// An ARN without what all ARNs of an account share.
pub(super) fn short(arn: &str) -> String {
    match arn.starts_with("arn:") {
        true => arn.splitn(6, ':').nth(5).unwrap_or(arn).to_owned(),
        false => arn.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_be_seen_is_escaped() {
        assert_eq!(quoted("a\n\u{1b}[2J\u{202e}ü\"\\"), "`a\\n\\u{1b}[2J\\u{202e}ü\"\\`");
    }
}
