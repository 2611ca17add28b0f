//! Names of what is simulated.

use std::fmt;
use std::sync::Arc;
use tidings_proto::kept::Kind;

/// One connection. Numbers are never used twice.
pub(crate) type ConnId = u64;

/// One stream: a channel, or a user's inbox.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct StreamName {
    pub(crate) kind: Kind,
    pub(crate) name: Arc<str>,
}

impl StreamName {
    pub(crate) fn channel(name: &str) -> Self {
        Self { kind: Kind::Channel, name: name.into() }
    }

    pub(crate) fn inbox(user: &str) -> Self {
        Self { kind: Kind::Inbox, name: user.into() }
    }

    pub(crate) fn is_inbox(&self) -> bool {
        self.kind == Kind::Inbox
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Channel => f.write_str(&self.name),
            Kind::Inbox => write!(f, "inbox of {}", self.name),
        }
    }
}
