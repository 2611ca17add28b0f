//! The daemon under test, as a process that is killed.

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use tidings_e2e::token;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

/// How long it may take until it listens, recovery included, and until it has stopped when it was told to.
const PATIENCE: Duration = Duration::from_secs(30);

/// Lines of its output that are kept to be shown beside a violation: of its errors, and of all else.
const LINES_MAX: usize = 20;

/// How to start it.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// The binary.
    pub(crate) binary: PathBuf,
}

/// What is set so that no limit explains a loss.
const SETTINGS: [(&str, &str); 8] = [
    ("JWT_SECRET", token::SECRET),
    ("RATE_LIMIT_MESSAGES_PER_MINUTE", "0"),
    ("TIDINGS_LIMITS__OTHERS_PER_MINUTE", "0"),
    ("TIDINGS_TIMES__SLOW_TIMEOUT_MS", "60000"),
    ("TIDINGS_NAMESPACES__MESSAGING__STORED__ENTRIES_MAX", "1000000"),
    ("TIDINGS_NAMESPACES__MESSAGING__STORED__BYTES_MAX", "1073741824"),
    ("TIDINGS_STORE__INBOX__ENTRIES_MAX", "1000000"),
    ("TIDINGS_STORE__INBOX__BYTES_MAX", "1073741824"),
];

/// A process of it. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    address: watch::Receiver<Option<SocketAddr>>,
    lines: Arc<Mutex<Lines>>,
    started: Instant,
}

/// The last lines of its output. Errors are kept apart, so that other lines do not hide them.
#[derive(Debug, Default)]
struct Lines {
    errors: VecDeque<String>,
    others: VecDeque<String>,
}

impl Lines {
    fn keep(&mut self, line: String) {
        let is_error = line.contains("ERROR") || line.contains("panicked");
        let lines = if is_error { &mut self.errors } else { &mut self.others };
        // Behind the time; what is said again and again is kept once.
        let said = |line: &str| line.split_once(' ').map(|(_, said)| said.to_owned());
        lines.retain(|kept| said(kept) != said(&line));
        if lines.len() == LINES_MAX {
            lines.pop_front();
        }
        lines.push_back(line);
    }
}

impl Server {
    /// Starts it on a data directory.
    ///
    /// # Errors
    /// When the binary cannot be started.
    pub(crate) fn start(program: &Program, data: &Path) -> anyhow::Result<Self> {
        let mut command = Command::new(&program.binary);
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data);
        command.env_clear().envs(SETTINGS).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot start {}", program.binary.display()))?;
        let (tell, address) = watch::channel(None);
        let lines = Arc::default();
        read_on(child.stdout.take().context("its output was asked for")?, tell.clone(), &lines);
        read_on(child.stderr.take().context("its errors were asked for")?, tell, &lines);
        Ok(Self { child, address, lines, started: Instant::now() })
    }

    /// Waits until it listens. Returns where, and how long that took from the start of the process.
    ///
    /// # Errors
    /// When it ends or does not listen in time; with its last lines.
    pub(crate) async fn ready(&mut self) -> anyhow::Result<(SocketAddr, Duration)> {
        let mut address = self.address.clone();
        // Both senders are dropped when the process has ended.
        let told = timeout(PATIENCE, address.wait_for(Option::is_some)).await;
        if let Ok(Ok(address)) = &told
            && let Some(address) = **address
        {
            return Ok((address, self.started.elapsed()));
        }
        let why = if told.is_err() { format!("in {PATIENCE:?}") } else { "and ended".to_owned() };
        bail!("the daemon did not listen {why}; its last lines:\n{}", self.output())
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// When it is gone already.
    pub(crate) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = Pid::from_raw(self.child.id().cast_signed()).context("a process has a number")?;
        Ok(kill_process(pid, signal)?)
    }

    /// Waits until it has stopped by itself.
    ///
    /// # Errors
    /// When it does not.
    pub(crate) async fn stopped(&mut self) -> anyhow::Result<ExitStatus> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            sleep(Duration::from_millis(2)).await;
        }
        bail!("the daemon does not stop in {PATIENCE:?}; its last lines:\n{}", self.output())
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// When the system does not tell.
    pub(crate) fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Ends it at once: SIGKILL. It is gone when this returns.
    ///
    /// # Errors
    /// When the system does not let that be done.
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Its last lines.
    pub(crate) fn output(&self) -> String {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.errors.iter().chain(&lines.others).map(|line| format!("    {line}\n")).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.kill();
    }
}

/// Reads to the end, so that the daemon never waits for a reader.
fn read_on(output: impl Read + Send + 'static, tell: watch::Sender<Option<SocketAddr>>, lines: &Arc<Mutex<Lines>>) {
    let lines = Arc::clone(lines);
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some(address) = address(&line) {
                tell.send_replace(Some(address));
            }
            lines.lock().unwrap_or_else(PoisonError::into_inner).keep(line);
        }
    });
}

/// The address in a line such as `listening on http://127.0.0.1:8080`.
fn address(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("http://")?;
    rest.split(['/', ' ', '\u{1b}']).next()?.parse().ok()
}
