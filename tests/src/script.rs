//! A client in another language: a script that we start and talk to, a JSON value a line, both ways.

use crate::environment;
use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

/// How long a script may be silent, or take to end.
const PATIENCE: Duration = Duration::from_secs(40);

/// What a script gets to clean up after itself when it is not wanted any more.
const GRACE: Duration = Duration::from_secs(5);

/// A running script. Dropping it ends it.
#[derive(Debug)]
pub struct Script {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Script {
    /// Starts `file`, a file of `tests/clients`, with what `program` runs it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(program: &Path, file: &str, arguments: &[&str]) -> anyhow::Result<Self> {
        let mut command = Command::new(program);
        command.arg(file).args(arguments).current_dir(environment::clients());
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        let input = child.stdin.take();
        let (tell, lines) = mpsc::channel();
        let show = |line: &str| println!("{line}");
        read_on(child.stderr.take().context("its errors were asked for")?, move |line| show(&line));
        read_on(child.stdout.take().context("its output was asked for")?, move |line| {
            println!("> {line}");
            // Nobody listens any more once the test is over.
            let _ = tell.send(line);
        });
        Ok(Self { child, input, lines })
    }

    /// Tells it something.
    ///
    /// # Errors
    /// When it has ended.
    pub fn tell(&mut self, value: &Value) -> anyhow::Result<()> {
        let input = self.input.as_mut().context("its input is open until it ends")?;
        writeln!(input, "{value}").context("the script does not listen any more")
    }

    /// What it says next.
    ///
    /// # Errors
    /// When it says nothing, or nothing that can be understood.
    pub fn hear(&mut self) -> anyhow::Result<Value> {
        let line = self.lines.recv_timeout(PATIENCE).context("the script says nothing; its errors stand above")?;
        serde_json::from_str(&line).with_context(|| line)
    }

    /// Waits until it has ended well.
    ///
    /// # Errors
    /// When it fails or does not end.
    pub fn finish(mut self) -> anyhow::Result<()> {
        self.input = None;
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "the script failed ({status}); its errors stand above");
                return Ok(());
            }
            thread::sleep(Duration::from_millis(5));
        }
        bail!("the script does not end")
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // A script that has a browser closes it when it is asked to end; it could not when it were killed.
        if let (Ok(None), Some(pid)) = (self.child.try_wait(), Pid::from_raw(self.child.id().cast_signed())) {
            let _ = kill_process(pid, Signal::TERM);
            let deadline = Instant::now() + GRACE;
            while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
                thread::sleep(Duration::from_millis(5));
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_on(output: impl Read + Send + 'static, mut each: impl FnMut(String) + Send + 'static) {
    thread::spawn(move || BufReader::new(output).lines().map_while(Result::ok).for_each(&mut each));
}
