//! `*` and `?` in actions, resources and condition values.
//!
//! `*` is any run of characters, `/` included; `?` is exactly one; `${name}` is a variable; `${*}`, `${?}` and `${$}`
//! are the characters themselves. Everything else, `+` and `#` too, stands for itself, and letter case counts.
//!
//! Sources: AWS IoT Developer Guide, "Using wildcard characters in MQTT and AWS IoT Core policies", "AWS IoT Core
//! policy variables".

use std::borrow::Cow;
use std::str::Chars;

use super::fit::Fit;
use super::request::Connection;
use super::variable::Variable;

/// One step of a pattern whose variables are filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Token {
    /// This character.
    Char(char),
    /// `?`.
    One,
    /// `*`.
    Any,
}

/// A pattern as a policy writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    parts: Vec<Part>,
    literal: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Tokens(Vec<Token>),
    Variable(Variable),
}

/// A pattern with the variables of one connection filled in.
#[derive(Debug, Clone)]
pub struct Filled<'a> {
    tokens: Cow<'a, [Token]>,
    /// A value brought `*` or `?` along; whether AWS reads them as wildcards then is not documented.
    wild: bool,
}

impl Pattern {
    /// A pattern in which `*` and `?` are wildcards. Fails, with a sentence, on a `${` that is never closed.
    pub fn wildcard(text: &str) -> Result<Self, String> {
        Self::parse(text, false)
    }

    /// A text in which only variables and escapes mean something, as in `StringEquals`.
    pub fn literal(text: &str) -> Result<Self, String> {
        Self::parse(text, true)
    }

    fn parse(text: &str, literal: bool) -> Result<Self, String> {
        let (mut parts, mut tokens, mut rest) = (Vec::new(), Vec::new(), text);
        while let Some(c) = rest.chars().next() {
            let Some(opened) = rest.strip_prefix("${") else {
                tokens.push(token(c, literal));
                rest = rest.strip_prefix(c).unwrap_or_default();
                continue;
            };
            let (name, after) = opened.split_once('}').ok_or_else(|| format!("`{text}` has `${{` without `}}`"))?;
            match name {
                "" => return Err(format!("`{text}` has a variable without a name")),
                "*" | "?" | "$" => tokens.extend(name.chars().map(Token::Char)),
                name => {
                    parts.push(Part::Tokens(std::mem::take(&mut tokens)));
                    parts.push(Part::Variable(Variable::parse(name)));
                }
            }
            rest = after;
        }
        parts.push(Part::Tokens(tokens));
        Ok(Self { text: text.to_owned(), parts, literal })
    }

    /// The pattern as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The variables it names, in order.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable(variable) => Some(variable),
            Part::Tokens(_) => None,
        })
    }

    /// Puts values in the place of variables; fails with the first that has none on this connection.
    pub fn fill<'a>(&'a self, connection: &Connection) -> Result<Filled<'a>, &'a Variable> {
        if let [Part::Tokens(tokens)] = self.parts.as_slice() {
            return Ok(Filled { tokens: Cow::Borrowed(tokens), wild: false });
        }
        let (mut all, mut wild) = (Vec::with_capacity(self.text.len()), false);
        for part in &self.parts {
            match part {
                Part::Tokens(tokens) => all.extend_from_slice(tokens),
                Part::Variable(variable) => {
                    let value = variable.substitute(connection).ok_or(variable)?;
                    wild |= !self.literal && value.contains(['*', '?']);
                    all.extend(value.chars().map(|c| token(c, self.literal)));
                }
            }
        }
        Ok(Filled { tokens: Cow::Owned(all), wild })
    }

    /// Whether `text` matches. A variable without a value matches nothing.
    pub fn fit(&self, connection: &Connection, text: &str) -> Fit {
        self.fill(connection).map_or(Fit::No, |filled| filled.fit(text))
    }
}

fn token(c: char, literal: bool) -> Token {
    match c {
        '*' if !literal => Token::Any,
        '?' if !literal => Token::One,
        c => Token::Char(c),
    }
}

impl Filled<'_> {
    /// Whether `text` matches; unsure where it does by the wildcards of a value, or despite them.
    pub fn fit(&self, text: &str) -> Fit {
        match (compare(&self.tokens, text), self.wild) {
            (Err(_), _) => Fit::No,
            (Ok(()), true) => Fit::Unsure,
            (Ok(()), false) => Fit::Yes,
        }
    }

    /// Its steps.
    pub(super) fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// How many bytes of `text` the pattern follows at best, if it does not match.
    pub fn follows(&self, text: &str) -> Option<usize> {
        compare(&self.tokens, text).err()
    }

    /// The same pattern in lower case.
    pub fn lowercase(&self) -> Self {
        let mut tokens = Vec::with_capacity(self.tokens.len());
        for token in self.tokens.iter() {
            match token {
                Token::Char(c) => tokens.extend(c.to_lowercase().map(Token::Char)),
                other => tokens.push(*other),
            }
        }
        Self { tokens: tokens.into(), wild: self.wild }
    }

    /// The pattern in up to `most` pieces between colons, for ARNs.
    pub fn between_colons(&self, most: usize) -> Vec<Filled<'_>> {
        let pieces = self.tokens.splitn(most, |token| *token == Token::Char(':'));
        pieces.map(|tokens| Filled { tokens: Cow::Borrowed(tokens), wild: self.wild }).collect()
    }

    /// The pattern as a person reads it, its variables filled in.
    pub fn display(&self) -> String {
        let shown = self.tokens.iter().map(|token| match token {
            Token::Char(c) => *c,
            Token::One => '?',
            Token::Any => '*',
        });
        shown.collect()
    }
}

/// Walks pattern and text side by side and goes back to the last `*` only, so the work is at most length times length.
/// Fails with the number of bytes that were followed at best.
fn compare(tokens: &[Token], text: &str) -> Result<(), usize> {
    let (mut at, mut rest, mut furthest) = (0, text.chars(), 0);
    // The place after the last `*`, and the text which that `*` has not eaten yet.
    let mut star: Option<(usize, Chars<'_>)> = None;
    loop {
        let before = rest.clone();
        match (tokens.get(at), rest.next()) {
            (None, None) => return Ok(()),
            (Some(Token::Any), _) => {
                at += 1;
                rest = before.clone();
                star = Some((at, before));
            }
            (Some(Token::One), Some(_)) => at += 1,
            (Some(Token::Char(wanted)), Some(found)) if *wanted == found => at += 1,
            _ => {
                furthest = furthest.max(text.len() - before.as_str().len());
                let Some((after, uneaten)) = star.as_mut() else { return Err(furthest) };
                if uneaten.next().is_none() {
                    return Err(furthest);
                }
                (at, rest) = (*after, uneaten.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connected_as(client_id: &str) -> Connection {
        Connection { client_id: Some(client_id.parse().unwrap()), ..Connection::default() }
    }

    fn fit(pattern: &str, text: &str) -> Fit {
        Pattern::wildcard(pattern).unwrap().fit(&connected_as("c1"), text)
    }

    #[test]
    fn a_star_is_any_run_and_a_question_mark_one_character() {
        for (pattern, text) in
            [("a*", "a"), ("a*c", "a/b/c"), ("*", ""), ("**a", "ba"), ("a?c", "a/c"), ("?", "ü"), ("*b*b", "abab")]
        {
            assert_eq!(fit(pattern, text), Fit::Yes, "{pattern} {text}");
        }
        for (pattern, text) in [("a?", "a"), ("a", "ab"), ("a*b", "abc"), ("", "a"), ("*??", "ü"), ("A", "a")] {
            assert_eq!(fit(pattern, text), Fit::No, "{pattern} {text}");
        }
    }

    #[test]
    fn mqtt_wildcards_are_plain_characters() {
        assert_eq!(fit("a/+/#", "a/+/#"), Fit::Yes);
        assert_eq!(fit("a/+/#", "a/b/c"), Fit::No);
    }

    #[test]
    fn escapes_stand_for_the_characters_themselves() {
        assert_eq!(fit("${*}${?}${$}{x}", "*?${x}"), Fit::Yes);
        assert_eq!(fit("${*}", "a"), Fit::No);
        assert_eq!(fit("$aws/things", "$aws/things"), Fit::Yes);
    }

    #[test]
    fn a_variable_is_replaced_by_its_value() {
        assert_eq!(fit("x/${iot:ClientId}/*", "x/c1/y"), Fit::Yes);
        assert_eq!(fit("x/${iot:ClientId}/*", "x/c2/y"), Fit::No);
        assert_eq!(fit("x/${iot:DomainName}", "x/${iot:DomainName}"), Fit::No);
    }

    #[test]
    fn wildcards_inside_a_value_leave_it_open() {
        let pattern = Pattern::wildcard("x/${iot:ClientId}").unwrap();
        for text in ["x/*", "x/anything"] {
            assert_eq!(pattern.fit(&connected_as("*"), text), Fit::Unsure);
        }
        assert_eq!(pattern.fit(&connected_as("*"), "y"), Fit::No);
        let literal = Pattern::literal("x/${iot:ClientId}").unwrap();
        assert_eq!(literal.fit(&connected_as("*"), "x/*"), Fit::Yes);
        assert_eq!(literal.fit(&connected_as("*"), "x/a"), Fit::No);
    }

    #[test]
    fn an_open_brace_must_be_closed_and_hold_a_name() {
        assert_eq!(Pattern::wildcard("a/${iot:ClientId").unwrap_err(), "`a/${iot:ClientId` has `${` without `}`");
        assert_eq!(Pattern::wildcard("a/${}").unwrap_err(), "`a/${}` has a variable without a name");
    }

    #[test]
    fn many_stars_do_not_make_it_slow() {
        let pattern = "a*".repeat(200) + "b";
        assert_eq!(fit(&pattern, &"a".repeat(2000)), Fit::No);
    }
}
