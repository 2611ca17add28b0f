//! Every number that bounds what a peer can cost us, in one place.

/// What one peer may take, and for how long.
///
/// Each field says its default, the memory that it allows in the worst case, and what an attacker
/// gains when it is raised. Nothing is ever allocated because a peer *announced* a size: memory
/// follows bytes that have arrived.
///
/// ```
/// use tidings_transports::Limits;
///
/// let mut limits = Limits::default();
/// limits.message_bytes_max = 64 * 1024;
/// assert!(limits.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Connections that one listener serves at the same time, WebSockets included. The next one is
    /// answered 503 with `Retry-After`.
    ///
    /// Default: 20,000. Worst case: this many times the memory of a connection (about 1 KiB idle, up to
    /// `header_bytes_max` during its handshake). Raising it lets a storm of connections take more memory
    /// and file descriptors; lowering it lets fewer attackers keep everyone else out.
    pub connections_max: usize,
    /// Time from a connection's first moment, and from the end of each answer, until a whole request
    /// header has arrived. The connection is closed when it passes.
    ///
    /// Default: 10,000 ms. Raising it lets a slow-header attack ("slowloris") hold each of its places longer.
    pub handshake_timeout_ms: u64,
    /// Bytes of a request header. More are answered 431.
    ///
    /// Default: 16 KiB; at least 1 KiB. Worst case: twice this for each connection in its handshake. Raising it
    /// multiplies what an attacker can make us hold before anybody was authenticated.
    pub header_bytes_max: usize,
    /// Fields of a request header. More are answered 431.
    ///
    /// Default: 64. Worst case: about 100 bytes for each field while a request is parsed.
    pub headers_max: usize,
    /// Bytes of one message, whether in one frame or in many. More end the connection with 1009, as soon as
    /// a frame's header announces them.
    ///
    /// Default: 1 MiB. Worst case: twice this for each connection that leaves a message unfinished, for
    /// `message_timeout_ms`. Raising it multiplies what each connection can make us hold.
    pub message_bytes_max: usize,
    /// Frames that one message may be cut into. More end the connection with 1008.
    ///
    /// Default: 1,024. Costs no memory; raising it lets a peer spend more of our time for each byte of payload
    /// (a frame costs about as much as 100 bytes do).
    pub fragments_max: u32,
    /// Time from a message's (or a frame's) first byte to its last. The connection is ended with 1008 when it passes.
    ///
    /// Default: 30,000 ms. Raising it lets a peer hold unfinished messages longer; lowering it cuts off
    /// honest peers on slow lines (1 MiB in 30 s is 35 KiB/s).
    pub message_timeout_ms: u64,
    /// Time without any byte leaving while some wait to be sent to the peer. The connection is aborted when it passes.
    ///
    /// Default: 30,000 ms. Raising it lets a peer that does not read keep its unsent bytes in our memory longer.
    pub write_timeout_ms: u64,
    /// Time for the closing handshake, from our close frame to the end of the TCP connection, whatever the peer does.
    ///
    /// Default: 2,000 ms. Raising it lets a peer that never closes keep a file descriptor longer.
    pub close_timeout_ms: u64,
    /// Time that requests in flight have to finish when the server shuts down.
    ///
    /// Default: 10,000 ms. A peer that does not finish can delay the shutdown by this much.
    pub drain_timeout_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 20_000,
            handshake_timeout_ms: 10_000,
            header_bytes_max: 16 * 1024,
            headers_max: 64,
            message_bytes_max: 1024 * 1024,
            fragments_max: 1_024,
            message_timeout_ms: 30_000,
            write_timeout_ms: 30_000,
            close_timeout_ms: 2_000,
            drain_timeout_ms: 10_000,
        }
    }
}

impl Limits {
    /// Says whether these limits can be served with.
    ///
    /// # Errors
    /// A sentence that names the field and what it must be, when one would refuse every peer or can't be held to.
    pub fn check(&self) -> Result<(), String> {
        let at_least = [
            ("connections_max", self.connections_max as u64, 1),
            ("handshake_timeout_ms", self.handshake_timeout_ms, 1),
            ("header_bytes_max", self.header_bytes_max as u64, 1_024),
            ("headers_max", self.headers_max as u64, 8),
            ("message_bytes_max", self.message_bytes_max as u64, 1),
            ("fragments_max", u64::from(self.fragments_max), 1),
            ("message_timeout_ms", self.message_timeout_ms, 1),
            ("write_timeout_ms", self.write_timeout_ms, 1),
            ("close_timeout_ms", self.close_timeout_ms, 1),
        ];
        match at_least.iter().find(|(_, value, least)| value < least) {
            None => Ok(()),
            Some((name, value, least)) => Err(format!("{name} is {value}; it must be at least {least}")),
        }
    }
}
