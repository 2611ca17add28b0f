//! The codes that clients are told, for hosts.

/// What a client is told: 2000 to 2999 answer a command, 3000 to 3999 close a connection. A host denies with one of the
/// first; errors tell the code of the same trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum TidingsCode {
    /// The command or the data in it is not of the form that the protocol gives.
    BadRequest = 2000,
    /// The token is missing, not valid, or no longer valid.
    Unauthorized = 2001,
    /// Not the time for this command.
    State = 2002,
    /// The session has no right to do this.
    Forbidden = 2003,
    /// No such method.
    NotFound = 2004,
    /// A named limit is reached.
    Limit = 2005,
    /// Too many messages.
    RateLimited = 2006,
    /// The data is larger than the namespace allows.
    TooLarge = 2007,
    /// What the command needs is not working here, or not now.
    Unavailable = 2008,
    /// The host did not answer in time.
    Timeout = 2009,
    /// A fault of the server or of the host.
    Internal = 2010,
    /// As much waits for the disk as may.
    Busy = 2011,
    /// The server shuts down or restarts.
    Shutdown = 3001,
    /// Nothing drained from this connection for too long.
    Slow = 3002,
    /// Nothing was heard from the client for too long.
    Lost = 3003,
    /// The server has as many connections as it allows.
    Overloaded = 3004,
    /// A fault of the server ended this session.
    Fault = 3005,
    /// The token was refused.
    Refused = 3500,
    /// No `connect` command came in time.
    ConnectTimeout = 3501,
    /// Frames came faster than any honest client sends them.
    Flood = 3502,
    /// The token expired while the session was connected.
    TokenExpired = 3503,
    /// The host ended the session.
    Disconnected = 3504,
    /// Another connection has resumed this session.
    Replaced = 3505,
    /// The token that the session was admitted by was revoked.
    Revoked = 3506,
}

#[cfg(test)]
mod tests {
    use tidings::Code;

    /// The codes as they stand above, by the names of both.
    #[test]
    fn codes_are_those_of_the_protocol() {
        let source = include_str!("code.rs");
        let listed = source.lines().filter_map(|line| {
            let (name, number) = line.strip_prefix("    ")?.strip_suffix(',')?.split_once(" = ")?;
            Some((name.to_owned(), number.parse::<u16>().ok()?))
        });
        let codes = Code::ALL.iter().map(|code| (format!("{code:?}"), code.number()));
        assert_eq!(listed.collect::<Vec<_>>(), codes.collect::<Vec<_>>());
    }
}
