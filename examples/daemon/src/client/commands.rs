//! What a terminal asks of a server.

use super::frames::Position;
use serde::Serialize;
use serde_json::value::RawValue;

/// A command.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Command<'a> {
    Connect(Connect<'a>),
    Subscribe(Subscribe<'a>),
    Publish(Publish<'a>),
    Send(Send<'a>),
    Ack(Ack),
    Watch(Users<'a>),
}

/// A command with the id that its answer will have, if it is to have one.
#[derive(Debug, Serialize)]
pub(crate) struct Numbered<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<u64>,
    #[serde(flatten)]
    pub(crate) command: &'a Command<'a>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Connect<'a> {
    pub(crate) token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) device: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) resume: Option<Resume<'a>>,
}

/// The session to go on with, and what the client has.
#[derive(Debug, Serialize)]
pub(crate) struct Resume<'a> {
    pub(crate) session: &'a str,
    pub(crate) secret: &'a str,
    pub(crate) positions: Vec<Place<'a>>,
}

/// A position of a channel or of the inbox.
#[derive(Debug, Serialize)]
pub(crate) struct Place<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) channel: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) inbox: bool,
    #[serde(flatten)]
    pub(crate) position: &'a Position,
}

#[derive(Debug, Serialize)]
pub(crate) struct Subscribe<'a> {
    pub(crate) channel: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) since: Option<&'a Position>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Users<'a> {
    pub(crate) users: &'a [String],
}

#[derive(Debug, Serialize)]
pub(crate) struct Publish<'a> {
    pub(crate) channel: &'a str,
    #[serde(flatten)]
    pub(crate) message: Message<'a>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Send<'a> {
    pub(crate) user: &'a str,
    pub(crate) namespace: &'a str,
    #[serde(flatten)]
    pub(crate) message: Message<'a>,
}

/// What is published or sent, and what is asked of it.
#[derive(Debug, Serialize)]
pub(crate) struct Message<'a> {
    pub(crate) event: &'a str,
    pub(crate) data: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) idempotency_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) class: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) wait: Option<&'a str>,
}

/// Everything of a stream up to an offset has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Ack {
    pub(crate) stream: u32,
    pub(crate) offset: u64,
}

#[cfg(test)]
mod tests {
    use super::{Ack, Command, Connect, Message, Numbered, Place, Publish, Resume};
    use crate::client::frames::Position;
    use serde_json::value::RawValue;

    fn text(id: Option<u64>, command: &Command<'_>) -> String {
        serde_json::to_string(&Numbered { id, command }).unwrap()
    }

    #[test]
    fn data_is_sent_as_it_was_written() {
        let data = RawValue::from_string(r#"{"b":1e400, "a":12345678901234567890123}"#.into()).unwrap();
        let mut message = Message { event: "E", data: &data, idempotency_key: None, class: None, wait: None };
        let command = Command::Publish(Publish { channel: "a:b", message });
        let wanted =
            r#"{"id":7,"publish":{"channel":"a:b","event":"E","data":{"b":1e400, "a":12345678901234567890123}}}"#;
        assert_eq!(text(Some(7), &command), wanted);
        message = Message { event: "E", data: &data, idempotency_key: Some("k"), class: None, wait: Some("stored") };
        let command = Command::Publish(Publish { channel: "a:b", message });
        assert!(text(Some(7), &command).ends_with(r#","idempotency_key":"k","wait":"stored"}}"#));
    }

    #[test]
    fn a_session_is_resumed_with_all_positions() {
        let position = Position { epoch: "00000000000000ab".into(), offset: 4 };
        let positions = vec![
            Place { channel: Some("a:b"), inbox: false, position: &position },
            Place { channel: None, inbox: true, position: &position },
        ];
        let resume = Some(Resume { session: "s", secret: "x", positions });
        let command = Command::Connect(Connect { token: "t", device: Some("d"), resume });
        let wanted = concat!(
            r#"{"id":1,"connect":{"token":"t","device":"d","resume":{"session":"s","secret":"x","positions":["#,
            r#"{"channel":"a:b","epoch":"00000000000000ab","offset":4},"#,
            r#"{"inbox":true,"epoch":"00000000000000ab","offset":4}]}}}"#
        );
        assert_eq!(text(Some(1), &command), wanted);
        assert_eq!(text(None, &Command::Ack(Ack { stream: 3, offset: 9 })), r#"{"ack":{"stream":3,"offset":9}}"#);
    }
}
