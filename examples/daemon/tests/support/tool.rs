//! The binary, called with some words, a bare environment and a data directory of its own, and what it prints.

use super::{SECRET, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead as _, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use tempfile::TempDir;

/// A process of the binary. It is killed when the test ends.
pub(crate) struct Tool {
    child: Child,
    printed: Arc<Mutex<Vec<String>>>,
    readers: Vec<JoinHandle<()>>,
    folder: TempDir,
}

/// How a call ended.
#[derive(Debug)]
pub(crate) struct Called {
    pub(crate) code: Option<i32>,
    /// Both outputs; lines of standard error begin with `! `.
    pub(crate) printed: String,
}

impl Called {
    /// Standard output alone: how far long work has come is told on the other, at any moment.
    pub(crate) fn out(&self) -> String {
        self.printed.lines().filter(|line| !line.starts_with("! ")).collect::<Vec<_>>().join("\n")
    }
}

impl Tool {
    pub(crate) fn start(args: &[&str], environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_tidingsd"))
            .args(args)
            .current_dir(folder.path())
            .env_clear()
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let printed = Arc::new(Mutex::new(Vec::new()));
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let readers = vec![collect(out, "", &printed), collect(err, "! ", &printed)];
        Self { child, printed, readers, folder }
    }

    /// Where it keeps its data if it is told no other place.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("tidings-data")
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed so far.
    pub(crate) fn printed(&self) -> Vec<String> {
        self.printed.lock().unwrap().clone()
    }

    /// Waits for a line that holds `part`, and returns it.
    #[track_caller]
    pub(crate) fn wait_for_line(&mut self, part: &str) -> String {
        self.wait_for_lines(part, 1).remove(0)
    }

    /// Waits for `count` lines that hold `part`, and returns all such.
    #[track_caller]
    pub(crate) fn wait_for_lines(&mut self, part: &str, count: usize) -> Vec<String> {
        let mut found = Vec::new();
        wait_until(&format!("{count} lines with {part:?}"), || {
            // Before the lines: what it printed before it ended is there after it ended.
            let over = self.child.try_wait().unwrap().is_some() && self.readers.iter().all(JoinHandle::is_finished);
            found = self.printed().into_iter().filter(|line| line.contains(part)).collect();
            assert!(!over || found.len() >= count, "it ended first: {:#?}", self.printed());
            found.len() >= count
        });
        found
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.id() as i32).unwrap(), signal).unwrap();
    }

    /// Waits until it ends by itself. The secret must not have been printed.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        wait_until("it ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        let printed = self.printed().join("\n");
        assert!(!printed.contains(SECRET), "{printed}");
        status.unwrap()
    }
}

impl Drop for Tool {
    fn drop(&mut self) {
        // It fails when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(from: impl Read + Send + 'static, mark: &'static str, to: &Arc<Mutex<Vec<String>>>) -> JoinHandle<()> {
    let to = Arc::clone(to);
    thread::spawn(move || {
        for line in BufReader::new(from).lines() {
            let Ok(line) = line else { return };
            to.lock().unwrap().push(format!("{mark}{line}"));
        }
    })
}

/// Calls the binary and waits for it.
pub(crate) fn call(args: &[&str], environment: &[(&str, &str)]) -> Called {
    let mut tool = Tool::start(args, environment);
    let code = tool.wait().code();
    Called { code, printed: tool.printed().join("\n") }
}

/// Calls it, sees that it fails with one line on standard error and no panic, and returns that line.
#[track_caller]
pub(crate) fn refusal(args: &[&str], environment: &[(&str, &str)]) -> String {
    let Called { code, printed } = call(args, environment);
    assert_eq!(code, Some(1), "{printed}");
    assert!(printed.starts_with("! tidingsd: ") && !printed.contains('\n'), "one line: {printed}");
    for word in ["panicked", "RUST_BACKTRACE", "Error {", "Os {"] {
        assert!(!printed.contains(word), "{printed}");
    }
    printed
}

/// A token by the tool, with the tests' secret.
pub(crate) fn token(args: &[&str]) -> String {
    let Called { code, printed } = call(&[&["token"], args].concat(), &[("JWT_SECRET", SECRET)]);
    assert_eq!(code, Some(0), "{printed}");
    assert_eq!(printed.matches('.').count(), 2, "the token alone: {printed}");
    printed
}
