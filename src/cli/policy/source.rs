//! The policies that a verb looks at: files, or a template rendered for it.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;

use super::template::{Known, PolicyTemplate, pair, region};
use crate::cli::global::Global;
use crate::error::{Error, Result};
use crate::policy::checks::Scope;
use crate::policy::document::Document;

/// `policy.json` of a bundle.
const BUNDLE_POLICY: &str = "policy.json";

/// A template in the place of files.
#[derive(Debug, Clone, Args)]
pub(super) struct Rendering {
    /// Take a policy template instead: sensor, sensor-remote, tutorial-publisher, observer, or a file
    #[arg(long, value_name = "NAME|FILE")]
    template: Option<String>,
    /// Value of a template variable; can be repeated
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = pair, requires = "template")]
    variables: Vec<(String, String)>,
    #[command(flatten)]
    pub(super) known: Known,
}

/// A policy, and the text it was read from.
#[derive(Debug)]
pub(super) struct Loaded {
    /// Its file, or its template.
    pub(super) name: String,
    pub(super) text: String,
    pub(super) document: Document,
}

impl Loaded {
    /// Reads a file, the policy of a bundle's folder, or `-`, the standard input.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let path = if path.is_dir() { path.join(BUNDLE_POLICY) } else { path.to_owned() };
        let name = path.display().to_string();
        let text = read(&path).map_err(|e| Error::bad_input(format!("cannot read policy `{name}`")).because(e))?;
        Ok(Self { document: Document::parse(&name, &text)?, name, text })
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    if path != Path::new("-") {
        return std::fs::read_to_string(path);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(text)
}

impl Rendering {
    /// The files, and the template if one was named.
    pub(super) fn load(&self, files: &[PathBuf], global: &Global) -> Result<Vec<Loaded>> {
        let mut all = files.iter().map(|path| Loaded::read(path)).collect::<Result<Vec<_>>>()?;
        if let Some(template) = &self.template {
            let source = PolicyTemplate { template: template.clone(), variables: self.variables.clone() };
            let scope = self.scope(global)?;
            let known = Known { account: Some(scope.account), ..self.known.clone() };
            let (template, rendered) = known.render(&source, Some(scope.region))?;
            all.push(Loaded { name: template.name, text: rendered.json, document: rendered.document });
        }
        Ok(all)
    }

    /// Partition, Region and account, those of AWS's examples where they are not given.
    pub(super) fn scope(&self, global: &Global) -> Result<Scope> {
        let some = some_scope()?;
        Ok(Scope {
            partition: self.known.partition.clone(),
            region: region(global)?.unwrap_or(some.region),
            account: self.known.account.clone().unwrap_or(some.account),
        })
    }
}

/// What stands in ARNs where Region and account do not matter: those of AWS's own examples.
pub(super) fn some_scope() -> Result<Scope> {
    Ok(Scope { partition: "aws".to_owned(), region: "us-east-1".parse()?, account: "123456789012".parse()? })
}
