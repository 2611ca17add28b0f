//! The command line.

use clap::{Args, Parser, Subcommand};
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
    /// Make a token with JWT_SECRET and print it.
    Token(TokenArgs),
    /// Print the settings that would be served with, as TOML, secrets hidden.
    Config(ServeArgs),
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
    /// Print each entry as the server's JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Channels, such as messaging:lobby; without any only what is sent to the user
    #[arg(value_name = "CHANNEL")]
    pub(crate) channels: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PubArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// The event's name
    #[arg(long, value_name = "NAME", default_value = "NEW_MESSAGE")]
    pub(crate) event: String,
    /// Publish so many times, one after the other
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) count: u32,
    /// Send to this user, to every device, instead of publishing to a channel
    #[arg(long, value_name = "USER")]
    pub(crate) to: Option<String>,
    /// With --to: the namespace whose rules apply
    #[arg(long, value_name = "NAME", default_value = "messaging", requires = "to")]
    pub(crate) namespace: String,
    /// Print the server's answer as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// The channel (not with --to), and the data as JSON, such as '{"text":"hi"}'
    #[arg(value_name = "CHANNEL DATA", required = true, num_args = 1..=2, allow_negative_numbers = true)]
    pub(crate) words: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    /// Where the server is
    #[arg(long, value_name = "URL", default_value = "ws://127.0.0.1:8080/ws")]
    pub(crate) server: String,
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
    /// How long it is good for, such as 15m, 24h, 30days
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = humantime::parse_duration)]
    pub(crate) expires: Duration,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}
