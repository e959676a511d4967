//! One pattern, walked character by character: every place in it where a text may have come to.

use super::pattern::Token;

/// The places in a pattern that a text can stand at, in order; none if the text cannot become a match any more.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Places(Vec<usize>);

impl Places {
    /// Before the first character.
    pub(super) fn start(tokens: &[Token]) -> Self {
        let mut places = Self(Vec::new());
        places.enter(tokens, 0);
        places.keep_last_star(tokens);
        places
    }

    /// After one more character.
    pub(super) fn step(&self, tokens: &[Token], c: char) -> Self {
        let mut next = Self(Vec::new());
        for &place in &self.0 {
            match tokens.get(place) {
                Some(Token::Any) => next.enter(tokens, place),
                Some(Token::One) => next.enter(tokens, place + 1),
                Some(Token::Char(wanted)) if *wanted == c => next.enter(tokens, place + 1),
                _ => {}
            }
        }
        next.0.sort_unstable();
        next.0.dedup();
        next.keep_last_star(tokens);
        next
    }

    /// After all of `text`.
    pub(super) fn after(tokens: &[Token], text: &str) -> Self {
        text.chars().fold(Self::start(tokens), |places, c| places.step(tokens, c))
    }

    /// Whether the text so far matches.
    pub(super) fn accepts(&self, tokens: &[Token]) -> bool {
        self.0.last().is_some_and(|place| *place == tokens.len())
    }

    /// Whether no text that starts like this one can match.
    pub(super) fn is_dead(&self) -> bool {
        self.0.is_empty()
    }

    /// What can come next.
    pub(super) fn next<'a>(&'a self, tokens: &'a [Token]) -> impl Iterator<Item = Token> + 'a {
        self.0.iter().filter_map(|place| tokens.get(*place).copied())
    }

    /// Whether a wildcard of the pattern has a part in what comes next, up to a `/`.
    pub(super) fn level_is_wild(&self, tokens: &[Token]) -> bool {
        let level = |place: &usize| tokens.iter().skip(*place).take_while(|token| **token != Token::Char('/'));
        self.0.iter().any(|place| level(place).any(|token| matches!(token, Token::One | Token::Any)))
    }

    /// A `*` can be left without a character, so whoever stands before it stands behind it too.
    fn enter(&mut self, tokens: &[Token], place: usize) {
        let stars = tokens.iter().skip(place).take_while(|token| **token == Token::Any).count();
        self.0.extend((place..).take(stars + 1));
    }

    /// What can follow an earlier `*` can follow the last one too: the places before it add nothing.
    fn keep_last_star(&mut self, tokens: &[Token]) {
        let star = self.0.iter().rposition(|place| tokens.get(*place) == Some(&Token::Any));
        if let Some(star) = star {
            self.0.drain(..star);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fit::Fit;
    use super::super::pattern::Pattern;
    use super::super::request::Connection;
    use super::*;

    #[test]
    fn a_walk_comes_to_the_answer_of_the_matcher() {
        let letters = ["", "a", "b", "ab", "ba", "aa", "bab", "abab", "aabb", "abba", "bbbb"];
        for pattern in ["", "*", "a*", "*a", "a*b", "*a*b*", "?", "??*", "*ab*ba", "a?*b", "*?a", "**", "ab"] {
            let pattern = Pattern::wildcard(pattern).unwrap();
            let filled = pattern.fill(&Connection::default()).unwrap();
            for text in letters {
                let walked = Places::after(filled.tokens(), text).accepts(filled.tokens());
                assert_eq!(walked, filled.fit(text) == Fit::Yes, "{} {text}", pattern.text());
            }
        }
    }

    #[test]
    fn a_level_is_wild_if_a_wildcard_of_the_pattern_reaches_into_it() {
        let wild = |pattern: &str| {
            let pattern = Pattern::wildcard(pattern).unwrap();
            let filled = pattern.fill(&Connection::default()).unwrap();
            Places::after(filled.tokens(), "things/").level_is_wild(filled.tokens())
        };
        for pattern in ["*", "things/*", "thi*", "things/*/x", "things/a-*/x", "things/?", "*/x", "???????a*"] {
            assert!(wild(pattern), "{pattern}");
        }
        for pattern in ["things/a/*", "things/a", "other/*", "things/", "????gs/a/*", ""] {
            assert!(!wild(pattern), "{pattern}");
        }
    }
}
