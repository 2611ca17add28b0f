//! `tidingsd pub`: publishes to a channel, or sends to a user.

use crate::cli::PubArgs;
use crate::client::address::Address;
use crate::client::commands::{Command, Publish, Send};
use crate::client::frames::{Failure, Frame};
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
    let (mut session, _) = Session::open(&address, &identity.token()?).await.map_err(|ended| anyhow!("{ended}"))?;
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
    let event = &args.event;
    match (&args.to, args.words.as_slice()) {
        (None, [channel, _]) => Ok(Command::Publish(Publish { channel, event, data })),
        (Some(user), [_]) => Ok(Command::Send(Send { user, namespace: &args.namespace, event, data })),
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
        (Some(published), ..) => {
            format!("{}: published at offset {}", plain(&published.level), published.offset)
        }
        (_, Some(sent), Some(user)) if sent.sessions == 0 => {
            format!("nobody got it: {} is not connected, and this server keeps nothing for later", plain(user))
        }
        (_, Some(sent), _) => format!("accepted: on its way to {} sessions", sent.sessions),
        _ => "accepted".into(),
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
