//! One target and its runs.

use crate::run;
use crate::tree::Tree;
use anyhow::Context;
use std::fs::{self, File};
use std::process::{Command, Stdio};

/// The one triple that is built for: there the compiler brings the sanitizer's runtime with it.
pub(crate) const TRIPLE: &str = "x86_64-unknown-linux-gnu";

/// Something to be fuzzed.
pub(crate) struct Target {
    /// Its binary in fuzz/.
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// Longer inputs find nothing that shorter ones do not.
    bytes_max: usize,
    /// What takes longer is an error.
    timeout_s: u64,
}

const fn target(name: &'static str, bytes_max: usize, about: &'static str) -> Target {
    Target { name, about, bytes_max, timeout_s: 10 }
}

/// Every target, the most exposed first.
pub(crate) static TARGETS: [Target; 20] = [
    target("websocket", 8_192, "frames of WebSocket, whole and cut anywhere"),
    target("json", 4_096, "frames of clients in JSON"),
    target("msgpack", 4_096, "frames of clients in MessagePack"),
    target("data", 4_096, "application data, through both codecs and back"),
    target("handshake", 4_096, "HTTP requests, through the server's own HTTP"),
    target("sse", 2_048, "addresses, ids and tokens of requests for server-sent events"),
    target("preface", 4_200, "the PROXY protocol, over a socket and torn anywhere"),
    target("forwarded", 512, "what proxies, and clients that would be one, say of the client"),
    target("api", 4_096, "calls of the HTTP API"),
    target("hook", 1_024, "what an application answers to the hook"),
    target("session", 4_096, "a session against random frames, answers and looks at the clock"),
    target("stream", 4_096, "a stream in memory against its model"),
    target("durable", 4_096, "a stream on disk against its model, with failures and crashes"),
    target("token", 4_096, "tokens, signed rightly and not"),
    target("pattern", 200, "patterns of rights against a plain matcher"),
    target("names", 256, "names and ids"),
    target("origins", 512, "lists of origins"),
    target("records", 4_096, "foreign records with good checksums"),
    target("archive", 256, "an archive under writes, barriers and crashes"),
    Target { name: "sled", about: "a directory whose files were changed", bytes_max: 40, timeout_s: 60 },
];

/// How many lines of a run that failed are shown.
const SHOWN_LINES: usize = 40;

impl Target {
    /// Its program.
    pub(crate) fn program(&self, tree: &Tree) -> Command {
        let path = tree.target().join("fuzz").join(TRIPLE).join("release").join(self.name);
        let mut command = run::program(tree, &path.to_string_lossy());
        // What a run leaves behind at its end is no leak of the server's.
        command.env("ASAN_OPTIONS", "detect_leaks=0");
        command
    }

    /// Runs it for so long, and tells in a line what came of it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn run(&self, tree: &Tree, seconds: u64) -> anyhow::Result<bool> {
        let home = tree.target().join("fuzz");
        let corpus = home.join("corpus").join(self.name);
        let found = home.join("found");
        let log = home.join("logs").join(format!("{}.log", self.name));
        for folder in [&corpus, &found, &home.join("logs")] {
            fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        }
        let mut command = self.program(tree);
        command.arg(&corpus).arg(home.join("seeds").join(self.name));
        let regressions = tree.path("fuzz/regressions").join(self.name);
        if regressions.is_dir() {
            command.arg(regressions);
        }
        command.args([
            format!("-max_total_time={seconds}"),
            format!("-max_len={}", self.bytes_max),
            format!("-timeout={}", self.timeout_s),
            format!("-artifact_prefix={}/{}-", found.display(), self.name),
            "-print_final_stats=1".into(),
        ]);
        let output = File::create(&log).with_context(|| log.display().to_string())?;
        command.stdout(Stdio::null()).stderr(output);
        let good = command.status().with_context(|| format!("cannot start {}", self.name))?.success();
        let text = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
        println!("{:<10} {seconds:>5} s  {}", self.name, if good { told(&text) } else { "FAILED".into() });
        if !good {
            self.complain(&text);
        }
        Ok(good)
    }

    fn complain(&self, log: &str) {
        let lines: Vec<_> = log.lines().collect();
        for line in &lines[lines.len().saturating_sub(SHOWN_LINES)..] {
            println!("    {line}");
        }
        if let Some((_, file)) = log.rsplit_once("Test unit written to ") {
            let file = file.lines().next().unwrap_or_default();
            println!("    again: cargo xtask fuzz --target {} --repeat {file}", self.name);
        }
    }
}

/// How much was tried and reached, from libFuzzer's own words.
fn told(log: &str) -> String {
    let tried = log.rsplit_once("stat::number_of_executed_units:").and_then(|(_, rest)| rest.split_whitespace().next());
    let covered = log.lines().rev().find_map(|line| {
        let mut words = line.split_whitespace().skip_while(|word| *word != "cov:").skip(1);
        words.next().map(str::to_owned)
    });
    format!("{} inputs, {} edges", tried.unwrap_or("?"), covered.as_deref().unwrap_or("?"))
}
