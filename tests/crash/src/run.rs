//! A run: one round after the other.

use crate::args::Args;
use crate::disk::bench::Bench;
use crate::full;
use crate::ground::Ground;
use crate::life::{Life, Report};
use crate::plan::{Plan, Round};
use crate::server::Program;
use crate::summary::Summary;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tidings_e2e::random::Random;

/// Rounds on one data directory.
const LIFE_ROUNDS: u64 = 20;

/// Rounds with a violation after which a run ends: more of them tell nothing new.
const FAILED_MAX: u32 = 5;

/// A run under way. The lives go before the bench that their disks lie on.
struct Run<'a> {
    program: Program,
    seed: u64,
    is_proof: bool,
    summary: &'a mut Summary,
    kills: Option<Life>,
    cuts: Option<Life>,
    bench: Option<Bench>,
}

/// Goes through what `args` ask for and counts in `summary`.
///
/// # Errors
/// When the rig itself fails.
pub(crate) async fn run(args: &Args, seed: u64, summary: &mut Summary) -> anyhow::Result<()> {
    let needs_disks = args.prove || args.cuts > 0 || args.full > 0;
    let bench = if needs_disks { bench(args, summary)? } else { None };
    let plan = Plan::new(args, seed, bench.is_some());
    let program = Program { binary: args.daemon.clone() };
    let mut run = Run { program, seed, is_proof: args.prove, summary, kills: None, cuts: None, bench };
    let start = Instant::now();
    for (number, round) in (1..).zip(plan) {
        let is_late = args.seconds.is_some_and(|seconds| start.elapsed() >= Duration::from_secs(seconds));
        if is_late || run.is_over() {
            break;
        }
        run.round(number, round).await?;
    }
    run.end_lives().await
}

/// A bench, or a loud word that there is none.
fn bench(args: &Args, summary: &mut Summary) -> anyhow::Result<Option<Bench>> {
    match Bench::set_up() {
        Ok(bench) => Ok(Some(bench)),
        Err(error) if args.prove => Err(error.context("a proof needs power cuts")),
        Err(error) => {
            let why = format!("{error:#}");
            println!("!!! NO POWER WILL BE CUT AND NO DISK FILLED, ONLY PROCESSES KILLED: {why}");
            summary.without_disks = Some(why);
            Ok(None)
        }
    }
}

impl Run<'_> {
    fn is_over(&self) -> bool {
        // A proof looks for one violation.
        let failed_max = if self.is_proof { 1 } else { FAILED_MAX };
        self.summary.failed() >= failed_max
    }

    async fn round(&mut self, number: u32, round: Round) -> anyhow::Result<()> {
        let mut random = Random::new(self.seed ^ u64::from(number) << 32);
        let start = Instant::now();
        let report = match round {
            Round::Full => match &mut self.bench {
                Some(bench) => full::round(bench, &self.program, random.number()).await?,
                None => return Ok(()),
            },
            Round::Kill(moment) | Round::Cut(moment) => {
                self.life(round, &mut random)?.round(moment, &mut random).await?
            }
        };
        self.tell(number, round, &report, start.elapsed());
        self.summary.add(number, round, &report);
        if !report.violations.is_empty() {
            self.give_up(number, round);
        } else if self.lives(round).as_ref().is_some_and(|life| life.rounds() >= LIFE_ROUNDS) {
            self.end_life(number, round).await?;
        }
        Ok(())
    }

    fn lives(&mut self, round: Round) -> &mut Option<Life> {
        if matches!(round, Round::Cut(_)) { &mut self.cuts } else { &mut self.kills }
    }

    /// The data directory that a round goes on with, or a new one.
    fn life(&mut self, round: Round, random: &mut Random) -> anyhow::Result<&mut Life> {
        if self.lives(round).is_none() {
            let ground = match (round, &mut self.bench) {
                (Round::Cut(_), Some(bench)) => Ground::Disk(bench.disk()?),
                _ => Ground::folder()?,
            };
            let life = Life::new(ground, self.program.clone(), random.number());
            *self.lives(round) = Some(life);
        }
        Ok(self.lives(round).as_mut().expect("it was put there above"))
    }

    fn tell(&self, number: u32, round: Round, report: &Report, took: Duration) {
        let recovery = report.recovery.map_or(String::new(), |took| format!(", recovered in {} ms", took.as_millis()));
        let verdict = if report.violations.is_empty() { "good" } else { "VIOLATIONS" };
        println!(
            "{number:>4} {:<34} {verdict}: {} stored, {} checked{recovery} ({:.1} s)",
            round.to_string(),
            report.stored,
            report.checked,
            took.as_secs_f64()
        );
        for violation in report.violations.iter().take(5) {
            println!("       {violation}");
        }
        if !report.output.is_empty() {
            println!("       the daemon's last lines:\n{}", report.output);
        }
    }

    /// Ends a life after a violation and keeps what the crash had left.
    fn give_up(&mut self, number: u32, round: Round) {
        let folder = PathBuf::from(format!("{}/tidings-crash-{}-{number}", std::env::temp_dir().display(), self.seed));
        let is_proof = self.is_proof;
        if let Some(life) = self.lives(round).take().filter(|_| round != Round::Full && !is_proof) {
            match life.keep(&folder) {
                Ok(()) => println!("       what the crash left, as no daemon has opened it yet: {}", folder.display()),
                Err(error) => println!("       what the crash left could not be kept: {error:#}"),
            }
        }
    }

    async fn end_life(&mut self, number: u32, round: Round) -> anyhow::Result<()> {
        if let Some(mut life) = self.lives(round).take() {
            let report = life.end().await?;
            for violation in report.violations.iter().take(5) {
                println!("       after the last round of a data directory: {violation}");
            }
            self.summary.read(number, &report);
        }
        Ok(())
    }

    async fn end_lives(&mut self) -> anyhow::Result<()> {
        for mut life in [self.kills.take(), self.cuts.take()].into_iter().flatten() {
            let report = life.end().await?;
            self.summary.read(self.summary.rounds(), &report);
        }
        Ok(())
    }
}
