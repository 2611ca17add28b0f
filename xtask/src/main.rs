//! What the project does for its own people: prove its rules, pass its tests, measure itself.
//!
//! `cargo xtask` alone lists the commands; `cargo xtask <command> --help` tells what each one does.

mod apt;
mod bench;
mod breach;
mod c_install;
mod check;
mod crash;
mod fuzz;
mod header;
mod house;
mod openapi;
mod run;
mod rust;
mod sim;
mod test;
mod tree;
mod vectors;

use clap::{CommandFactory, Parser, Subcommand};
use std::process::ExitCode;

/// Work on Tidings: run as `cargo xtask <command>`.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    Check(check::Args),
    Test(test::Args),
    Bench(bench::Args),
    Crash(crash::Args),
    Fuzz(fuzz::Args),
    Sim(sim::Args),
    Vectors(vectors::Args),
    Openapi(openapi::Args),
    Header(header::Args),
    CInstall(c_install::Args),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        None => list(),
        Some(Command::Check(args)) => check::main(&args),
        Some(Command::Test(args)) => test::main(&args),
        Some(Command::Bench(args)) => bench::main(&args),
        Some(Command::Crash(args)) => crash::main(&args),
        Some(Command::Fuzz(args)) => fuzz::main(&args),
        Some(Command::Sim(args)) => sim::main(&args),
        Some(Command::Vectors(args)) => vectors::main(&args),
        Some(Command::Openapi(args)) => openapi::main(&args),
        Some(Command::Header(args)) => header::main(&args),
        Some(Command::CInstall(args)) => c_install::main(&args),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cargo xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// One line for each command, which is what somebody wants who does not know them yet.
fn list() -> anyhow::Result<bool> {
    for command in Cli::command().get_subcommands() {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        println!("cargo xtask {:<9} {about}", command.get_name());
    }
    Ok(true)
}
