//! What a run came to.

use crate::bundle::folder::Folder;
use crate::bundle::manifest::Manifest;

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
