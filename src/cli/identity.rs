//! Who a device verb connects as: a bundle, or the loose files of the tutorial's script.

use std::convert::Infallible;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::bundle::atomic;
use crate::bundle::folder::{Folder, read_private_key};
use crate::bundle::manifest::Manifest;
use crate::config::environment;
use crate::config::proxy::{self, Route};
use crate::error::{Error, Result};
use crate::mqtt::Identity;
use crate::names::{ClientId, DataEndpoint, ThingName};
use crate::pki::certificate::Certificate;
use crate::pki::tls;

/// Who connects.
#[derive(Debug, Args)]
pub(super) struct Who {
    #[command(flatten)]
    bundle: BundleChoice,
    /// Through an HTTP proxy, or `none` [default: $HTTPS_PROXY or $ALL_PROXY, unless $NO_PROXY names the host]
    #[arg(long, value_name = "URL", value_parser = in_confidence)]
    proxy: Option<Result<Route, String>>,
    #[command(flatten)]
    loose: LooseFiles,
}

/// An identity that can connect, and the bundle it came from, if it did.
#[derive(Debug)]
pub(super) struct Connecting {
    /// Endpoint, client id and TLS settings.
    pub identity: Identity,
    /// The folder and what it says of itself.
    pub bundle: Option<(Folder, Manifest)>,
}

impl Who {
    /// The loose files if there are any, else the bundle, opened and checked. The way is that of the flag, else that of
    /// the environment.
    pub(super) fn connecting(&self) -> Result<Connecting> {
        let mut connecting = self.files()?;
        let endpoint = &connecting.identity.endpoint;
        connecting.identity.proxy = match &self.proxy {
            Some(route) => route.as_ref().map_err(Error::usage)?.proxy(),
            None => environment::proxy(&endpoint.host)?,
        };
        Ok(connecting)
    }

    /// What a settings file says of the way, unless a flag says something.
    pub(super) fn route(&self, connecting: &mut Connecting, settings: Option<&Route>) {
        if let (None, Some(route)) = (&self.proxy, settings) {
            connecting.identity.proxy = route.proxy();
        }
    }

    fn files(&self) -> Result<Connecting> {
        if let Some(identity) = self.loose.identity()? {
            return Ok(Connecting { identity, bundle: None });
        }
        let folder = self.bundle.folder()?;
        let bundle = folder.open()?;
        let mut identity = Identity::of(&bundle)?;
        identity.endpoint.port = self.bundle.port.unwrap_or(identity.endpoint.port);
        identity.client_id = self.loose.client_id.clone().unwrap_or(identity.client_id);
        Ok(Connecting { identity, bundle: Some((folder, bundle.manifest)) })
    }
}

/// Never fails, because the parser of the command line repeats what it refuses, and a password may be in it.
fn in_confidence(text: &str) -> Result<Result<Route, String>, Infallible> {
    Ok(proxy::parse(text))
}

/// A bundle, or a folder of several.
#[derive(Debug, Args)]
struct BundleChoice {
    /// The bundle, or a folder that holds it [default: certs]
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,
    /// Which one, if the folder holds several
    #[arg(long, value_name = "NAME", conflicts_with = "endpoint")]
    thing: Option<ThingName>,
    /// Port of the broker, such as 443 where a firewall lets nothing else out [default: that of the bundle]
    #[arg(long, value_name = "PORT", conflicts_with = "endpoint", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
}

impl BundleChoice {
    fn folder(&self) -> Result<Folder> {
        Folder::find(self.bundle.as_deref().unwrap_or(Path::new("certs")), self.thing.as_ref())
    }
}

/// The flags of the tutorial's script: an identity without a bundle.
#[derive(Debug, Args)]
#[command(next_help_heading = "Without a bundle")]
struct LooseFiles {
    /// Endpoint of the account (iot:Data-ATS)
    #[arg(short = 'e', long, value_name = "HOST[:PORT]", conflicts_with = "bundle", requires = "cert")]
    endpoint: Option<DataEndpoint>,
    /// Root certificate file
    #[arg(short = 'r', long, value_name = "FILE", requires = "endpoint")]
    root_ca: Option<PathBuf>,
    /// Device certificate file
    #[arg(short = 'c', long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// Private key file
    #[arg(short = 'k', long, value_name = "FILE", requires = "endpoint")]
    key: Option<PathBuf>,
    /// Client id [default: that of the bundle]
    #[arg(long, value_name = "ID")]
    client_id: Option<ClientId>,
}

impl LooseFiles {
    /// The identity that the flags describe, if they do.
    fn identity(&self) -> Result<Option<Identity>> {
        let (Some(endpoint), Some(cert), Some(key)) = (&self.endpoint, &self.cert, &self.key) else { return Ok(None) };
        let client_id = self.client_id.clone().ok_or_else(|| {
            Error::usage("no client id: the policy of the certificate says which are allowed").hint("--client-id NAME")
        })?;
        let certificate_pem = atomic::read(cert)?;
        let key = read_private_key(key)?;
        let certificate = Certificate::from_pem(&cert.display().to_string(), &certificate_pem)?;
        if certificate.public_key() != key.public_key()? {
            return Err(Error::bad_input(format!("the private key is not the key of `{}`", cert.display()))
                .hint("give the pair that was made together to -c and -k"));
        }
        let roots = self.root_ca.as_ref().map(|path| atomic::read(path)).transpose()?;
        let tls = tls::client_config(&roots.unwrap_or_else(crate::pki::roots::amazon_roots), &certificate_pem, &key)?;
        Ok(Some(Identity { endpoint: endpoint.clone(), client_id, tls, proxy: None }))
    }
}
