//! What a client's frames come to.

/// What came in: a whole message, or a control frame. It borrows from the bytes that were given to the decoder, or
/// from the decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// A whole text message.
    Text(&'a str),
    /// A whole binary message.
    Binary(&'a [u8]),
    /// A ping, to be answered with a pong that holds the same bytes.
    Ping(&'a [u8]),
    /// A pong.
    Pong(&'a [u8]),
    /// The peer's close frame. Nothing that follows it means anything.
    Close {
        /// Why, if the peer said so; always a code that may be sent.
        code: Option<u16>,
        /// The reason in words; empty if there is none.
        reason: &'a str,
    },
}
