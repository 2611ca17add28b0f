//! The command line.

use crate::client::frames::Position;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// The realtime engine Tidings as a server of its own, and tools to speak with it.
///
/// Without a command it serves.
#[derive(Debug, Parser)]
#[command(name = "tidingsd", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) serve: ServeArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve (the default).
    Serve(ServeArgs),
    /// Follow channels, and what is sent to the user: one entry a line.
    Sub(SubArgs),
    /// Publish to a channel, or send to a user.
    Pub(PubArgs),
    /// Tell how present users are, at once and with each change.
    Watch(WatchArgs),
    /// Make a token with JWT_SECRET and print it.
    Token(TokenArgs),
    /// Make a random key for the HTTP API, and print it and its SHA-256, which the settings take as well.
    Key,
    /// Print the settings that would be served with, as TOML, secrets hidden.
    Config(ServeArgs),
    /// Look at what is kept on disk, or make it smaller, while no server has it open.
    #[command(subcommand)]
    Store(StoreCommand),
}

/// What to do with a data directory.
#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Read every record and tell what is damaged; the exit code is 1 if anything is.
    Check(LookArgs),
    /// Print how much there is of what.
    Stats(LookArgs),
    /// Copy what is whole and in use into a fresh database, and take that into use. It needs room for what lives.
    Compact(CompactArgs),
}

#[derive(Debug, Args)]
pub(crate) struct CompactArgs {
    /// Also tell clients that what their positions count is gone: for a directory that is an older copy of itself. Done
    /// in any case where something is damaged
    #[arg(long)]
    pub(crate) renew: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Debug, Args)]
pub(crate) struct LookArgs {
    /// Print one object in JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Debug, Args)]
pub(crate) struct StoreArgs {
    /// The data directory [default: that of the settings]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Address to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) listen: Option<String>,
    /// Directory for what is kept on disk; made if it is not there [default: ./tidings-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// What goes to the log, such as `info` or `warn,tidings=debug` [default: info]
    #[arg(long, value_name = "FILTER")]
    pub(crate) log: Option<String>,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// Settings in TOML; each can also be set by environment (docs/settings.md lists them)
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct SubArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// This device's name, the same each time: what is printed is acknowledged, and what is sent to the user meanwhile
    /// comes when the device is back. Without a name nothing is acknowledged, so what is kept comes again each time
    #[arg(long, value_name = "NAME")]
    pub(crate) device: Option<String>,
    /// Begin behind this place of the channel, of which there must be one; 0:0 is before everything that is kept
    #[arg(long, value_name = "EPOCH:OFFSET", value_parser = Position::parse)]
    pub(crate) since: Option<Position>,
    /// Print each entry as the server's JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Channels, such as messaging:lobby; without any only what is sent to the user
    #[arg(value_name = "CHANNEL")]
    pub(crate) channels: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// Print each change as the server's JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// The users' ids
    #[arg(value_name = "USER", required = true, num_args = 1..=1_024)]
    pub(crate) users: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PubArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// The event's name
    #[arg(long, value_name = "NAME", default_value = "NEW_MESSAGE")]
    pub(crate) event: String,
    /// Publish so many times, one after the other; the server takes 200 messages a minute of a session by default
    /// (RATE_LIMIT_MESSAGES_PER_MINUTE)
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) count: u32,
    /// Send to this user, to every device, instead of publishing to a channel
    #[arg(long, value_name = "USER")]
    pub(crate) to: Option<String>,
    /// With --to: the namespace whose rules apply
    #[arg(long, value_name = "NAME", default_value = "messaging", requires = "to")]
    pub(crate) namespace: String,
    /// What to wait for: `accepted`, the server has it in memory; `stored`, it is on disk [default: accepted]
    #[arg(long, value_name = "LEVEL")]
    pub(crate) wait: Option<Level>,
    /// A name for this publication: the same again within the server's window (2 minutes by default) is not delivered
    /// twice and gets the first answer
    #[arg(long, value_name = "KEY", conflicts_with = "count")]
    pub(crate) idempotency_key: Option<String>,
    /// At most once, to whoever is there now: it is kept nowhere
    #[arg(long)]
    pub(crate) ephemeral: bool,
    /// Print the server's answer as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// The channel (not with --to), and the data as JSON, such as '{"text":"hi"}'
    #[arg(value_name = "CHANNEL DATA", required = true, num_args = 1..=2, allow_negative_numbers = true)]
    pub(crate) words: Vec<String>,
}

/// How far a publication has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    /// It is in the server's memory.
    Accepted,
    /// It is on the server's disk.
    Stored,
}

#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    /// Where the server is
    #[arg(long, value_name = "URL", default_value = "ws://127.0.0.1:8080/ws")]
    pub(crate) server: String,
    /// Of a server at wss://: the authorities that may have signed its certificate, in PEM [default: those that the system knows]
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Who you are: a token
    #[arg(long, value_name = "TOKEN", env = "TIDINGS_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// Or a user, for whom a token is made with JWT_SECRET
    #[arg(long, value_name = "USER")]
    pub(crate) user: Option<String>,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    /// The user's id
    #[arg(long, value_name = "USER")]
    pub(crate) user: String,
    /// Channels that may be subscribed to, `*` for any run of characters [default: *]
    #[arg(long = "sub", value_name = "PATTERN")]
    pub(crate) subscribe: Vec<String>,
    /// Channels that may be published to [default: *]
    #[arg(long = "pub", value_name = "PATTERN")]
    pub(crate) publish: Vec<String>,
    /// Users that may be sent to [default: *]
    #[arg(long, value_name = "PATTERN")]
    pub(crate) send: Vec<String>,
    /// Users whose presence may be watched [default: *]
    #[arg(long, value_name = "PATTERN")]
    pub(crate) watch: Vec<String>,
    /// How long it is good for, such as 15m, 24h, 30days
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = humantime::parse_duration)]
    pub(crate) expires: Duration,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}
