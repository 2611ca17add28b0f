//! `tidingsd pub`: publishes to a channel, or sends to a user.

use crate::cli::{Level, PubArgs};
use crate::client::address::Address;
use crate::client::commands::{Command, Connect, Message, Publish, Send};
use crate::client::frames::{Failure, Frame, Sent};
use crate::client::identity::Identity;
use crate::client::session::Session;
use crate::out::{self, plain};
use crate::settings::Settings;
use anyhow::{Context as _, Result, anyhow, bail};
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
    let address = Address::parse(&args.server.server)?;
    let identity = Identity::new(&args.server, settings)?;
    let data = data(args)?;
    let command = command(args, data)?;
    let token = identity.token()?;
    let connect = Connect { token: &token, device: None, resume: None };
    let (mut session, _) = Session::open(&address, connect).await.map_err(|ended| anyhow!("{ended}"))?;
    for _ in 0..args.count {
        let id = session.command(&command).await.map_err(|ended| anyhow!("{ended}"))?;
        let (frame, line) =
            timeout(PATIENCE, answer(&mut session, id)).await.context("the server did not answer")??;
        if let Some(failure) = &frame.error {
            return Err(failed(failure));
        }
        let told = if args.json { plain(&line) } else { told(args, &frame) };
        // That nobody reads the answer does not undo the publication.
        let _ = out::print(told);
    }
    session.close().await;
    Ok(())
}

fn command<'a>(args: &'a PubArgs, data: &'a RawValue) -> Result<Command<'a>> {
    let message = Message {
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
        (None, [channel, _]) => Ok(Command::Publish(Publish { channel, message })),
        (Some(user), [_]) => Ok(Command::Send(Send { user, namespace: &args.namespace, message })),
        (None, _) => bail!("give a channel and the data, such as messaging:lobby '{{\"text\":\"hi\"}}'"),
        (Some(_), _) => bail!("with --to give the data alone: it goes to the user, not to a channel"),
    }
}

/// The last word is the data.
fn data(args: &PubArgs) -> Result<&RawValue> {
    let data = args.words.last().map_or("", String::as_str);
    serde_json::from_str(data)
        .map_err(|error| anyhow!("the data is not JSON ({error}); a text is written '\"so\"', quotes included"))
}

/// The frame with this id; entries may come before it.
async fn answer(session: &mut Session, id: u64) -> Result<(Frame, String)> {
    loop {
        let (frame, line) = session.next().await.map_err(|ended| anyhow!("{ended}"))?;
        if frame.id == Some(id) {
            return Ok((frame, line));
        }
    }
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
        ("forbidden", None) => "; the token has no right to do this: make one with --pub or --send that covers it, or \
                                see the namespace's settings"
            .into(),
        _ => String::new(),
    };
    anyhow!("{} ({code}): {}{remedy}", plain(name), plain(message))
}
