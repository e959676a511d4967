//! What a run tells while it works, and at its end.

use crate::bundle::folder::Folder;
use crate::bundle::manifest::Manifest;

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

/// The end of a run.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Where the bundle is.
    pub folder: Folder,
    /// Its manifest.
    pub manifest: Manifest,
    /// Whether this run changed anything, here or at AWS.
    pub changed: bool,
    /// Whether the certificate carries another key than the device's, so that it cannot connect.
    pub foreign_key: bool,
}

/// Passes steps on, and remembers whether one of them changed something.
pub(super) struct Progress<'a> {
    tell: &'a mut dyn FnMut(Step),
    /// Whether something was made.
    pub(super) changed: bool,
}

impl<'a> Progress<'a> {
    pub(super) fn new(tell: &'a mut dyn FnMut(Step)) -> Self {
        Self { tell, changed: false }
    }

    pub(super) fn done(&mut self, text: impl Into<String>) {
        self.changed = true;
        (self.tell)(Step::Done(text.into()));
    }

    pub(super) fn same(&mut self, text: impl Into<String>) {
        (self.tell)(Step::Same(text.into()));
    }

    pub(super) fn warn(&mut self, text: impl Into<String>) {
        (self.tell)(Step::Warning(text.into()));
    }
}
