//! What a peer can do wrong on an open WebSocket, and the close code that answers it.

use std::fmt;

/// A breach of RFC 6455 or of our limits by the peer. It ends the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Violation {
    /// A client's frame without a mask (RFC 6455 5.1).
    Unmasked,
    /// A reserved bit is set although no extension was negotiated.
    ReservedBits,
    /// An opcode that RFC 6455 does not define.
    UnknownOpcode,
    /// A control frame without its final bit.
    ControlFragmented,
    /// A control frame of more than 125 bytes.
    ControlTooLong,
    /// A length written in more bytes than it needs.
    LengthNotMinimal,
    /// A 64-bit length with its top bit set.
    LengthTopBit,
    /// A continuation frame while no message is unfinished.
    UnexpectedContinuation,
    /// A new message while another one is unfinished.
    InterleavedMessage,
    /// A close frame with a payload of one byte.
    CloseTooShort,
    /// A close frame with a code that must not be sent.
    CloseCode,
    /// A close frame whose reason is not UTF-8.
    CloseReason,
    /// A text message that is not UTF-8.
    BadUtf8,
    /// A message of more bytes than `message_bytes_max`.
    MessageTooLong,
    /// A message of more frames than `fragments_max`.
    TooManyFragments,
    /// A message that was not finished within `message_timeout_ms`.
    MessageTimeout,
}

impl Violation {
    /// The close code that tells the peer.
    #[must_use]
    pub fn close_code(self) -> u16 {
        match self {
            Self::BadUtf8 | Self::CloseReason => 1007,
            Self::TooManyFragments | Self::MessageTimeout => 1008,
            Self::MessageTooLong => 1009,
            _ => 1002,
        }
    }

    /// One phrase for the peer's developer, sent as the close frame's reason.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Unmasked => "frames from a client must be masked",
            Self::ReservedBits => "a reserved bit is set, but no extension was negotiated",
            Self::UnknownOpcode => "unknown opcode",
            Self::ControlFragmented => "a control frame must not be fragmented",
            Self::ControlTooLong => "a control frame holds at most 125 bytes",
            Self::LengthNotMinimal => "the length must be written in as few bytes as it needs",
            Self::LengthTopBit => "the top bit of the length must be clear",
            Self::UnexpectedContinuation => "there is no message to continue",
            Self::InterleavedMessage => "the message before this one is not finished",
            Self::CloseTooShort => "a close frame's payload is empty or begins with a 2-byte code",
            Self::CloseCode => "this close code must not be sent",
            Self::CloseReason => "the close reason is not UTF-8",
            Self::BadUtf8 => "the text is not UTF-8",
            Self::MessageTooLong => "the message is longer than this server takes",
            Self::TooManyFragments => "the message is cut into too many frames",
            Self::MessageTimeout => "the message was not finished in time",
        }
    }

    /// A name that does not change between releases, for a metric's label.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unmasked => "unmasked",
            Self::ReservedBits => "reserved_bits",
            Self::UnknownOpcode => "unknown_opcode",
            Self::ControlFragmented => "control_fragmented",
            Self::ControlTooLong => "control_too_long",
            Self::LengthNotMinimal => "length_not_minimal",
            Self::LengthTopBit => "length_top_bit",
            Self::UnexpectedContinuation => "unexpected_continuation",
            Self::InterleavedMessage => "interleaved_message",
            Self::CloseTooShort => "close_too_short",
            Self::CloseCode => "close_code",
            Self::CloseReason => "close_reason",
            Self::BadUtf8 => "bad_utf8",
            Self::MessageTooLong => "message_too_long",
            Self::TooManyFragments => "too_many_fragments",
            Self::MessageTimeout => "message_timeout",
        }
    }

    /// Counts this violation: `tidings_ws_violations_total{reason}`. Whoever ends the connection for it calls this, once.
    pub fn count(self) {
        metrics::counter!("tidings_ws_violations_total", "reason" => self.name()).increment(1);
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for Violation {}
