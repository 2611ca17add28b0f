//! How present a user is, why, and what a client says of itself.

use crate::strict;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::borrow::Cow;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$word_doc])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// What the word means, if it is one.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == name)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }
    };
}

words! {
    /// How present a user is.
    Status {
        /// Connected, and active on at least one device.
        Online = "online",
        /// Says so by hand: present, and not to be disturbed.
        Busy = "busy",
        /// Connected, and not active for a while on any device.
        Idle = "idle",
        /// Says so by hand.
        Away = "away",
        /// Connected, and seen as offline by others. Told to the user's own devices and to the host alone.
        Invisible = "invisible",
        /// Not connected.
        Offline = "offline",
        /// Cannot be known now: where several servers share what they know, and it is out of reach.
        Unknown = "unknown",
    }
}

words! {
    /// Why a user's presence is what it is.
    Reason {
        /// The first device has connected.
        Connected = "connected",
        /// A device was used again.
        Active = "active",
        /// No device was used for a while.
        Idle = "idle",
        /// The user said so.
        Set = "set",
        /// One device went and others are left, which are present in another way.
        Device = "device",
        /// The last device has said goodbye.
        Left = "left",
        /// The last device lost its connection and did not come back in time.
        Lost = "lost",
        /// The server or the host has ended the last device's session.
        Ended = "ended",
        /// Nothing is known of the user.
        Never = "never",
    }
}

impl Status {
    /// Whether others may take the user for reachable: connected, and not hiding it.
    #[must_use]
    pub const fn is_present(self) -> bool {
        matches!(self, Self::Online | Self::Busy | Self::Idle | Self::Away)
    }
}

/// What a client may say of its device by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Chosen {
    /// Nothing: online, or idle when it is not used.
    Online,
    /// Away, used or not.
    Away,
    /// Present, and not to be disturbed.
    Busy,
    /// The user is not to be seen, on whatever device.
    Invisible,
}

impl<'de> Deserialize<'de> for Chosen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match &*strict::text(deserializer)? {
            "online" => Ok(Self::Online),
            "away" => Ok(Self::Away),
            "busy" => Ok(Self::Busy),
            "invisible" => Ok(Self::Invisible),
            _ => Err(de::Error::custom("`status` is `online`, `away`, `busy` or `invisible`")),
        }
    }
}

/// `presence`: what a client says of itself. What is absent stays as it was.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Present<'a> {
    /// How present this device is.
    #[serde(default)]
    pub status: Option<Chosen>,
    /// The user's own words, on whatever device; empty for none.
    #[serde(borrow, default, deserialize_with = "strict::text_or_null")]
    pub text: Option<Cow<'a, str>>,
}

/// One user's presence as it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct StatusFrame<'a> {
    /// Whose.
    pub user: &'a str,
    /// How present.
    pub status: Status,
    /// Since when, in milliseconds since 1970; absent where nothing is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// Why.
    pub reason: Reason,
    /// Of who is offline: until when the last device was there, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<u64>,
    /// The user's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use super::{Reason, Status};

    #[test]
    fn words_are_found_again() {
        for status in Status::ALL {
            assert_eq!(Status::from_name(status.name()), Some(*status));
        }
        for reason in Reason::ALL {
            assert_eq!(Reason::from_name(reason.name()), Some(*reason));
        }
        assert_eq!(Status::from_name("here"), None);
    }
}
