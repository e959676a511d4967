//! Texts found by the patterns that they match: the evidence of lint and diff.
//!
//! The patterns are walked side by side, breadth first. Characters that no pattern names are all alike, so one stands
//! for them all, and the search sees every combination of matches that exists: if it finds no text, there is none.

use std::collections::{BTreeSet, HashSet};
use std::ops::ControlFlow;

use super::pattern::Token;
use super::walk::Places;

/// So many combinations are looked at; the patterns of a policy that AWS takes make some thousands.
const MOST_STATES: usize = 60_000;
/// Characters to stand for those that no pattern names at a place, the nicest first.
const FILLERS: &str = "xyzwvutsrq0123456789abcdefghijklmnop-_.~ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// What the texts are, past the patterns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Any text.
    Free,
    /// A topic name: `+` and `#` cannot be in it.
    Topic,
    /// A topic filter: `+` and `#` stand alone in their level, `#` in the last (MQTT 3.1.1, section 4.7.1).
    Filter,
}

/// Where in a level of a topic a text ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Level {
    Start,
    Inside,
    Plus,
    Hash,
}

impl Level {
    fn step(self, form: Form, c: char) -> Option<Self> {
        let special = form != Form::Free && matches!(c, '+' | '#');
        match (self, c) {
            (Self::Hash, _) => None,
            (_, '/') => Some(Self::Start),
            (Self::Plus, _) => None,
            (Self::Start, '+') if form == Form::Filter => Some(Self::Plus),
            (Self::Start, '#') if form == Form::Filter => Some(Self::Hash),
            _ if special => None,
            _ => Some(Self::Inside),
        }
    }
}

/// A text so far: where it stands in each pattern.
#[derive(Clone, PartialEq, Eq, Hash)]
struct State {
    level: Level,
    places: Vec<Places>,
}

/// A search for texts by what they match.
pub(super) struct Search<'a> {
    /// The texts match the first `required` of them.
    pub(super) patterns: &'a [&'a [Token]],
    pub(super) required: usize,
    pub(super) form: Form,
}

/// A text, as the character that was added last and where the text before it stands.
struct Step {
    before: usize,
    last: Option<char>,
}

impl Search<'_> {
    /// Calls `found` with a shortest text of each combination of matches, until it breaks. Says whether all were seen.
    pub(super) fn each(&self, mut found: impl FnMut(&[bool], &str) -> ControlFlow<()>) -> bool {
        let places = self.patterns.iter().map(|tokens| Places::start(tokens)).collect();
        let first = State { level: Level::Start, places };
        let mut seen = HashSet::from([first.clone()]);
        let (mut states, mut steps) = (vec![first], vec![Step { before: 0, last: None }]);
        let mut at = 0;
        while let Some(state) = states.get(at).cloned() {
            if let Some(matches) = self.matches(&state)
                && found(&matches, &text(&steps, at)).is_break()
            {
                return true;
            }
            for c in self.alphabet(&state) {
                let Some(next) = self.step(&state, c).filter(|next| seen.insert(next.clone())) else { continue };
                states.push(next);
                steps.push(Step { before: at, last: Some(c) });
            }
            if states.len() > MOST_STATES {
                return false;
            }
            at += 1;
        }
        true
    }

    /// Which patterns match here, if the required ones do.
    fn matches(&self, state: &State) -> Option<Vec<bool>> {
        let matches: Vec<bool> = self.patterns.iter().zip(&state.places).map(|(t, places)| places.accepts(t)).collect();
        matches.iter().take(self.required).all(|yes| *yes).then_some(matches)
    }

    /// The state after one more character, unless no text goes on like that.
    fn step(&self, state: &State, c: char) -> Option<State> {
        let level = state.level.step(self.form, c)?;
        let places: Vec<Places> =
            self.patterns.iter().zip(&state.places).map(|(tokens, places)| places.step(tokens, c)).collect();
        let lost = places.iter().take(self.required).any(Places::is_dead);
        (!lost).then_some(State { level, places })
    }

    /// Every character that a pattern names here, and one that none names.
    fn alphabet(&self, state: &State) -> Vec<char> {
        let (mut named, mut wild) = (BTreeSet::new(), false);
        for (tokens, places) in self.patterns.iter().zip(&state.places) {
            for token in places.next(tokens) {
                match token {
                    Token::Char(c) => drop(named.insert(c)),
                    Token::One | Token::Any => wild = true,
                }
            }
        }
        let filler = FILLERS.chars().find(|c| wild && !named.contains(c));
        // A level with something in it is a nicer witness than an empty one.
        filler.into_iter().chain(named).collect()
    }
}

fn text(steps: &[Step], at: usize) -> String {
    let mut characters = Vec::new();
    let mut step = steps.get(at);
    while let Some((before, last)) = step.and_then(|step| Some((step.before, step.last?))) {
        characters.push(last);
        step = steps.get(before);
    }
    characters.iter().rev().collect()
}

/// A text that both patterns match.
pub(super) fn meet(a: &[Token], b: &[Token], form: Form) -> Option<String> {
    let mut met = None;
    Search { patterns: &[a, b], required: 2, form }.each(|_, text| {
        met = Some(text.to_owned());
        ControlFlow::Break(())
    });
    met
}

#[cfg(test)]
mod tests {
    use super::super::fit::Fit;
    use super::super::pattern::Pattern;
    use super::super::request::Connection;
    use super::*;

    fn met(a: &str, b: &str, form: Form) -> Option<String> {
        let (a, b) = (Pattern::wildcard(a).unwrap(), Pattern::wildcard(b).unwrap());
        let nobody = Connection::default();
        let met = meet(a.fill(&nobody).unwrap().tokens(), b.fill(&nobody).unwrap().tokens(), form)?;
        assert_eq!((a.fit(&nobody, &met), b.fit(&nobody, &met)), (Fit::Yes, Fit::Yes), "{met}");
        Some(met)
    }

    #[test]
    fn a_text_that_both_match_is_found_or_there_is_none() {
        for (a, b) in [("a*", "*b"), ("*", "?"), ("a/*/c", "a/b/*"), ("*x*", "*y*"), ("??", "a*"), ("a*a", "*b*")] {
            assert!(met(a, b, Form::Free).is_some(), "{a} {b}");
        }
        for (a, b) in [("a*", "b*"), ("a?", "a"), ("*a", "*b"), ("a/*/c", "a/b"), ("ab*", "?cb")] {
            assert_eq!(met(a, b, Form::Free), None, "{a} {b}");
        }
    }

    #[test]
    fn a_form_narrows_the_texts() {
        assert_eq!(met("a/#", "a/*", Form::Topic), None);
        assert_eq!(met("a/#", "a/*", Form::Filter).as_deref(), Some("a/#"));
        assert_eq!(met("a/#/*", "*", Form::Filter), None);
        assert_eq!(met("a+", "*", Form::Filter), None);
        assert_eq!(met("+/b", "*", Form::Filter).as_deref(), Some("+/b"));
    }

    #[test]
    fn every_combination_of_matches_is_seen() {
        let patterns = ["*", "a*", "*b", "a?b"].map(|p| Pattern::wildcard(p).unwrap());
        let nobody = Connection::default();
        let filled: Vec<_> = patterns.iter().map(|p| p.fill(&nobody).unwrap()).collect();
        let tokens: Vec<_> = filled.iter().map(|f| f.tokens()).collect();
        let mut seen = BTreeSet::new();
        let search = Search { patterns: &tokens, required: 1, form: Form::Free };
        let whole = search.each(|matches, text| {
            let truth: Vec<bool> = patterns.iter().map(|p| p.fit(&nobody, text) == Fit::Yes).collect();
            assert_eq!(matches, truth, "{text}");
            seen.insert(matches.to_vec());
            ControlFlow::Continue(())
        });
        assert!(whole);
        assert_eq!(seen.len(), 5, "none, a*, *b, both, all: {seen:?}");
    }

    #[test]
    fn a_search_without_end_is_given_up() {
        let patterns: Vec<_> =
            (0..12).map(|n| Pattern::wildcard(&format!("*{}?????????", char::from(b'a' + n))).unwrap()).collect();
        let nobody = Connection::default();
        let filled: Vec<_> = patterns.iter().map(|p| p.fill(&nobody).unwrap()).collect();
        let tokens: Vec<_> = filled.iter().map(|f| f.tokens()).collect();
        let search = Search { patterns: &tokens, required: 0, form: Form::Free };
        assert!(!search.each(|_, _| ControlFlow::Continue(())));
    }
}
