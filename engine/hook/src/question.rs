//! What is asked, as JSON.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use serde_json::value::RawValue;
use tidings::Data;
use tidings::host::{CallAsk, ConnectAsk, PublishAsk, SendAsk, SubscribeAsk, WatchAsk};

use crate::error::HookError;

/// The kinds of questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Whose token is it?
    Connect,
    /// May the user subscribe?
    Subscribe,
    /// May the user publish?
    Publish,
    /// May the user send to that other user?
    Send,
    /// Whom may the user watch?
    Watch,
    /// What does the method return?
    Call,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Connect, Self::Subscribe, Self::Publish, Self::Send, Self::Watch, Self::Call];

    /// Its name, in requests, settings and figures.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Subscribe => "subscribe",
            Self::Publish => "publish",
            Self::Send => "send",
            Self::Watch => "watch",
            Self::Call => "call",
        }
    }
}

/// Some of the kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Questions([bool; Kind::ALL.len()]);

impl Questions {
    /// Every kind.
    #[must_use]
    pub const fn all() -> Self {
        Self([true; Kind::ALL.len()])
    }

    /// Whether this kind is among them.
    #[must_use]
    pub const fn has(self, kind: Kind) -> bool {
        self.0[kind as usize]
    }
}

impl FromStr for Questions {
    type Err = HookError;

    /// Reads a list of names, separated by commas.
    ///
    /// # Errors
    /// One is no question's, or there is none.
    fn from_str(list: &str) -> Result<Self, HookError> {
        let mut found = Self([false; Kind::ALL.len()]);
        for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
                HookError(format!("hook.questions: {name:?} is none of connect, subscribe, publish, send, watch, call"))
            })?;
            found.0[kind as usize] = true;
        }
        if found.0.contains(&true) { Ok(found) } else { Err(HookError("hook.questions names no question".into())) }
    }
}

impl fmt::Display for Questions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = Kind::ALL.into_iter().filter(|kind| self.has(*kind)).map(Kind::name).collect();
        f.write_str(&names.join(","))
    }
}

/// The body of a request.
#[derive(Serialize)]
struct Body<'a> {
    id: &'a str,
    /// Milliseconds since 1970.
    at: u64,
    question: Kind,
    #[serde(flatten)]
    asked: Asked<'a>,
}

/// What belongs to each kind.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Asked<'a> {
    Connect { token: &'a str, device: Option<&'a str> },
    Subscribe { user: &'a str, channel: &'a str },
    Publish { user: &'a str, channel: &'a str, event: &'a str, data: Box<RawValue> },
    Send { user: &'a str, to: &'a str, event: &'a str, data: Box<RawValue> },
    Watch { user: &'a str, users: &'a [String] },
    Call { user: &'a str, method: &'a str, data: Box<RawValue> },
}

fn raw(data: &Data) -> Box<RawValue> {
    RawValue::from_string(data.to_json()).expect("data was checked when it came in, and is JSON")
}

impl<'a> From<&'a ConnectAsk> for Asked<'a> {
    fn from(ask: &'a ConnectAsk) -> Self {
        Self::Connect { token: &ask.token, device: ask.device.as_deref() }
    }
}

impl<'a> From<&'a SubscribeAsk> for Asked<'a> {
    fn from(ask: &'a SubscribeAsk) -> Self {
        Self::Subscribe { user: &ask.user, channel: &ask.channel }
    }
}

impl<'a> From<&'a PublishAsk> for Asked<'a> {
    fn from(ask: &'a PublishAsk) -> Self {
        Self::Publish { user: &ask.user, channel: &ask.channel, event: &ask.event, data: raw(&ask.data) }
    }
}

impl<'a> From<&'a SendAsk> for Asked<'a> {
    fn from(ask: &'a SendAsk) -> Self {
        Self::Send { user: &ask.user, to: &ask.to, event: &ask.event, data: raw(&ask.data) }
    }
}

impl<'a> From<&'a WatchAsk> for Asked<'a> {
    fn from(ask: &'a WatchAsk) -> Self {
        Self::Watch { user: &ask.user, users: &ask.users }
    }
}

impl<'a> From<&'a CallAsk> for Asked<'a> {
    fn from(ask: &'a CallAsk) -> Self {
        Self::Call { user: &ask.user, method: &ask.method, data: raw(&ask.data) }
    }
}

impl Asked<'_> {
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::Connect { .. } => Kind::Connect,
            Self::Subscribe { .. } => Kind::Subscribe,
            Self::Publish { .. } => Kind::Publish,
            Self::Send { .. } => Kind::Send,
            Self::Watch { .. } => Kind::Watch,
            Self::Call { .. } => Kind::Call,
        }
    }

    /// The request's body.
    pub(crate) fn body(self, id: &str, at_ms: u64) -> Vec<u8> {
        let body = Body { id, at: at_ms, question: self.kind(), asked: self };
        serde_json::to_vec(&body).expect("texts and numbers under fixed names are always JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::{Asked, Kind, Questions};

    #[test]
    fn questions_are_named_in_lists() {
        let some: Questions = " call, subscribe ,".parse().unwrap();
        assert!(some.has(Kind::Call) && some.has(Kind::Subscribe) && !some.has(Kind::Connect));
        assert_eq!(some.to_string(), "subscribe,call");
        assert!("".parse::<Questions>().is_err());
        assert!("connect,history".parse::<Questions>().unwrap_err().to_string().contains("history"));
    }

    #[test]
    fn a_body_holds_what_is_asked_whatever_the_names_are() {
        let asked = Asked::Subscribe { user: "a\"b", channel: "messaging:x" };
        let body = String::from_utf8(asked.body("msg_1", 7)).unwrap();
        assert_eq!(body, r#"{"id":"msg_1","at":7,"question":"subscribe","user":"a\"b","channel":"messaging:x"}"#);
    }
}
