//! One data directory, over many crashes.

use crate::cast::reading_devices;
use crate::ground::{Ground, RigFault};
use crate::history::{Answer, Event, Recorder};
use crate::load::{Load, crowd};
use crate::model::past::Past;
use crate::model::{Model, Verdict, repeats};
use crate::plan::Moment;
use crate::server::{Program, Server};
use crate::violation::Violation;
use crate::{readback, repeat};
use anyhow::ensure;
use rustix::process::Signal;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tidings_e2e::random::Random;
use tokio::time::{sleep, timeout};

/// Longest time under load: a moment that is counted in answers may not come.
const LOAD_TIME_MAX: Duration = Duration::from_secs(4);

/// Refused with this, a publisher asks again later.
const BUSY: u64 = 2011;

/// Unexpected refusals that are told of one round.
const REFUSALS_MAX: usize = 3;

/// A data directory, what is known of it, and the daemon that runs on it. The daemon goes first when it is dropped.
#[derive(Debug)]
pub(crate) struct Life {
    server: Option<(Server, SocketAddr)>,
    ground: Ground,
    program: Program,
    model: Model,
    recorder: Recorder,
    /// The seed of its data.
    seed: u64,
    rounds: u64,
    /// How long its last start took.
    start_time: Duration,
}

/// What came of one round.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// What the daemon should not have done.
    pub(crate) violations: Vec<Violation>,
    /// Publications answered `stored` before the crash.
    pub(crate) stored: usize,
    /// Entries read and compared after it.
    pub(crate) checked: usize,
    /// Time from a start on what a crash left until the daemon listened.
    pub(crate) recovery: Option<Duration>,
    /// The daemon's last lines, if there are violations.
    pub(crate) output: String,
}

impl Report {
    /// Adds what the model says.
    pub(crate) fn add(&mut self, verdict: Verdict) {
        self.violations.extend(verdict.violations);
        self.stored += verdict.stored;
        self.checked += verdict.checked;
    }
}

impl Life {
    /// A new one.
    pub(crate) fn new(ground: Ground, program: Program, seed: u64) -> Self {
        let (model, recorder) = (Model::default(), Recorder::new());
        Self { server: None, ground, program, model, recorder, seed, rounds: 0, start_time: Duration::ZERO }
    }

    /// Rounds that it has seen.
    pub(crate) fn rounds(&self) -> u64 {
        self.rounds
    }

    /// Loads the daemon, lets it crash, starts it again, and compares what it has.
    ///
    /// # Errors
    /// When the rig itself fails. What the daemon does wrong is in the report.
    pub(crate) async fn round(&mut self, moment: Moment, random: &mut Random) -> anyhow::Result<Report> {
        let mut report = Report::default();
        self.rounds += 1;
        if let Err(error) = self.trial(moment, random, &mut report).await {
            if error.downcast_ref::<RigFault>().is_some() {
                return Err(error);
            }
            report.violations.push(Violation::Conduct(format!("{error:#}")));
        }
        if let (false, Some((server, _))) = (report.violations.is_empty(), &self.server) {
            report.output = server.output();
        }
        Ok(report)
    }

    /// Reads everything a last time, without a crash: what was asked for again after the last one is there once.
    ///
    /// # Errors
    /// As [`Life::round`].
    pub(crate) async fn end(&mut self) -> anyhow::Result<Report> {
        let mut report = Report::default();
        let all = self.recorder.take();
        let past = Past { certain: all.len(), all, ..Past::default() };
        match self.audit(&past).await {
            Ok(verdict) => report.add(verdict),
            Err(error) => report.violations.push(Violation::Conduct(format!("{error:#}"))),
        }
        Ok(report)
    }

    /// Copies what the last crash left to a folder that stays.
    ///
    /// # Errors
    /// When there was none, or no room.
    pub(crate) fn keep(&self, folder: &Path) -> anyhow::Result<()> {
        self.ground.keep(folder)
    }

    async fn trial(&mut self, moment: Moment, random: &mut Random, report: &mut Report) -> anyhow::Result<()> {
        if self.server.is_none() {
            self.start().await?;
        }
        let past = self.crash(moment, random, report).await?;
        self.ground.settle()?;
        if let Moment::Start(times) = moment {
            for _ in 0..times {
                self.crash_at_start(random).await?;
            }
        }
        report.recovery = Some(self.start().await?);
        let verdict = self.audit(&past).await?;
        report.add(verdict);
        if report.violations.is_empty() {
            let address = self.address()?;
            repeat::all(address, self.seed, &self.recorder, &repeats(&past)).await?;
        }
        Ok(())
    }

    /// Starts the daemon. Returns how long it took until it listened.
    async fn start(&mut self) -> anyhow::Result<Duration> {
        let mut server = Server::start(&self.program, &self.ground.data())?;
        let (address, took) = server.ready().await?;
        self.server = Some((server, address));
        self.start_time = took;
        Ok(took)
    }

    fn address(&self) -> anyhow::Result<SocketAddr> {
        let server = self.server.as_ref();
        server.map(|(_, address)| *address).ok_or_else(|| anyhow::anyhow!("the daemon does not run"))
    }

    async fn audit(&mut self, past: &Past) -> anyhow::Result<Verdict> {
        let readings = readback::everything(self.address()?, self.seed, &reading_devices(self.rounds)).await?;
        Ok(self.model.check(past, &readings))
    }

    /// Puts the daemon under load until it crashes. Returns what happened.
    async fn crash(&mut self, moment: Moment, random: &mut Random, report: &mut Report) -> anyhow::Result<Past> {
        let fresh = self.recorder.mark();
        let Some((mut server, address)) = self.server.take() else { anyhow::bail!("the daemon does not run") };
        let mut load = Load::new(address, self.seed, self.recorder.clone());
        crowd::join(&mut load, &self.model, random).await?;
        let power = random.between(0, 12);
        let answers = random.between(1 << power, 2 << power) as usize;
        // The moment that is drawn, or the longest time: both are good ones.
        let _ = timeout(LOAD_TIME_MAX, self.recorder.until(|counts| counts.answers >= answers)).await;
        sleep(Duration::from_micros(random.between(0, 5_000))).await;
        if let Some(status) = server.ended()? {
            anyhow::bail!("the daemon ended by itself under load ({status}); its last lines:\n{}", server.output());
        }
        let undisturbed = self.recorder.mark();
        let is_clean = moment == Moment::Stopped;
        if matches!(moment, Moment::Stop | Moment::Stopped) {
            load.expect_the_end();
            server.signal(if random.between(0, 2) == 0 { Signal::TERM } else { Signal::INT })?;
        }
        if moment == Moment::Stop {
            sleep(Duration::from_micros(random.between(0, 150_000))).await;
        }
        if is_clean {
            let status = server.stopped().await?;
            ensure!(status.success(), "the daemon was told to stop and ended with {status}");
            report.violations.extend(load.finish().await.into_iter().map(Violation::Conduct));
            let certain = self.recorder.mark();
            self.ground.cut()?;
            return Ok(Past { fresh, is_clean, ..self.past(certain, undisturbed, report) });
        }
        let certain = self.recorder.mark();
        self.ground.cut()?;
        load.expect_the_end();
        server.kill()?;
        report.violations.extend(load.finish().await.into_iter().map(Violation::Conduct));
        // A killed daemon's files are as it left them: whatever it had answered was before.
        let certain = if self.ground.has_power() { certain } else { self.recorder.mark() };
        Ok(Past { fresh, ..self.past(certain, undisturbed, report) })
    }

    /// What happened, with a complaint about what was refused before anybody disturbed the daemon.
    fn past(&self, certain: usize, undisturbed: usize, report: &mut Report) -> Past {
        let all = self.recorder.take();
        let refused = all[..undisturbed].iter().filter_map(|event| match event {
            Event::Answered(id, Answer::Refused(code)) if *code != BUSY => {
                Some(Violation::Conduct(format!("{id} was refused with {code}, and nothing was wrong")))
            }
            _ => None,
        });
        report.violations.extend(refused.take(REFUSALS_MAX));
        Past { all, certain, ..Past::default() }
    }

    /// Starts the daemon and lets it crash before it listens or just after.
    async fn crash_at_start(&mut self, random: &mut Random) -> anyhow::Result<()> {
        let mut server = Server::start(&self.program, &self.ground.data())?;
        // At any moment of a start that takes as long as the last one, or a little longer.
        let time_max = self.start_time.mul_f64(1.2).as_micros().max(1_000) as u64;
        sleep(Duration::from_micros(random.between(0, time_max))).await;
        self.ground.cut()?;
        server.kill()?;
        self.ground.settle()
    }
}
