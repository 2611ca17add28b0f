//! The program; all of it is in the library beside it.

use clap::Parser as _;
use std::process::ExitCode;
use tidings_load::cli::Cli;

fn main() -> ExitCode {
    match tidings_load::run::run(&Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
