//! `tidingsd watch`: tells how present users are, through lost connections too.

use crate::cli::WatchArgs;
use crate::client::address::Address;
use crate::client::backoff::Backoff;
use crate::client::commands::{Command, Connect, Users};
use crate::client::frames::{Failure, Frame, Status};
use crate::client::identity::Identity;
use crate::client::session::{Ended, Session};
use crate::out::{self, plain};
use crate::settings::Settings;
use crate::signals::Signals;
use anyhow::{Result, anyhow, bail};
use std::collections::HashMap;
use std::time::{Duration, UNIX_EPOCH};
use tokio::time::{Instant, sleep};

/// What ends a connection.
enum Stop {
    Ended(Ended),
    Failed(anyhow::Error),
    /// Nobody reads what is printed.
    NobodyReads,
    /// A signal came.
    Told,
}

impl From<Ended> for Stop {
    fn from(ended: Ended) -> Self {
        Self::Ended(ended)
    }
}

/// Watches until the server says not to come back, nobody reads, or it is told to stop.
///
/// # Errors
/// The server could not be reached the first time, or said no.
pub(crate) async fn run(args: &WatchArgs, settings: &Settings) -> Result<()> {
    let address = Address::new(&args.server)?;
    let identity = Identity::new(&args.server, settings)?;
    let (mut signals, mut backoff) = (Signals::new()?, Backoff::default());
    // What was printed of each user: a new connection is told all of it again.
    let mut printed = HashMap::new();
    let mut was_connected = false;
    loop {
        let (began, token) = (Instant::now(), identity.token()?);
        let stop = tokio::select! {
            stop = watch(args, &address, &token, &mut printed, &mut was_connected) => stop,
            () = signals.next() => Stop::Told,
        };
        let ended = match stop {
            Stop::NobodyReads | Stop::Told => return Ok(()),
            Stop::Failed(error) => return Err(error),
            Stop::Ended(ended) => ended,
        };
        let expired = matches!(&ended, Ended::Closed(close) if close.code == 3503) && identity.is_renewed();
        if !was_connected || !(ended.may_come_back() || expired) {
            bail!("{ended}");
        }
        let random = getrandom::u64()?;
        let wait = ended.retry_after().unwrap_or_else(|| backoff.next(began.elapsed(), random));
        out::note(format_args!("{ended}; trying again in {:.1} s", wait.as_secs_f64()));
        tokio::select! {
            () = sleep(wait) => {}
            () = signals.next() => return Ok(()),
        }
    }
}

/// One connection, from its beginning to its end.
async fn watch(
    args: &WatchArgs,
    address: &Address,
    token: &str,
    printed: &mut HashMap<String, String>,
    was_connected: &mut bool,
) -> Stop {
    match listen(args, address, token, printed, was_connected).await {
        Ok(never) => never,
        Err(stop) => stop,
    }
}

async fn listen(
    args: &WatchArgs,
    address: &Address,
    token: &str,
    printed: &mut HashMap<String, String>,
    was_connected: &mut bool,
) -> Result<Stop, Stop> {
    let connect = Connect { token, device: None, resume: None };
    let (mut session, connected) = Session::open(address, connect).await?;
    *was_connected = true;
    out::note(format_args!("connected to {} as {}", address.url, plain(&connected.user)));
    session.command(&Command::Watch(Users { users: &args.users })).await?;
    loop {
        let (frame, line) = session.next().await?;
        if let Some(failure) = &frame.error {
            return Err(Stop::Failed(failed(failure)));
        }
        take(args, &frame, &line, printed)?;
    }
}

fn take(args: &WatchArgs, frame: &Frame, line: &str, printed: &mut HashMap<String, String>) -> Result<(), Stop> {
    for user in frame.watching.iter().flat_map(|watching| &watching.refused) {
        out::note(format_args!("you may not watch {}: make a token with --watch that covers it", plain(user)));
    }
    let Some(status) = &frame.status else { return Ok(()) };
    let told = pretty(status);
    if printed.get(&status.user) != Some(&told) {
        let line = if args.json { plain(line) } else { told.clone() };
        out::print(line).map_err(|_| Stop::NobodyReads)?;
        printed.insert(status.user.clone(), told);
    }
    Ok(())
}

/// Since when, who, how, why, until when last seen, in which words.
fn pretty(status: &Status) -> String {
    let time = |ms: u64| {
        let at = UNIX_EPOCH.checked_add(Duration::from_millis(ms)).unwrap_or(UNIX_EPOCH);
        humantime::format_rfc3339_millis(at).to_string()
    };
    let since = status.since.map_or_else(|| "-".to_owned(), time);
    let seen = status.last_seen.map(|ms| format!(" last seen {}", time(ms))).unwrap_or_default();
    let text = status.text.as_ref().map(|text| format!(" \"{}\"", plain(text))).unwrap_or_default();
    format!("{since} {} {} ({}){seen}{text}", plain(&status.user), plain(&status.status), plain(&status.reason))
}

fn failed(failure: &Failure) -> anyhow::Error {
    let Failure { code, name, message, .. } = failure;
    let remedy = if name == "forbidden" { "; make a token with --watch that covers the users" } else { "" };
    anyhow!("can't watch: {} ({code}): {}{remedy}", plain(name), plain(message))
}
