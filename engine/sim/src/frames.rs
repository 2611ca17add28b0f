//! The wire as a client has it: commands to bytes, bytes to frames.

use crate::body::Body;
use serde::Deserialize;
use serde_json::Value;
use tidings_proto::frame::Recovered;
use tidings_proto::id::{Epoch, Secret, SessionId};
use tidings_proto::wire::WireForm;

/// A frame of the server.
#[derive(Debug, Deserialize)]
pub(crate) struct Frame {
    pub(crate) id: Option<u64>,
    #[serde(flatten)]
    pub(crate) told: Told,
}

/// What a frame says.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Told {
    Connected(Connected),
    Refreshed {},
    Expiring {},
    Subscribed(Subscribed),
    Unsubscribed(Unsubscribed),
    Published(Published),
    Sent(Sent),
    Entry(Entry),
    Gap(Gap),
    History(History),
    Error(Failure),
    Close(Close),
    Status(Status),
    Watching {},
    Presence {},
    Members(Members),
    Joined(Members),
    Left(Members),
    Ping {},
    Pong {},
}

#[derive(Debug, Deserialize)]
pub(crate) struct Connected {
    pub(crate) session: SessionId,
    pub(crate) secret: Secret,
    pub(crate) resumed: bool,
    pub(crate) user: String,
    pub(crate) inbox: Inbox,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Inbox {
    pub(crate) stream: u32,
    pub(crate) epoch: Epoch,
    pub(crate) delivered: u64,
    pub(crate) recovered: Recovered,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Subscribed {
    pub(crate) channel: String,
    pub(crate) stream: u32,
    pub(crate) epoch: Epoch,
    pub(crate) offset: u64,
    pub(crate) recovered: Recovered,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Unsubscribed {
    pub(crate) channel: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    Accepted,
    Stored,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Published {
    pub(crate) epoch: Epoch,
    pub(crate) offset: u64,
    pub(crate) level: Level,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Sent {
    pub(crate) level: Level,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Entry {
    pub(crate) stream: u32,
    #[serde(default)]
    pub(crate) offset: u64,
    pub(crate) data: Body,
    pub(crate) at: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Reason {
    Expired,
    Epoch,
    Future,
    Lost,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Gap {
    pub(crate) stream: u32,
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) reason: Reason,
}

#[derive(Debug, Deserialize)]
pub(crate) struct History {
    pub(crate) epoch: Option<Epoch>,
    #[serde(default)]
    pub(crate) offset: u64,
    pub(crate) first: u64,
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) entries: Vec<Kept>,
    #[serde(default)]
    pub(crate) gaps: Vec<Missing>,
    pub(crate) more: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Kept {
    pub(crate) offset: u64,
    pub(crate) data: Body,
    pub(crate) at: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Missing {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) reason: Reason,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Failure {
    pub(crate) code: u16,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Close {
    pub(crate) code: u16,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Status {
    pub(crate) user: String,
    pub(crate) status: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Members {
    pub(crate) channel: String,
    pub(crate) members: Vec<Member>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Member {
    pub(crate) user: String,
}

/// A command as it goes out.
pub(crate) fn write(form: WireForm, command: &Value) -> Vec<u8> {
    match form {
        WireForm::WebSocketMsgpack => {
            let message = rmp_serde::to_vec_named(command).unwrap_or_default();
            let mut bytes = u32::try_from(message.len()).unwrap_or_default().to_be_bytes().to_vec();
            bytes.extend_from_slice(&message);
            bytes
        }
        _ => format!("{command}\n").into_bytes(),
    }
}

/// Takes the first frame off what came, if it is whole. An error is a frame that cannot be read.
pub(crate) fn read(form: WireForm, received: &mut Vec<u8>) -> Result<Option<Frame>, String> {
    if form != WireForm::WebSocketMsgpack {
        let Some(end) = received.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
        let frame = serde_json::from_slice(&received[..end]);
        received.drain(..=end);
        return frame.map(Some).map_err(|error| error.to_string());
    }
    let [first, short, rest @ ..] = &received[..] else { return Ok(None) };
    let first = *first;
    let (start, length) = match *short {
        126 => match rest.first_chunk::<2>() {
            Some(length) => (4, usize::from(u16::from_be_bytes(*length))),
            None => return Ok(None),
        },
        127 => match rest.first_chunk::<8>() {
            Some(length) => (10, usize::try_from(u64::from_be_bytes(*length)).unwrap_or(usize::MAX)),
            None => return Ok(None),
        },
        short => (2, usize::from(short)),
    };
    if received.len() < start + length {
        return Ok(None);
    }
    let payload: Vec<u8> = received.drain(..start + length).skip(start).collect();
    match (first, payload.first_chunk::<2>()) {
        (0x88, Some(code)) => {
            Ok(Some(Frame { id: None, told: Told::Close(Close { code: u16::from_be_bytes(*code) }) }))
        }
        (0x89, _) => Ok(Some(Frame { id: None, told: Told::Ping {} })),
        _ => rmp_serde::from_slice(&payload).map(Some).map_err(|error| error.to_string()),
    }
}
