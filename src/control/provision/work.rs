//! What every step of the saga works on.

use super::request::Request;
use super::server::Server;
use crate::bundle::folder::Folder;
use crate::bundle::manifest::{Manifest, State};
use crate::bundle::{FEEDER_FILE, ROOT_FILE};
use crate::config::feeder::FeederSettings;
use crate::control::client::Client;
use crate::control::progress::Progress;
use crate::error::{Error, Result};
use crate::names::{Arn, PolicyName};

/// The saga in progress. The folder is locked, and `manifest` is what stands on disk or is about to.
pub(super) struct Work<'a> {
    pub(super) client: &'a Client,
    pub(super) request: &'a Request,
    pub(super) folder: &'a Folder,
    pub(super) manifest: Manifest,
    pub(super) progress: Progress<'a>,
}

impl Work<'_> {
    /// Notes in the bundle what is going to be made, before any of it is.
    pub(super) fn begin(&mut self, server: &Server, policy: &PolicyName) -> Result<()> {
        let manifest = &mut self.manifest;
        manifest.endpoint = Some(server.endpoint.host.clone());
        manifest.port = server.endpoint.port;
        manifest.region = Some(self.client.region().clone());
        manifest.policy = Some(policy.clone());
        manifest.topics.clone_from(&self.request.topics);
        self.folder.write_file(manifest, ROOT_FILE, &server.roots_pem)?;
        self.save()
    }

    /// ARN of the certificate, which every step after it needs.
    pub(super) fn certificate_arn(&self) -> Result<&Arn> {
        self.manifest.certificate_arn.as_ref().ok_or_else(|| Error::failed("the bundle has no certificate yet"))
    }

    /// Writes the manifest as it is now.
    pub(super) fn save(&self) -> Result<()> {
        self.folder.write_manifest(&self.manifest)
    }

    /// Everything is made: from now on the bundle can be used.
    pub(super) fn finish(&mut self) -> Result<()> {
        if self.manifest.state == State::Ready {
            return Ok(());
        }
        if let Some(topic) = self.manifest.topics.first().filter(|_| !self.folder.file(FEEDER_FILE).exists()) {
            let settings = FeederSettings::file_for(topic);
            self.folder.write_file(&mut self.manifest, FEEDER_FILE, &settings)?;
        }
        self.manifest.state = State::Ready;
        self.save()?;
        self.progress.done(format!("bundle {}", self.folder.path().display()));
        Ok(())
    }
}
