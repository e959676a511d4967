//! The command line: one file per verb, each with its help text, its arguments and one function.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::config::environment;
use crate::error::{Error, Kind, Result};
use crate::ui::Ui;

mod bundle;
mod checks;
mod completions;
#[cfg(all(feature = "control", feature = "local"))]
mod demo;
mod doctor;
mod global;
mod health;
mod identity;
#[cfg(feature = "local")]
mod local;
mod logging;
mod man;
mod policy;
#[cfg(feature = "control")]
mod provision;
mod publish;
mod run;
mod service;
#[cfg(feature = "control")]
mod shadow;
mod signals;
mod spooling;
mod subscribe;
mod usage;

/// From an AWS account to a fleet of trusted devices whose readings arrive.
#[derive(Debug, Parser)]
#[command(name = "iotctl", version, max_term_width = 100, arg_required_else_help = true, after_help = usage::FIRST_STEPS)]
struct Cli {
    #[command(flatten)]
    global: global::Global,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    #[cfg(all(feature = "control", feature = "local"))]
    Demo(demo::Demo),
    #[cfg(feature = "control")]
    Provision(Box<provision::Provision>),
    #[command(subcommand)]
    Policy(policy::Policy),
    #[command(subcommand)]
    Bundle(bundle::Bundle),
    Run(Box<run::Run>),
    Health(health::Health),
    Doctor(doctor::Doctor),
    #[command(subcommand)]
    Service(service::Service),
    #[cfg(feature = "control")]
    #[command(subcommand)]
    Shadow(shadow::Shadow),
    Sub(subscribe::Sub),
    Pub(publish::Pub),
    #[cfg(feature = "local")]
    Local(local::LocalCommand),
    Completions(completions::Completions),
    Man(man::Man),
}

/// Runs the program and returns its exit code (the table stands in [`crate::error::Kind`]).
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return usage::report(&error),
    };
    let to_journal = environment::stderr_is_journal();
    let ui = cli.global.ui().to_journal(to_journal);
    logging::start(&cli.global, to_journal);
    match block_on(cli, ui) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            ui.error(&error);
            ExitCode::from(error.kind().exit_code())
        }
    }
}

/// One current-thread runtime serves every verb: the feeder shares the Pi with the process it watches.
fn block_on(cli: Cli, ui: Ui) -> Result<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Error::new(Kind::Failed, "cannot start the runtime").because(e))?;
    runtime.block_on(dispatch(cli, ui))
}

async fn dispatch(cli: Cli, ui: Ui) -> Result<u8> {
    let Cli { global, verb } = cli;
    match verb {
        #[cfg(all(feature = "control", feature = "local"))]
        Verb::Demo(command) => demo::run(command, ui).await,
        #[cfg(feature = "control")]
        Verb::Provision(command) => provision::run(*command, &global, ui).await,
        Verb::Policy(command) => policy::run(command, &global, ui).await,
        Verb::Bundle(command) => bundle::run(command, ui),
        #[cfg(feature = "control")]
        Verb::Shadow(command) => shadow::run(command, &global, ui).await,
        Verb::Run(command) => run::run(*command, ui).await,
        Verb::Doctor(command) => doctor::run(command, ui).await,
        Verb::Service(command) => service::run(command, ui),
        Verb::Health(command) => health::run(command, ui),
        Verb::Sub(command) => subscribe::run(command, ui).await,
        Verb::Pub(command) => publish::run(command, ui).await,
        #[cfg(feature = "local")]
        Verb::Local(command) => local::run(command, global.region, ui).await,
        Verb::Completions(command) => completions::run(command, &mut Cli::command(), ui),
        Verb::Man(command) => man::run(command, Cli::command(), ui),
    }
}
