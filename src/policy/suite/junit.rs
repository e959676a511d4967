//! Verdicts as JUnit XML, which CI systems show.

use super::Verdict;

/// The report of a suite; `name` is its file.
pub fn report(name: &str, verdicts: &[Verdict]) -> String {
    let failures = verdicts.iter().filter(|verdict| !verdict.passed).count();
    let counts = format!("tests=\"{}\" failures=\"{failures}\" errors=\"0\"", verdicts.len());
    let cases: String = verdicts.iter().map(|verdict| case(name, verdict)).collect();
    let name = escape(name);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {counts}>\n  \
         <testsuite name=\"{name}\" {counts}>\n{cases}  </testsuite>\n</testsuites>\n"
    )
}

fn case(suite: &str, verdict: &Verdict) -> String {
    let head = format!("    <testcase classname=\"{}\" name=\"{}\"", escape(suite), escape(&verdict.name));
    if verdict.passed {
        return format!("{head}/>\n");
    }
    let message = escape(&verdict.headline());
    format!(
        "{head}>\n      <failure type=\"decision\" message=\"{message}\">{}</failure>\n    </testcase>\n",
        escape(&verdict.explain())
    )
}

/// Text as XML 1.0 has it; characters that it cannot hold become U+FFFD.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => escaped.push(c),
            _ => escaped.push('\u{fffd}'),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn what_xml_cannot_hold_is_replaced() {
        assert_eq!(escape("a<b>&\"c\"\n\u{1b}[2J\u{ffff}"), "a&lt;b&gt;&amp;&quot;c&quot;&#10;\u{fffd}[2J\u{fffd}");
    }
}
