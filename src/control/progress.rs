//! What a saga tells while it works.

/// One line of progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Something was made.
    Done(String),
    /// Something was there already.
    Same(String),
    /// Something that a person should know.
    Warning(String),
}

/// Passes steps on, and remembers whether one of them changed something.
pub(crate) struct Progress<'a> {
    tell: &'a mut dyn FnMut(Step),
    /// Whether something was made.
    pub(crate) changed: bool,
}

impl<'a> Progress<'a> {
    pub(crate) fn new(tell: &'a mut dyn FnMut(Step)) -> Self {
        Self { tell, changed: false }
    }

    pub(crate) fn done(&mut self, text: impl Into<String>) {
        self.changed = true;
        (self.tell)(Step::Done(text.into()));
    }

    pub(crate) fn same(&mut self, text: impl Into<String>) {
        (self.tell)(Step::Same(text.into()));
    }

    pub(crate) fn warn(&mut self, text: impl Into<String>) {
        (self.tell)(Step::Warning(text.into()));
    }
}
