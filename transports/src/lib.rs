//! The ways in and out: WebSocket over HTTP, and what bounds a peer.
//!
//! Everything that a peer sends is checked here before anything else sees it, and nothing is allocated on its word.

mod limits;
mod ws;

pub use limits::Limits;
pub use ws::{
    close::{is_legal_close_code, push_close_frame},
    decode::{Decoded, Decoder},
    encode::{Header, Kind, push_frame},
    incoming::Incoming,
    violation::Violation,
};
