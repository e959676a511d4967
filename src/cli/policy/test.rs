//! `iotctl policy test`

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

#[cfg(feature = "control")]
use super::against;
use super::source::{Loaded, some_scope};
use super::template::{Known, PolicyTemplate, region};
use crate::cli::global::Global;
use crate::error::{Error, Kind, Result};
use crate::policy::checks::Scope;
use crate::policy::suite::{Source, Suite, Tested, Verdict, junit};
use crate::policy::text::printable;
use crate::ui::Ui;

/// Hold policies against cases: who asks for what, and what must come of it
///
/// Each case is an MQTT packet, or an action and a resource, decided as the broker would. A case that comes out
/// otherwise is explained. Nothing is sent. Exit code 1 if a case failed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  iotctl policy test pump.toml
  iotctl policy test pump.toml --junit report.xml
  iotctl policy test pump.toml --policy policies/new.json
  iotctl policy test pump.toml --bundle certs/pump-7 --live --against aws

A suite:
  region = \"eu-central-1\"             # and account; both can be left out

  [[policy]]
  template = \"sensor\"                 # or file = \"policy.json\"; group = \"line22\" for one of a thing group

  [device]                            # thing, client_id, attached, thing_type, attributes, groups,
  thing = \"pump-7\"                    # certificate, source_ip, domain_name, persistent, will, http

  [[case]]
  name = \"publishes below its own name\"
  packet = \"PUBLISH sensors/pump-7/temperature\"      # CONNECT, PUBLISH, SUBSCRIBE, RECEIVE
  expect = \"allow\"                    # deny, explicit-deny, implicit-deny

  [[case]]
  name = \"a thief does not connect\"
  action = \"iot:Connect\"
  resource = \"pump-7\"
  as = { attached = \"no\" }            # what differs of the device
  expect = \"deny\"
")]
pub(in crate::cli) struct Test {
    /// The suite
    #[arg(value_name = "FILE")]
    suite: PathBuf,
    /// A policy in the place of the suite's own; can be repeated
    #[arg(long = "policy", value_name = "FILE")]
    policies: Vec<PathBuf>,
    /// Write a JUnit report
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Ask AWS too (TestAuthorization), about the device of `--bundle` with the policies that it has; exit code 2 if it
    /// decides otherwise
    #[cfg(feature = "control")]
    #[arg(long, value_name = "WHOM", value_parser = ["aws"], requires = "bundle")]
    against: Option<String>,
    /// Take the policies that count for the device of `--bundle` at AWS now, in the place of the suite's own
    #[cfg(feature = "control")]
    #[arg(long, requires = "bundle", conflicts_with = "policies")]
    live: bool,
    /// The device to ask AWS about
    #[cfg(feature = "control")]
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,
}

pub(super) async fn run(arguments: &Test, global: &Global, ui: Ui) -> Result<u8> {
    let origin = arguments.suite.display().to_string();
    let text = std::fs::read_to_string(&arguments.suite)
        .map_err(|e| Error::bad_input(format!("cannot read suite `{origin}`")).because(e))?;
    #[cfg_attr(not(feature = "control"), expect(unused_mut, reason = "only AWS adds to it"))]
    let mut suite = Suite::parse(&origin, &text)?;
    #[cfg(feature = "control")]
    let device = arguments.bundle.as_deref().map(|bundle| against::device(bundle, &suite)).transpose()?;
    #[cfg(feature = "control")]
    let scope = device.as_ref().map_or_else(|| scope(&suite, global), |(_, arn)| Ok(Scope::of(arn)))?;
    #[cfg(not(feature = "control"))]
    let scope = scope(&suite, global)?;
    let policies = policies(arguments, &suite, &scope)?;
    #[cfg(feature = "control")]
    let policies = match &device {
        Some(device) if arguments.live => against::live(device, &mut suite, global).await?,
        _ => policies,
    };
    let verdicts = suite.run(&policies, &scope)?;
    if let Some(path) = &arguments.junit {
        std::fs::write(path, junit::report(&origin, &verdicts))
            .map_err(|e| Error::failed(format!("cannot write `{}`", path.display())).because(e))?;
    }
    let failed = verdicts.iter().filter(|verdict| !verdict.passed).count();
    #[cfg_attr(not(feature = "control"), expect(unused_mut, reason = "only AWS adds to it"))]
    let mut value = json!({"suite": origin, "cases": verdicts.len(), "failed": failed, "verdicts": verdicts});
    #[cfg(feature = "control")]
    let asked = match &device {
        Some(device) if arguments.against.is_some() => Some(against::ask(device, &suite, &verdicts, global).await?),
        _ => None,
    };
    #[cfg(feature = "control")]
    if let Some(asked) = &asked {
        value["aws"] = json!(asked);
    }
    ui.result(|| verdicts.iter().map(entry).collect::<Vec<_>>().join("\n"), &value);
    #[cfg(feature = "control")]
    let differs = asked.is_some_and(|asked| tell(&asked, ui));
    #[cfg(not(feature = "control"))]
    let differs = false;
    match failed {
        0 if differs => Ok(Kind::Findings.exit_code()),
        0 => {
            ui.done(&format!("{} cases passed", verdicts.len()));
            Ok(0)
        }
        failed => {
            ui.say(&format!("{failed} of {} cases failed", verdicts.len()));
            Ok(Kind::Failed.exit_code())
        }
    }
}

/// Says what AWS decides otherwise; whether there was any.
#[cfg(feature = "control")]
fn tell(asked: &against::Asked, ui: Ui) -> bool {
    asked.differences.iter().for_each(|difference| ui.say(&difference.line()));
    if asked.cases_left_out > 0 {
        ui.say(&format!("AWS cannot be asked about {} cases: another device, or another action", asked.cases_left_out));
    }
    let differs = !asked.differences.is_empty();
    if !differs {
        ui.done(&format!("AWS decides {} requests likewise", asked.requests));
    }
    differs
}

/// The flags' Region wins, then the suite's.
fn scope(suite: &Suite, global: &Global) -> Result<Scope> {
    let some = some_scope()?;
    let of_suite = global.region.clone().or_else(|| suite.region.clone());
    let region = match of_suite {
        Some(region) => Some(region),
        None => region(global)?,
    };
    Ok(Scope {
        partition: suite.partition.clone().unwrap_or(some.partition),
        region: region.unwrap_or(some.region),
        account: suite.account.clone().unwrap_or(some.account),
    })
}

fn policies(arguments: &Test, suite: &Suite, scope: &Scope) -> Result<Vec<Tested>> {
    let folder = arguments.suite.parent().unwrap_or_else(|| Path::new(""));
    let loaded = |path: &PathBuf| {
        let Loaded { name, document, .. } = Loaded::read(path)?;
        Ok(Tested { name, document, group: None })
    };
    if arguments.policies.is_empty() {
        return suite.policies.iter().map(|source| tested(source, folder, scope)).collect();
    }
    arguments.policies.iter().map(loaded).collect()
}

fn tested(source: &Source, folder: &Path, scope: &Scope) -> Result<Tested> {
    let group = source.group.clone();
    if let Some(file) = &source.file {
        let Loaded { name, document, .. } = Loaded::read(&folder.join(file))?;
        return Ok(Tested { name, document, group });
    }
    let template = source.template.clone().unwrap_or_default();
    let is_path = template.contains(['/', '.']);
    let named = if is_path { folder.join(&template).display().to_string() } else { template };
    let variables = source.var.clone().into_iter().collect();
    let known = Known {
        thing: source.thing.clone(),
        topic: source.topic.clone(),
        account: Some(scope.account.clone()),
        partition: scope.partition.clone(),
    };
    let rendered = known.render(&PolicyTemplate { template: named, variables }, Some(scope.region.clone()))?;
    Ok(Tested { name: rendered.0.name, document: rendered.1.document, group })
}

fn entry(verdict: &Verdict) -> String {
    if verdict.passed {
        return format!("ok   {}", printable(&verdict.name));
    }
    let explained: Vec<String> = verdict.explain().lines().map(|line| format!("       {line}")).collect();
    format!("FAIL {}\n     {}\n{}", printable(&verdict.name), verdict.headline(), explained.join("\n"))
}
