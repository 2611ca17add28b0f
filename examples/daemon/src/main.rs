//! `tidingsd`: the engine as a server of its own, and tools to speak with it from a terminal.
//!
//! * [`cli`]: the command line. [`settings`]: what can be set, from defaults, a file and the environment.
//! * [`serve`]: a server's life. [`access`]: who is let in. [`routes`], [`page`], [`tickets`], [`revocations`], [`answer`]:
//!   what is at which address. [`welcome`]: what is printed at the
//!   start. [`files`]: the limit of open files. [`logs`]: the log.
//! * [`token`]: tokens. [`client`]: a connection to a server. [`sub`], [`publish`], [`watch`]: the tools that
//!   use it.
//! * [`store`]: the data directory of a server that does not run.
//! * [`out`]: words for the person at the terminal. [`signals`]: what tells the process to stop.

mod access;
mod answer;
mod cli;
mod client;
mod files;
mod logs;
mod out;
mod page;
mod publish;
mod revocations;
mod routes;
mod serve;
mod settings;
mod signals;
mod store;
mod sub;
mod tickets;
mod token;
mod trial;
mod watch;
mod welcome;

use anyhow::{Context as _, Result};
use clap::Parser as _;
use cli::{Cli, Command, CompactArgs, ConfigArgs, LookArgs, ServeArgs, StoreArgs, StoreCommand, TokenArgs};
use settings::load::{Environment, Loaded};
use settings::secret::Secret;
use std::process::ExitCode;
use tokio::runtime;

/// Thousands of small things that live as long as a connection lie closer together than with the system's allocator,
/// and their memory goes back when the connections do.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let Cli { command, serve } = Cli::parse();
    match run(command.unwrap_or(Command::Serve(serve))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            out::note(format_args!("tidingsd: {}", causes(&error)));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Serve(args) => {
            let Loaded { settings, unknown } = serve_settings(&args)?;
            let runtime = runtime::Builder::new_multi_thread().enable_all().build().context("can't start threads")?;
            runtime.block_on(serve::run(&settings, &unknown))
        }
        Command::Config(args) => Ok(out::print(serve_settings(&args)?.settings.to_toml()?.trim_end())?),
        Command::Key => make_key(),
        Command::Token(args) => make_token(&args),
        Command::Sub(args) => {
            let settings = load(&args.server.config)?.settings;
            small_runtime()?.block_on(sub::run(&args, &settings))
        }
        Command::Pub(args) => {
            let settings = load(&args.server.config)?.settings;
            small_runtime()?.block_on(publish::run(&args, &settings))
        }
        Command::Watch(args) => {
            let settings = load(&args.server.config)?.settings;
            small_runtime()?.block_on(watch::run(&args, &settings))
        }
        Command::Store(command) => run_store(&command),
    }
}

fn run_store(command: &StoreCommand) -> Result<()> {
    let (StoreCommand::Check(LookArgs { store, .. })
    | StoreCommand::Stats(LookArgs { store, .. })
    | StoreCommand::Compact(CompactArgs { store, .. })) = command;
    let StoreArgs { data, config } = store;
    let mut settings = load(config)?.settings;
    if let Some(data) = data {
        settings.store.path = Some(data.clone());
    }
    store::run(command, &settings)
}

/// An error with what caused it, on one line, without causes whose text stands in it already.
fn causes(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match told.as_str() {
        "" => cause,
        _ if told.contains(&cause) => told,
        _ => format!("{told}: {cause}"),
    })
}

fn load(args: &ConfigArgs) -> Result<Loaded> {
    // What is not text can't be a setting, and another program's variables are not ours to judge.
    let environment: Environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    settings::load::load(args.config.as_deref(), &environment)
}

/// The settings to serve with: the command line wins.
fn serve_settings(args: &ServeArgs) -> Result<Loaded> {
    let mut loaded = load(&args.config)?;
    if let Some(listen) = &args.listen {
        loaded.settings.listen.clone_from(listen);
    }
    if let Some(data) = &args.data {
        loaded.settings.store.path = Some(data.clone());
    }
    if let Some(log) = &args.log {
        loaded.settings.log.clone_from(log);
    }
    Ok(loaded)
}

/// The tools have one connection.
fn small_runtime() -> Result<runtime::Runtime> {
    runtime::Builder::new_current_thread().enable_all().build().context("can't start")
}

fn make_key() -> Result<()> {
    let key = Secret::random()?;
    let hash = tidings_transports::ApiKey::sha256(key.as_bytes());
    Ok(out::print(format_args!("key         {}\nkey_sha256  {hash}", key.reveal()))?)
}

fn make_token(args: &TokenArgs) -> Result<()> {
    let mint = token::Mint::new(&load(&args.config)?.settings)?;
    let grants = token::grants(&args.subscribe, &args.publish, &args.send, &args.watch);
    Ok(out::print(mint.token(&args.user, grants, args.expires)?)?)
}
