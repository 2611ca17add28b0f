//! What is at which address.

use super::keys::Right;
use hyper::Method;

/// One call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Publish,
    PublishBatch,
    Send,
    Channel,
    History,
    User,
    DisconnectUser,
    Session,
    DisconnectSession,
    Subscribe,
    Unsubscribe,
    Presence,
    Presences,
    Members,
    Stats,
}

impl Route {
    #[cfg(test)]
    pub(super) const ALL: [Self; 15] = [
        Self::Publish,
        Self::PublishBatch,
        Self::Send,
        Self::Channel,
        Self::History,
        Self::User,
        Self::DisconnectUser,
        Self::Session,
        Self::DisconnectSession,
        Self::Subscribe,
        Self::Unsubscribe,
        Self::Presence,
        Self::Presences,
        Self::Members,
        Self::Stats,
    ];

    /// The call at an address below the prefix, and the name in it.
    pub(super) fn find(segments: &[String]) -> Option<(Self, &str)> {
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        Some(match segments[..] {
            ["publish"] => (Self::Publish, ""),
            ["publish", "batch"] => (Self::PublishBatch, ""),
            ["send"] => (Self::Send, ""),
            ["channels", channel] => (Self::Channel, channel),
            ["channels", channel, "history"] => (Self::History, channel),
            ["users", user] => (Self::User, user),
            ["users", user, "disconnect"] => (Self::DisconnectUser, user),
            ["sessions", session] => (Self::Session, session),
            ["sessions", session, "disconnect"] => (Self::DisconnectSession, session),
            ["sessions", session, "subscribe"] => (Self::Subscribe, session),
            ["sessions", session, "unsubscribe"] => (Self::Unsubscribe, session),
            ["users", user, "presence"] => (Self::Presence, user),
            ["presence"] => (Self::Presences, ""),
            ["channels", channel, "presence"] => (Self::Members, channel),
            ["stats"] => (Self::Stats, ""),
            _ => return None,
        })
    }

    /// The address, as it stands in the document and in figures.
    pub(super) const fn template(self) -> &'static str {
        match self {
            Self::Publish => "/publish",
            Self::PublishBatch => "/publish/batch",
            Self::Send => "/send",
            Self::Channel => "/channels/{channel}",
            Self::History => "/channels/{channel}/history",
            Self::User => "/users/{user}",
            Self::DisconnectUser => "/users/{user}/disconnect",
            Self::Session => "/sessions/{session}",
            Self::DisconnectSession => "/sessions/{session}/disconnect",
            Self::Subscribe => "/sessions/{session}/subscribe",
            Self::Unsubscribe => "/sessions/{session}/unsubscribe",
            Self::Presence => "/users/{user}/presence",
            Self::Presences => "/presence",
            Self::Members => "/channels/{channel}/presence",
            Self::Stats => "/stats",
        }
    }

    pub(super) const fn method(self) -> Method {
        match self {
            Self::Channel | Self::History | Self::User | Self::Session | Self::Stats => Method::GET,
            Self::Presence | Self::Members => Method::GET,
            _ => Method::POST,
        }
    }

    /// The right that it wants.
    pub(super) const fn right(self) -> Right {
        match self {
            Self::Publish | Self::PublishBatch => Right::Publish,
            Self::Send => Right::Send,
            Self::Channel => Right::Channels,
            Self::History => Right::History,
            Self::User | Self::Session => Right::Users,
            Self::DisconnectUser | Self::DisconnectSession => Right::Disconnect,
            Self::Subscribe | Self::Unsubscribe => Right::Subscribe,
            Self::Presence | Self::Presences | Self::Members => Right::Presence,
            Self::Stats => Right::Stats,
        }
    }
}
