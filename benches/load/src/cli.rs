//! The command line.

use crate::codec::Codec;
use crate::plan::{Limit, Pace, Plan};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Drives any number of WebSocket connections from one thread, and measures what they cost the server.
///
/// Every run checks that each message arrived once, in order and at the right place; a run that lost one is FAILED and
/// ends with exit code 1. Server CPU and memory are read from the operating system and need --pid or --spawn.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Examples:
  tidings-load --spawn target/release/tidingsd fanout --subscribers 1000 --window 8
  tidings-load --server ws://127.0.0.1:8080/ws --secret \"$JWT_SECRET\" fanout --rate 8
  tidings-load bench --daemon target/release/tidingsd --markdown docs/benchmarks.md"
)]
pub struct Cli {
    /// The server, and who connects to it.
    #[command(flatten)]
    pub server: ServerArgs,
    /// What to do.
    #[command(subcommand)]
    pub scenario: Scenario,
}

/// The server, and who connects to it.
#[derive(Debug, Args)]
pub struct ServerArgs {
    /// Address of the server.
    #[arg(long, global = true, default_value = "ws://127.0.0.1:8080/ws", value_name = "URL")]
    pub server: String,
    /// Process of the server, for its CPU and memory.
    #[arg(long, global = true)]
    pub pid: Option<u32>,
    /// Start this daemon for the run, on a free port, pinned to one core, with no rate limit and fresh data. The word
    /// `floor` starts the floor server.
    #[arg(long, global = true, value_name = "PATH", conflicts_with_all = ["server", "pid"])]
    pub spawn: Option<PathBuf>,
    /// The server's JWT_SECRET: each connection gets a token of its own (HS256, users u00000, u00001, ...).
    #[arg(long, global = true, env = "JWT_SECRET", hide_env_values = true)]
    pub secret: Option<String>,
    /// One token for all connections.
    #[arg(long, global = true, conflicts_with = "secret")]
    pub token: Option<String>,
    /// Form of the frames.
    #[arg(long, global = true, value_enum, default_value = "json")]
    pub codec: Codec,
    /// Print the result as JSON rather than as a table.
    #[arg(long, global = true)]
    pub json: bool,
    /// Show no progress.
    #[arg(long, global = true)]
    pub quiet: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Scenario {
    /// One publisher, many subscribers of one channel.
    Fanout(FanoutArgs),
    /// Users that send to one another, in random pairs.
    Unicast(UnicastArgs),
    /// What connections cost in memory while nothing happens.
    Idle(IdleArgs),
    /// What it costs to let a client in: handshake, token, subscribe.
    Connect(ConnectArgs),
    /// Users that were away get what they missed, all at once, while others go on talking.
    Comeback(ComebackArgs),
    /// Run the floor server: the least that any server must do, as a raw epoll loop.
    Floor(FloorArgs),
    /// Run floor and daemon in turn through every scenario, and compare.
    Bench(BenchArgs),
}

/// The messages of a run, and when they are sent.
#[derive(Debug, Clone, Args)]
pub struct MessageArgs {
    /// Closed loop: so many messages are in flight. [default: 1 for fanout, 64 for unicast]
    #[arg(long, value_name = "MESSAGES", conflicts_with = "rate")]
    pub window: Option<usize>,
    /// Open loop: so many messages each second, each at its fixed time; latency counts from when one was due.
    #[arg(long, value_name = "PER SECOND")]
    pub rate: Option<f64>,
    /// End after so many messages.
    #[arg(long, conflicts_with = "seconds")]
    pub messages: Option<u64>,
    /// End after so many seconds.
    #[arg(long, default_value_t = 5.0)]
    pub seconds: f64,
    /// Messages before the measured ones.
    #[arg(long, default_value_t = 64, value_name = "MESSAGES")]
    pub warmup: u64,
    /// Length of the text in each message's data, in bytes.
    #[arg(long, default_value_t = 128, value_name = "BYTES")]
    pub payload: usize,
    /// Give each message an id, so that the server answers it. The floor server answers nothing.
    #[arg(long)]
    pub ack: bool,
}

/// Arguments of `fanout`.
#[derive(Debug, Args)]
pub struct FanoutArgs {
    /// Subscribers, slow ones included.
    #[arg(long, short = 'n', default_value_t = 5_000)]
    pub subscribers: u32,
    /// Subscribers that stop reading, to see what it does to the others and what becomes of them.
    #[arg(long, default_value_t = 0)]
    pub slow: u32,
    /// Namespace of the channel.
    #[arg(long, default_value = "messaging")]
    pub namespace: String,
    /// Connections being opened at once.
    #[arg(long, default_value_t = 64)]
    pub parallel: usize,
    /// The messages.
    #[command(flatten)]
    pub messages: MessageArgs,
}

/// Arguments of `unicast`.
#[derive(Debug, Args)]
pub struct UnicastArgs {
    /// Users, with one connection each.
    #[arg(long, short = 'n', default_value_t = 5_000)]
    pub users: u32,
    /// Seed of the random pairs.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Namespace whose policy applies to what is sent.
    #[arg(long, default_value = "messaging")]
    pub namespace: String,
    /// Connections being opened at once.
    #[arg(long, default_value_t = 64)]
    pub parallel: usize,
    /// The messages.
    #[command(flatten)]
    pub messages: MessageArgs,
}

/// Arguments of `idle`.
#[derive(Debug, Args)]
pub struct IdleArgs {
    /// Connections, each authenticated and subscribed.
    #[arg(long, short = 'n', default_value_t = 5_000)]
    pub connections: u32,
    /// Channels that they share evenly.
    #[arg(long, default_value_t = 1)]
    pub channels: u32,
    /// Messages that each receives before it idles.
    #[arg(long, default_value_t = 0)]
    pub messages: u64,
    /// Length of the text in each message's data, in bytes.
    #[arg(long, default_value_t = 128, value_name = "BYTES")]
    pub payload: usize,
    /// Namespace of the channels.
    #[arg(long, default_value = "messaging")]
    pub namespace: String,
    /// Connections being opened at once.
    #[arg(long, default_value_t = 64)]
    pub parallel: usize,
}

/// Arguments of `connect`.
#[derive(Debug, Args)]
pub struct ConnectArgs {
    /// Connections.
    #[arg(long, short = 'n', default_value_t = 5_000)]
    pub connections: u32,
    /// Channels that they share evenly.
    #[arg(long, default_value_t = 1)]
    pub channels: u32,
    /// Connections being opened at once.
    #[arg(long, default_value_t = 16)]
    pub parallel: usize,
    /// Send connect and subscribe together, rather than one after the other's answer.
    #[arg(long)]
    pub pipelined: bool,
    /// Close each connection as soon as it is subscribed; the cost of that is then in the figure.
    #[arg(long)]
    pub close: bool,
    /// Namespace of the channels.
    #[arg(long, default_value = "messaging")]
    pub namespace: String,
}

/// Arguments of `comeback`.
#[derive(Debug, Args)]
pub struct ComebackArgs {
    /// Users that come back.
    #[arg(long, short = 'n', default_value_t = 5_000)]
    pub users: u32,
    /// Entries that wait for each of them.
    #[arg(long, default_value_t = 100)]
    pub entries: u64,
    /// One user with so many entries in place of many with few, as `--users 1 --entries N`.
    #[arg(long, value_name = "ENTRIES", conflicts_with_all = ["users", "entries"])]
    pub missed: Option<u64>,
    /// Subscribers of another channel, who were never away; 0 for none.
    #[arg(long, default_value_t = 50)]
    pub others: u32,
    /// Messages a second in their channel.
    #[arg(long, default_value_t = 20.0, value_name = "PER SECOND")]
    pub others_rate: f64,
    /// Namespace of their channel.
    #[arg(long, default_value = "realtime")]
    pub others_namespace: String,
    /// How long their latency is measured before the comeback, in seconds.
    #[arg(long, default_value_t = 3.0)]
    pub before: f64,
    /// Length of the text in each entry's data, in bytes.
    #[arg(long, default_value_t = 128, value_name = "BYTES")]
    pub payload: usize,
    /// Namespace whose rules apply to what is sent to those who are away.
    #[arg(long, default_value = "messaging")]
    pub namespace: String,
    /// Connections being opened at once.
    #[arg(long, default_value_t = 64)]
    pub parallel: usize,
}

/// How the floor server writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FloorMode {
    /// One write for each subscriber and wake-up.
    Fanout,
    /// One write for each frame that was read.
    Unicast,
}

/// Arguments of `floor`.
#[derive(Debug, Args)]
pub struct FloorArgs {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// How it writes.
    #[arg(long, value_enum, default_value = "fanout")]
    pub mode: FloorMode,
    /// Length of each frame that it writes, head included, in bytes.
    #[arg(long, default_value_t = 220, value_name = "BYTES")]
    pub frame_bytes: usize,
}

/// Arguments of `bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// Program of the daemon.
    #[arg(long, value_name = "PATH")]
    pub daemon: PathBuf,
    /// Fewer connections, shorter runs, fewer rounds: to see whether all works, not to quote.
    #[arg(long)]
    pub quick: bool,
    /// Only these, separated by commas.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub only: Vec<BenchPart>,
    /// Rounds of each comparison. [default: 5, or 2 with --quick]
    #[arg(long)]
    pub rounds: Option<usize>,
    /// Also write the result as JSON to this file.
    #[arg(long = "json-file", alias = "json-to", value_name = "FILE")]
    pub json_file: Option<PathBuf>,
    /// Also write the result as Markdown to this file.
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
}

/// A part of `bench`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BenchPart {
    /// Server CPU for each delivery, window 1, 8 and 64, JSON and MessagePack.
    Fanout,
    /// Latency of 8 messages a second to 5,000 subscribers.
    Rate,
    /// Server CPU for each message from one user to one user.
    Unicast,
    /// Server CPU for each connect.
    Connect,
    /// Memory of idle connections.
    Idle,
    /// Memory of idle connections that have received 100 messages each.
    IdleUsed,
    /// What a subscriber that stops reading does to the others.
    Slow,
    /// What it costs to give users what they missed, and what the others feel meanwhile.
    Comeback,
    /// As fanout, in JSON, in a channel that is kept on disk.
    DurableFanout,
    /// As unicast, in JSON, through inboxes on disk.
    DurableUnicast,
    /// Server CPU for each delivery by server-sent events, compared with the daemon's own WebSocket.
    Sse,
    /// Memory of idle streams of server-sent events.
    IdleSse,
    /// What 1% of attackers do to the others, and what they leave behind.
    Attack,
    /// Users that watch each other.
    Presence,
}

impl MessageArgs {
    /// When messages are sent, and how many.
    #[must_use]
    pub fn plan(&self, default_window: usize) -> Plan {
        let pace = match self.rate {
            Some(rate) => Pace::Rate(rate),
            None => Pace::Window(self.window.unwrap_or(default_window).max(1)),
        };
        let limit = match self.messages {
            Some(messages) => Limit::Messages(messages),
            None => Limit::Seconds(self.seconds),
        };
        Plan { pace, limit }
    }
}

#[cfg(test)]
mod tests {
    use super::Cli;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
