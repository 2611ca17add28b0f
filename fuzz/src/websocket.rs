//! Frames of WebSocket: the same whether they come whole or in pieces, and never more in memory than has arrived.

use std::ops::ControlFlow;
use tidings_transports::{Decoder, Incoming, Limits, Message, Violation, is_legal_close_code};

/// What a decoder holds beside the bytes of an unfinished message.
const HELD_OVERHEAD_BYTES: usize = 512;

/// The first two bytes say where the rest is cut.
pub fn run(bytes: &[u8]) {
    let Some((&[first, second], bytes)) = bytes.split_first_chunk() else { return };
    let mut limits = Limits::default();
    limits.message_bytes_max = 4 * 1024;
    limits.fragments_max = 16;
    let whole = decode(bytes, usize::MAX, &limits);
    // Pieces of one length, then of another.
    for piece in [1 + usize::from(first), 1 + usize::from(second % 8)] {
        assert_eq!(decode(bytes, piece, &limits), whole, "in pieces of {piece} bytes");
    }
}

fn decode(bytes: &[u8], piece: usize, limits: &Limits) -> (Vec<Message>, Option<Violation>) {
    let mut decoder = Decoder::default();
    let mut seen = Vec::new();
    let mut arrived = 0;
    for piece in bytes.chunks(piece.min(bytes.len().max(1))) {
        let mut piece = piece.to_vec();
        arrived += piece.len();
        let decoded = decoder.decode(&mut piece, limits, 0, &mut |incoming| {
            check(&incoming, limits);
            seen.push(Message::from(incoming));
            ControlFlow::<()>::Continue(())
        });
        match decoded {
            Ok(decoded) => assert_eq!(decoded.used, piece.len()),
            Err(violation) => {
                assert!(is_legal_close_code(violation.close_code()));
                return (seen, Some(violation));
            }
        }
        let held_max = 2 * arrived.min(limits.message_bytes_max) + HELD_OVERHEAD_BYTES;
        assert!(decoder.held_bytes() <= held_max, "{} held of {arrived} that came", decoder.held_bytes());
    }
    (seen, None)
}

fn check(incoming: &Incoming<'_>, limits: &Limits) {
    match incoming {
        Incoming::Text(text) => assert!(text.len() <= limits.message_bytes_max),
        Incoming::Binary(bytes) => assert!(bytes.len() <= limits.message_bytes_max),
        Incoming::Ping(bytes) | Incoming::Pong(bytes) => assert!(bytes.len() <= 125),
        Incoming::Close { code, reason } => {
            assert!(reason.len() <= 123 && (code.is_some() || reason.is_empty()));
            assert!(code.is_none_or(is_legal_close_code));
        }
    }
}
