//! Crash tests of the daemon, as users get it: it is killed, its power is cut, its disk fills up, and what it has after
//! that is compared with what it had promised before.
//!
//! * What a run does: [`args`], [`plan`] (which rounds), [`run`] (one after the other), [`life`] (a data directory over
//!   many crashes), [`full`] (a disk that fills up), [`summary`].
//! * What happens to the daemon: [`load`] (clients), [`cast`] (who they are), [`repeat`] (asking again), [`readback`].
//! * What must be true afterwards: [`publication`], [`history`] (what happened), [`reading`] (what is there),
//!   [`model`] (what must be there), [`violation`].
//! * Means: [`server`] (the process), [`connection`] and [`frame`] (the protocol, as a stranger reads it), [`ground`] and
//!   [`disk`] (where data lies), [`enclosure`] (so that nothing is left behind).

mod args;
mod cast;
mod connection;
mod disk;
mod enclosure;
mod frame;
mod full;
mod ground;
mod history;
mod life;
mod load;
mod model;
mod plan;
mod publication;
mod readback;
mod reading;
mod repeat;
mod run;
mod server;
mod summary;
mod violation;

use args::Args;
use clap::Parser;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};
use summary::Summary;
use tokio::signal::unix::{Signal, SignalKind, signal};

fn main() -> ExitCode {
    let args = Args::parse();
    match enclosure::enter().and_then(|()| tests(&args)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("tidings-crash: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs them. Returns whether they found what they should.
#[tokio::main]
async fn tests(args: &Args) -> anyhow::Result<bool> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seed = args.seed.unwrap_or_else(|| now.map_or(0, |now| u64::from(now.subsec_nanos())));
    println!("seed {seed}; to repeat: {}", args.repeat(seed));
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut summary = Summary::default();
    // Whichever ends the run, it is dropped, and takes daemons and mounts with it.
    let ended = tokio::select! {
        done = run::run(args, seed, &mut summary) => done.map(|()| true),
        () = either(&mut interrupt, &mut terminate) => Ok(false),
    };
    println!("== crash summary, seed {seed}\n{summary}");
    if !ended? {
        println!("interrupted");
        return Ok(false);
    }
    if args.prove {
        return Ok(proven(&summary));
    }
    println!("{}", summary.result());
    if !summary.is_good() {
        println!("to repeat: {}", args.repeat(seed));
    }
    Ok(summary.is_good())
}

async fn either(one: &mut Signal, other: &mut Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}

fn proven(summary: &Summary) -> bool {
    let is_proven = !summary.is_good();
    let (said, rounds) = (if is_proven { "was found" } else { "WAS NOT FOUND" }, summary.rounds());
    println!("A daemon that does not sync {said} in {rounds} power cuts.");
    is_proven
}
