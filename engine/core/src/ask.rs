//! Questions that only the host can answer, and its answers.

use crate::grants::Grants;
use crate::time::Now;
use std::sync::Arc;
use tidings_proto::channel::ChannelName;
use tidings_proto::code::Code;
use tidings_proto::id::{Position, SessionId};
use tidings_proto::payload::{Data, DataRef};

/// Names one question of one session until it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token(pub u64);

/// A question. No answer in time is a no.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Question<'a> {
    /// Who holds this token, and may they connect? Answered by [`Answer::Admitted`].
    Connect {
        /// As the client gave it, at most [`tidings_proto::limit::TOKEN_BYTES_MAX`] bytes.
        token: &'a str,
        /// The client's name for its device.
        device: Option<&'a str>,
    },
    /// Who holds this token, which a session is to go on with? Answered by [`Answer::Admitted`].
    Refresh {
        /// As the client gave it, at most [`tidings_proto::limit::TOKEN_BYTES_MAX`] bytes.
        token: &'a str,
        /// The name of the device that the session is on.
        device: Option<&'a str>,
    },
    /// May the user subscribe, where its rights do not say? Answered by [`Answer::Allowed`].
    Subscribe {
        /// Who asks.
        user: &'a Arc<str>,
        /// To what.
        channel: ChannelName<'a>,
    },
    /// May the user publish, where its rights do not say? Answered by [`Answer::Allowed`].
    Publish {
        /// Who asks.
        user: &'a Arc<str>,
        /// Where to.
        channel: ChannelName<'a>,
        /// The event.
        event: &'a str,
        /// Its data.
        data: DataRef<'a>,
    },
    /// May the user send to another, where its rights do not say? Answered by [`Answer::Allowed`].
    Send {
        /// Who asks.
        user: &'a Arc<str>,
        /// Whom to.
        to: &'a str,
        /// The event.
        event: &'a str,
        /// Its data.
        data: DataRef<'a>,
    },
    /// Whom of these may the user watch, where its rights do not say? Answered by [`Answer::Users`] or [`Answer::Allowed`].
    Watch {
        /// Who asks.
        user: &'a Arc<str>,
        /// Whom it wants to watch.
        users: &'a [&'a str],
    },
    /// The user calls a method of the host. Answered by [`Answer::Result`].
    Call {
        /// Who calls.
        user: &'a Arc<str>,
        /// Which method.
        method: &'a str,
        /// With what.
        data: DataRef<'a>,
    },
}

/// What tells the token that a session was admitted by from others, for whoever revokes one. A few bytes, because every
/// session has them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Credential {
    /// A hash of the token's own name; 0 for none.
    pub name: u64,
    /// When it was issued, in seconds since 1970; 0 if it does not say.
    pub issued_s: u32,
}

/// Whom a token belongs to.
#[derive(Debug, Clone)]
pub struct Admission {
    /// The user's id, checked by [`tidings_proto::user::is_user_id`].
    pub user: Arc<str>,
    /// What the user may do of its own right; shared between sessions with the same rights.
    pub grants: Arc<Grants>,
    /// When the session must end, in milliseconds since 1970.
    pub expires_at_ms: Option<u64>,
    /// What tells its token from others.
    pub credential: Credential,
    /// The session that is gone on with, if it was there and is the client's own.
    pub resumed: Option<Resumed>,
}

impl Admission {
    /// How long the token is good from now on, if it ends.
    #[must_use]
    pub fn expires_in_ms(&self, now: Now) -> Option<u64> {
        self.expires_at_ms.map(|at| at.saturating_sub(now.wall_ms))
    }
}

/// What is left of a session whose connection was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resumed {
    /// Which one.
    pub session: SessionId,
    /// The channels it was subscribed to, and what the client surely has of each.
    pub channels: Vec<(Arc<str>, Position)>,
    /// Whom it watched.
    pub watched: Vec<Arc<str>>,
}

/// A no, with what the client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// The code, below 3000.
    pub code: Code,
    /// What is wrong and what to do.
    pub message: Box<str>,
}

impl Denial {
    /// A no with a code and a message.
    #[must_use]
    pub fn new(code: Code, message: &str) -> Self {
        Self { code, message: message.into() }
    }

    /// The plain no: the session has no right to do this.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::new(Code::Forbidden, "you have no right to do this")
    }

    /// The one wording for every token that is not taken.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(Code::Unauthorized, "the token is not valid")
    }
}

/// The host's answer.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Answer {
    /// To [`Question::Connect`] and [`Question::Refresh`].
    Admitted(Admission),
    /// A yes to `Subscribe`, `Publish`, `Send`, and to all of `Watch`.
    Allowed,
    /// To [`Question::Watch`]: those that may be watched.
    Users(Vec<Box<str>>),
    /// What a call returns.
    Result(Data),
    /// A no to any of them.
    Denied(Denial),
}
