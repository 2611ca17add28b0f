//! The daemon, as a process of its own.

use crate::{environment, token};
use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long it may take to start and to stop.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running daemon on a port of its own. Dropping it kills it.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    address: SocketAddr,
    /// It runs in here, so that whatever it writes goes with it.
    _folder: TempDir,
}

impl Daemon {
    /// Starts one without a limit of messages.
    ///
    /// # Errors
    /// When it cannot be started or does not say where it listens.
    pub fn start() -> anyhow::Result<Self> {
        Self::with(&[])
    }

    /// Starts one with more settings in its environment.
    ///
    /// # Errors
    /// As [`Daemon::start`].
    pub fn with(settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut command = Command::new(environment::daemon()?);
        command.args(["serve", "--listen", "127.0.0.1:0"]).current_dir(folder.path());
        command.env_clear().env("JWT_SECRET", token::SECRET).env("RATE_LIMIT_MESSAGES_PER_MINUTE", "0");
        // What memory keeps and how it comes back; what is on disk is for the crash tests.
        command.env("TIDINGS_NAMESPACES__MESSAGING__CLASS", "reliable");
        command.envs(settings.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().context("cannot start tidingsd")?;
        let (told, addresses) = mpsc::channel();
        read_on(child.stdout.take().context("its output was asked for")?, told.clone());
        read_on(child.stderr.take().context("its errors were asked for")?, told);
        match addresses.recv_timeout(PATIENCE) {
            Ok(address) => Ok(Self { child, address, _folder: folder }),
            Err(_) => {
                let _ = child.kill();
                bail!("tidingsd did not say where it listens and ended as {:?}; its output stands above", child.wait())
            }
        }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where clients connect.
    #[must_use]
    pub fn url(&self) -> String {
        format!("ws://{}/ws", self.address)
    }

    /// Memory that it holds, in bytes.
    ///
    /// # Errors
    /// Where `/proc` does not tell it.
    pub fn resident_bytes(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        Ok(line.trim().trim_end_matches("kB").trim_end().parse::<u64>()? * 1024)
    }

    /// One of the figures that it tells at `/metrics`.
    ///
    /// # Errors
    /// When it does not tell that one.
    pub fn figure(&self, name: &str) -> anyhow::Result<u64> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(stream, "GET /metrics HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.address)?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let value = value.with_context(|| format!("no {name} in {text}"))?;
        value.parse().with_context(|| value.to_owned())
    }

    /// Tells it to stop, as Ctrl-C does.
    ///
    /// # Errors
    /// When it is gone already.
    pub fn interrupt(&self) -> anyhow::Result<()> {
        let pid = Pid::from_raw(self.child.id().cast_signed()).context("a process has a number")?;
        Ok(kill_process(pid, Signal::INT)?)
    }

    /// Waits until it has stopped.
    ///
    /// # Errors
    /// When it does not.
    pub fn stopped(&mut self) -> anyhow::Result<ExitStatus> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            ensure!(Instant::now() < deadline, "tidingsd does not stop");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads to the end, so that the daemon never waits for a reader; the test runner shows the lines of a test that fails.
fn read_on(output: impl Read + Send + 'static, told: mpsc::Sender<SocketAddr>) {
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some(address) = address(&line) {
                // Only the first is waited for.
                let _ = told.send(address);
            }
            println!("tidingsd: {line}");
        }
    });
}

/// The address in a line such as `listening on http://127.0.0.1:8080`.
fn address(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("http://")?;
    rest.split(['/', ' ', '\u{1b}']).next()?.parse().ok()
}
