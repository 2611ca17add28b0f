//! `tidingsd pub`: publishes to a channel, or sends to a user.

use crate::cli::{Level, PubArgs};
use crate::client::address::Address;
use crate::client::commands::{Command, Connect, Message, Publish, Send};
use crate::client::frames::{Failure, Frame, Sent};
use crate::client::identity::Identity;
use crate::client::session::{Ended, Session};
use crate::out::{self, plain};
use crate::settings::Settings;
use anyhow::{Result, anyhow, bail};
use serde_json::value::RawValue;
use std::time::Duration;
use tokio::time::timeout;

/// For an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Publishes and prints the answers.
///
/// # Errors
/// The server can't be reached, or said no.
pub(crate) async fn run(args: &PubArgs, settings: &Settings) -> Result<()> {
    let address = Address::new(&args.server)?;
    let identity = Identity::new(&args.server, settings)?;
    let command = command(args)?;
    let token = identity.token()?;
    let connect = Connect { token: &token, device: None, resume: None };
    let (mut session, _) = Session::open(&address, connect).await.map_err(|ended| anyhow!("{ended}"))?;
    for _ in 0..args.count {
        let answered = timeout(PATIENCE, answer(&mut session, &command)).await.unwrap_or_else(|_| Err(silent()));
        let (frame, line) = answered.map_err(|ended| unknown(args, &ended))?;
        if let Some(failure) = &frame.error {
            return Err(failed(failure));
        }
        let other = other(args, &frame);
        if args.json || other.is_none() {
            let told = if args.json { plain(&line) } else { told(args, &frame) };
            // That nobody reads the answer does not undo the publication.
            let _ = out::print(told);
        }
        if let Some(other) = other {
            bail!("{other}");
        }
    }
    session.close().await;
    Ok(())
}

fn command(args: &PubArgs) -> Result<Command<'_>> {
    let message = |data| Message {
        event: &args.event,
        data,
        idempotency_key: args.idempotency_key.as_deref(),
        class: args.ephemeral.then_some("ephemeral"),
        wait: args.wait.map(|level| match level {
            Level::Accepted => "accepted",
            Level::Stored => "stored",
        }),
    };
    match (&args.to, args.words.as_slice()) {
        (None, [channel, text]) => Ok(Command::Publish(Publish { channel, message: message(data(text)?) })),
        (Some(user), [text]) => {
            Ok(Command::Send(Send { user, namespace: &args.namespace, message: message(data(text)?) }))
        }
        (None, [channel]) if serde_json::from_str::<&RawValue>(channel).is_err() => {
            bail!(
                "the data is missing: give it as JSON behind the channel, such as {} '{{\"text\":\"hi\"}}'",
                plain(channel)
            )
        }
        (None, _) => bail!("give a channel and the data, such as messaging:lobby '{{\"text\":\"hi\"}}'"),
        (Some(_), _) => bail!("with --to give the data alone: it goes to the user, not to a channel"),
    }
}

fn data(text: &str) -> Result<&RawValue> {
    serde_json::from_str(text)
        .map_err(|error| anyhow!("the data is not JSON ({error}); a text is written '\"so\"', quotes included"))
}

/// Sends a command and takes its answer; entries may come before it.
async fn answer(session: &mut Session, command: &Command<'_>) -> Result<(Frame, String), Ended> {
    let id = session.command(command).await?;
    loop {
        let (frame, line) = session.next().await?;
        if frame.id == Some(id) {
            return Ok((frame, line));
        }
    }
}

fn silent() -> Ended {
    Ended::Lost("the server did not answer".into())
}

/// The connection ended before the answer came.
fn unknown(args: &PubArgs, ended: &Ended) -> anyhow::Error {
    let remedy = match &args.idempotency_key {
        Some(_) => "try again with the same --idempotency-key, so that it is not delivered twice",
        None => "to try again may deliver it twice, but not where each attempt has the same --idempotency-key",
    };
    anyhow!("{ended}; what became of the last publication is not known: {remedy}")
}

/// What an answer says that is not of the kind or the level that was asked for.
fn other(args: &PubArgs, frame: &Frame) -> Option<String> {
    let (level, first_use) = match (&frame.published, &frame.sent, &args.to) {
        (Some(published), _, None) => (&published.level, None),
        (_, Some(sent), Some(_)) => (&sent.level, None),
        (Some(published), _, Some(_)) => (&published.level, Some("published to a channel")),
        (_, Some(sent), None) => (&sent.level, Some("sent to a user")),
        (None, None, _) => return Some("the server gave an answer that this tool does not know".into()),
    };
    if let Some(done) = first_use {
        return Some(format!(
            "nothing was done: the server answers for the first use of this idempotency key, which was {done}; take \
             another key for each target"
        ));
    }
    (args.wait == Some(Level::Stored) && level == "accepted").then(|| {
        "the level is `accepted`, and `stored` was asked for: the server answers for the first use of this idempotency \
         key, which was not stored; take another key"
            .into()
    })
}

fn told(args: &PubArgs, frame: &Frame) -> String {
    match (&frame.published, &frame.sent, &args.to) {
        (Some(published), ..) if published.offset == 0 => {
            format!("{}: to whoever is there now", plain(&published.level))
        }
        (Some(published), ..) => format!("{}: published at offset {}", plain(&published.level), published.offset),
        (_, Some(sent), Some(user)) => told_sent(args, sent, &plain(user)),
        _ => "accepted".into(),
    }
}

fn told_sent(args: &PubArgs, sent: &Sent, user: &str) -> String {
    match (sent.level.as_str(), sent.sessions) {
        (_, 0) if args.ephemeral => format!("nobody got it: {user} is not connected"),
        ("accepted", 0) => {
            format!("accepted: {user} is not connected, and gets it later if the server keeps what is sent to users")
        }
        (level, 0) => format!("{}: {user} is not connected, and gets it later", plain(level)),
        (level, sessions) => format!("{}: on its way to {sessions} sessions", plain(level)),
    }
}

fn failed(failure: &Failure) -> anyhow::Error {
    let Failure { code, name, message, retry_after_ms } = failure;
    let remedy = match (name.as_str(), retry_after_ms) {
        (_, Some(ms)) => format!("; try again in {:.1} s", Duration::from_millis(*ms).as_secs_f64()),
        ("forbidden", None) => {
            "; make a token with --pub or --send that covers it, or see the namespace's settings".into()
        }
        _ => String::new(),
    };
    anyhow!("{} ({code}): {}{remedy}", plain(name), plain(message))
}
