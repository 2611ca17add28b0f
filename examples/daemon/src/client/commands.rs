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
}

/// A command with the id that its answer will have.
#[derive(Debug, Serialize)]
pub(crate) struct Numbered<'a> {
    pub(crate) id: u64,
    #[serde(flatten)]
    pub(crate) command: &'a Command<'a>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Connect<'a> {
    pub(crate) token: &'a str,
}

#[derive(Debug, Serialize)]
pub(crate) struct Subscribe<'a> {
    pub(crate) channel: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) since: Option<&'a Position>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Publish<'a> {
    pub(crate) channel: &'a str,
    pub(crate) event: &'a str,
    pub(crate) data: &'a RawValue,
}

#[derive(Debug, Serialize)]
pub(crate) struct Send<'a> {
    pub(crate) user: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) event: &'a str,
    pub(crate) data: &'a RawValue,
}

#[cfg(test)]
mod tests {
    use super::{Command, Numbered, Publish};
    use serde_json::value::RawValue;

    #[test]
    fn data_is_sent_as_it_was_written() {
        let data = RawValue::from_string(r#"{"b":1e400, "a":12345678901234567890123}"#.into()).unwrap();
        let command = Command::Publish(Publish { channel: "a:b", event: "E", data: &data });
        let text = serde_json::to_string(&Numbered { id: 7, command: &command }).unwrap();
        let wanted =
            r#"{"id":7,"publish":{"channel":"a:b","event":"E","data":{"b":1e400, "a":12345678901234567890123}}}"#;
        assert_eq!(text, wanted);
    }
}
