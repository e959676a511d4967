//! The `iotctl` program: parse, dispatch, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    iotctl::cli::main(std::env::args_os())
}
