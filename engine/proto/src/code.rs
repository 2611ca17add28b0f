//! The one table of error and close codes, for the wire, for hosts and for generated bindings.

use serde::{Serialize, Serializer};

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $name:literal, $retry:literal;)*) => {
        /// A stable code. 2000–2999 answer a command; 3000–3999 close a connection and tell by their range what a
        /// client should do: 3000–3499 come back, 3500–3999 do not.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        #[repr(u16)]
        pub enum Code {
            $($(#[$doc])* $variant = $number,)*
        }

        impl Code {
            /// Every code, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable name, as it stands in `error.name` and `close.reason`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Whether the same attempt may succeed later without anything being changed.
            #[must_use]
            pub const fn retry(self) -> bool {
                match self { $(Self::$variant => $retry,)* }
            }
        }
    };
}

codes! {
    /// The command or the data in it is not of the form that `docs/protocol.md` gives.
    BadRequest = 2000, "bad_request", false;
    /// The token is missing, not valid, or no longer valid. One wording for every cause.
    Unauthorized = 2001, "unauthorized", false;
    /// Not the time for this command: before `connect`, a second `connect`, subscribed already, not subscribed.
    State = 2002, "state", false;
    /// The session has no right to do this. Says nothing of whether the channel exists.
    Forbidden = 2003, "forbidden", false;
    /// No such method.
    NotFound = 2004, "not_found", false;
    /// A named limit is reached; the message names it.
    Limit = 2005, "limit", false;
    /// Too many messages; `retry_after_ms` tells when to try again.
    RateLimited = 2006, "rate_limited", true;
    /// The data is larger than the namespace allows.
    TooLarge = 2007, "too_large", false;
    /// What the command needs is not working here, or not now.
    Unavailable = 2008, "unavailable", true;
    /// The host did not answer in time.
    Timeout = 2009, "timeout", true;
    /// A fault of the server or of the host's handler.
    Internal = 2010, "internal", true;
    /// As much waits for the disk as may; `retry_after_ms` tells when to try again.
    Busy = 2011, "busy", true;

    /// The server shuts down or restarts; come back after the time told.
    Shutdown = 3001, "shutdown", true;
    /// Nothing drained from this connection for too long while more waited for it.
    Slow = 3002, "slow", true;
    /// Nothing was heard from the client for the ping interval and the time allowed after it.
    Lost = 3003, "lost", true;
    /// The server has as many connections as it allows; come back after the time told.
    Overloaded = 3004, "overloaded", true;
    /// A fault of the server ended this session.
    Fault = 3005, "fault", true;

    /// The token was refused.
    Refused = 3500, "unauthorized", false;
    /// No `connect` command came in time.
    ConnectTimeout = 3501, "connect_timeout", false;
    /// Frames came faster than any honest client sends them.
    Flood = 3502, "flood", false;
    /// The token expired while the session was connected.
    TokenExpired = 3503, "token_expired", false;
    /// The host ended the session.
    Disconnected = 3504, "disconnected", false;
    /// Another connection has resumed this session.
    Replaced = 3505, "replaced", false;
    /// The token that the session was admitted by was revoked.
    Revoked = 3506, "token_revoked", false;
}

impl Code {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The code with this number, if there is one.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.number() == number)
    }

    /// Whether this code closes a connection rather than answering a command.
    #[must_use]
    pub const fn closes(self) -> bool {
        self.number() >= 3000
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u16(self.number())
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn numbers_rise_and_are_found_again() {
        for pair in Code::ALL.windows(2) {
            assert!(pair[0].number() < pair[1].number());
        }
        for code in Code::ALL {
            assert_eq!(Code::from_number(code.number()), Some(*code));
        }
        assert_eq!(Code::from_number(1), None);
    }

    #[test]
    fn the_range_of_a_close_code_tells_whether_to_come_back() {
        for code in Code::ALL.iter().filter(|code| code.closes()) {
            assert_eq!(code.retry(), code.number() < 3500, "{}", code.name());
        }
    }
}
