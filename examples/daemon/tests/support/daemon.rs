//! A daemon of a test's own.

use super::{PATIENCE, SECRET, tool::Tool, wait_until};
use rustix::process::Signal;
use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitStatus;
use tempfile::NamedTempFile;

/// A running daemon; it ends with the test.
pub(crate) struct Daemon {
    pub(crate) tool: Tool,
    pub(crate) address: SocketAddr,
    _settings: NamedTempFile,
}

impl Daemon {
    /// A daemon with the tests' secret and these settings.
    pub(crate) fn start(settings: &str) -> Self {
        Self::start_with(&["--listen", "127.0.0.1:0"], &[("JWT_SECRET", SECRET)], settings)
    }

    /// A daemon that is called and set as the test says.
    pub(crate) fn start_with(args: &[&str], environment: &[(&str, &str)], settings: &str) -> Self {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(settings.as_bytes()).unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        let mut tool = Tool::start(&[args, &["--config", &path]].concat(), environment);
        let line = tool.wait_for_line(" is listening on http");
        let address = line.rsplit("://").next().unwrap().trim();
        let address = address.parse().unwrap_or_else(|_| panic!("no address in {line:?}"));
        Self { tool, address, _settings: file }
    }

    /// What the tools take for `--server`.
    pub(crate) fn url(&self) -> String {
        format!("ws://{}/ws", self.address)
    }

    /// Tells it to stop.
    pub(crate) fn signal(&self, signal: Signal) {
        self.tool.signal(signal);
    }

    /// Takes its life as a crash would.
    pub(crate) fn kill(mut self) {
        self.signal(Signal::KILL);
        assert_eq!(self.tool.wait().code(), None);
    }

    /// Stops it in order.
    pub(crate) fn stop(mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.tool.wait()
    }

    /// Resident memory in KiB.
    pub(crate) fn memory_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.tool.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches("kB").trim().parse().unwrap()
    }

    /// One of its figures, by its whole name in `/metrics`.
    pub(crate) fn figure(&self, name: &str) -> u64 {
        let mut client = super::client::Client::connect(self.address);
        client.send(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let response = client.response();
        assert_eq!(response.status, 200, "{response:?}");
        let line = response.body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
        line.map_or(0, |value| value.parse().unwrap())
    }

    /// Waits until a figure is what it should be.
    pub(crate) fn wait_for_figure(&self, name: &str, is_so: impl Fn(u64) -> bool) {
        let mut last = 0;
        let began = std::time::Instant::now();
        while !is_so(last) || last == 0 {
            last = self.figure(name);
            if is_so(last) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{name} stays {last}");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    /// Waits until every session is over.
    pub(crate) fn wait_until_empty(&self) {
        wait_until("no connections", || self.figure("tidings_connections") == 0);
    }
}
