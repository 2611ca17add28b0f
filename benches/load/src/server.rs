//! Servers that the tool starts itself.

use crate::codec::Codec;
use crate::machine::{Cores, pin_to};
use crate::target::Target;
use crate::token::Tokens;
use anyhow::{Context as _, Result, bail};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a server may take to say where it listens.
const START_PATIENCE: Duration = Duration::from_secs(20);

/// What a durable daemon keeps for a user at most: more than any scenario sends.
const INBOX_ENTRIES_MAX: usize = 1_000_000;
/// The same in bytes.
const INBOX_BYTES_MAX: usize = 1 << 30;
/// How long a durable daemon waits for `connect` after the upgrade, in milliseconds.
const CONNECT_TIMEOUT_MS: u64 = 60_000;

/// A server to start.
#[derive(Debug, Clone)]
pub enum Program {
    /// A daemon.
    Daemon {
        /// Its program.
        path: PathBuf,
        /// Whether namespace `messaging` is kept on disk, as it is by default; else it is reliable, and what is sent to
        /// users reaches who is connected.
        durable: bool,
    },
    /// The floor server of this program.
    Floor {
        /// Whether each message is written by itself.
        unicast: bool,
        /// Length of the frames that it writes, head included, in bytes.
        frame_bytes: usize,
    },
}

/// A running server; it ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    url: String,
    secret: String,
    // Held so that data and log live as long as the server.
    _directory: TempDir,
}

impl Server {
    /// Starts a server on a free port of loopback, on its core when there are cores to choose.
    ///
    /// # Errors
    /// When it does not start; the message holds what it said.
    pub fn start(program: &Program, cores: Option<Cores>) -> Result<Self> {
        let directory = TempDir::with_prefix("tidings-load-").context("no temporary directory")?;
        let log = directory.path().join("server.log");
        let secret = secret()?;
        let mut command = command(program, directory.path(), &secret)?;
        let out = File::create(&log).context("cannot write the server's log")?;
        command.stdin(Stdio::null()).stderr(out.try_clone()?).stdout(out);
        // What is started from a pinned thread is pinned from its first instruction on.
        if let Some(cores) = cores {
            pin_to(cores.server)?;
        }
        let child = command.spawn().with_context(|| format!("cannot start {command:?}"));
        if let Some(cores) = cores {
            pin_to(cores.driver)?;
        }
        let mut server = Self { child: child?, url: String::new(), secret, _directory: directory };
        server.url = server.wait_for_address(&log)?;
        Ok(server)
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How to reach it.
    ///
    /// # Errors
    /// When its address cannot be read.
    pub fn target(&self, codec: Codec) -> Result<Target> {
        Target::new(&self.url, codec, Tokens::Secret(self.secret.clone()))
    }

    fn wait_for_address(&mut self, log: &Path) -> Result<String> {
        let deadline = Instant::now() + START_PATIENCE;
        loop {
            let said = fs::read_to_string(log).unwrap_or_default();
            if let Some(url) = said.lines().find_map(address_in) {
                return Ok(url);
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended at once ({status}) and said:\n{said}");
            }
            if Instant::now() > deadline {
                bail!("the server told no address within {START_PATIENCE:?}; it said:\n{said}");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(program: &Program, directory: &Path, secret: &str) -> Result<Command> {
    match program {
        Program::Daemon { path, durable } => {
            let mut command = Command::new(path);
            command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(directory.join("data"));
            command.env("RATE_LIMIT_MESSAGES_PER_MINUTE", "0").env("JWT_SECRET", secret);
            if *durable {
                // Whoever is away gets all of it, and whoever waits before `connect` is waited for.
                command.env("TIDINGS_STORE__INBOX__ENTRIES_MAX", INBOX_ENTRIES_MAX.to_string());
                command.env("TIDINGS_STORE__INBOX__BYTES_MAX", INBOX_BYTES_MAX.to_string());
                command.env("TIDINGS_TIMES__CONNECT_TIMEOUT_MS", CONNECT_TIMEOUT_MS.to_string());
            } else {
                command.env("TIDINGS_NAMESPACES__MESSAGING__CLASS", "reliable");
                command.env("TIDINGS_NAMESPACES__MESSAGING__QUEUE_SENDS", "false");
            }
            Ok(command)
        }
        Program::Floor { unicast, frame_bytes } => {
            let mut command = Command::new(std::env::current_exe().context("where is this program?")?);
            command.args(["floor", "--listen", "127.0.0.1:0", "--mode", if *unicast { "unicast" } else { "fanout" }]);
            command.args(["--frame-bytes", &frame_bytes.to_string()]);
            Ok(command)
        }
    }
}

/// 32 random bytes in hexadecimal digits.
fn secret() -> Result<String> {
    use std::io::Read as _;
    let mut bytes = [0_u8; 32];
    File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).context("no random bytes")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The WebSocket address in a line such as `listening on http://127.0.0.1:8080`.
fn address_in(line: &str) -> Option<String> {
    let at = line.find("ws://").or_else(|| line.find("http://"))?;
    let url = line[at..].split(|sign: char| sign.is_whitespace() || "\"'<>,;)\u{1b}".contains(sign)).next()?;
    let (scheme, rest) = url.split_once("://")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (_, port) = host.rsplit_once(':')?;
    port.parse::<u16>().ok()?;
    let path = if scheme == "ws" && !path.is_empty() { path.split('?').next()? } else { "ws" };
    Some(format!("ws://{host}/{path}"))
}

#[cfg(test)]
mod tests {
    use super::address_in;

    #[test]
    fn an_address_is_found_in_what_a_server_prints() {
        for (line, url) in [
            ("listening on http://127.0.0.1:4321", Some("ws://127.0.0.1:4321/ws")),
            ("Page: http://127.0.0.1:4321/?token=abc", Some("ws://127.0.0.1:4321/ws")),
            ("ws://127.0.0.1:1/ws?token=x", Some("ws://127.0.0.1:1/ws")),
            ("listening on ws://127.0.0.1:99/floor", Some("ws://127.0.0.1:99/floor")),
            ("see http://example.org/", None),
            ("nothing here", None),
        ] {
            assert_eq!(address_in(line).as_deref(), url, "{line}");
        }
    }
}
