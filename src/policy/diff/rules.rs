//! The statements of two documents that can decide one action of one connection, as bare patterns.

use super::connections::Made;
use crate::policy::actions::Action;
use crate::policy::decision::Outcome;
use crate::policy::document::{Document, Effect, Resources, Statement};
use crate::policy::matching::{Question, counts};
use crate::policy::pattern::{Pattern, Token};
use crate::policy::request::{Connection, Request};

/// One statement: what it does where which of the patterns match.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Live {
    effect: Effect,
    except: bool,
    /// Places in [`Rules::texts`].
    patterns: Vec<usize>,
}

/// Both documents. The first pattern is every resource that can be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Rules {
    texts: Vec<Vec<Token>>,
    documents: [Vec<Live>; 2],
}

impl Rules {
    pub(super) fn of(documents: [&Document; 2], action: &Action, made: &Made, scope: &str) -> Self {
        let mut rules = Self { texts: vec![made.universe(action, scope)], documents: [Vec::new(), Vec::new()] };
        let request = Request { action: action.name.to_owned(), resource: String::new() };
        let connection = &made.connection;
        let question = Question::new(connection, &request);
        for (at, document) in documents.into_iter().enumerate() {
            let named = document.statements.iter().filter(|statement| question.action(statement));
            let counting = named.filter(|statement| counts(statement.effect, question.conditions(statement)));
            for statement in counting {
                let live = rules.live(statement, action, connection);
                if let Some(own) = rules.documents.get_mut(at) {
                    own.extend(live);
                    own.sort_by_key(|live| (live.effect == Effect::Deny, live.except, live.patterns.clone()));
                    own.dedup();
                }
            }
        }
        rules
    }

    /// The statement, unless it can match nothing.
    fn live(&mut self, statement: &Statement, action: &Action, connection: &Connection) -> Option<Live> {
        let except = matches!(statement.resources, Resources::AllBut(_));
        let all = statement.resources.patterns().iter().map(|pattern| tokens(pattern, action, connection));
        let filled: Vec<Vec<Token>> = match except {
            // Without its value nobody knows what an exception excepts: the statement does not match.
            true => all.collect::<Option<_>>()?,
            false => all.flatten().collect(),
        };
        let mut patterns: Vec<usize> = filled.into_iter().map(|tokens| self.place(tokens)).collect();
        patterns.sort_unstable();
        patterns.dedup();
        (except || !patterns.is_empty()).then_some(Live { effect: statement.effect, except, patterns })
    }

    /// Where the text stands; the same text stands once.
    fn place(&mut self, tokens: Vec<Token>) -> usize {
        let known = self.texts.iter().skip(1).position(|known| *known == tokens);
        known.map_or_else(
            || {
                self.texts.push(tokens);
                self.texts.len() - 1
            },
            |at| at + 1,
        )
    }

    /// Whether both documents say the same in the same words.
    pub(super) fn are_alike(&self) -> bool {
        let [old, new] = &self.documents;
        old == new
    }

    pub(super) fn patterns(&self) -> Vec<&[Token]> {
        self.texts.iter().map(Vec::as_slice).collect()
    }

    /// Whether the documents part ways where these patterns match.
    pub(super) fn decide_differently(&self, matches: &[bool]) -> bool {
        let [old, new] = &self.documents;
        outcome(old, matches) != outcome(new, matches)
    }
}

/// A pattern on the connection. In a CONNECT the client id is the name that is asked for, whatever it is.
fn tokens(pattern: &Pattern, action: &Action, connection: &Connection) -> Option<Vec<Token>> {
    if action.resource != Some("client") {
        return pattern.fill(connection).ok().map(|filled| filled.tokens().to_vec());
    }
    let any = Pattern::wildcard(&pattern.text().replace("${iot:ClientId}", "*")).ok()?;
    any.fill(connection).ok().map(|filled| filled.tokens().to_vec())
}

fn outcome(rules: &[Live], matches: &[bool]) -> Outcome {
    let applies = |live: &&Live| live.except != live.patterns.iter().any(|at| matches.get(*at) == Some(&true));
    let effects = || rules.iter().filter(applies).map(|live| live.effect);
    if effects().any(|effect| effect == Effect::Deny) {
        Outcome::ExplicitDeny
    } else if effects().any(|effect| effect == Effect::Allow) {
        Outcome::Allowed
    } else {
        Outcome::ImplicitDeny
    }
}
