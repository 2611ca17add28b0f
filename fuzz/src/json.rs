//! Frames in JSON.

use tidings_proto::payload::Codec;

/// One message.
pub fn run(bytes: &[u8]) {
    crate::frames::read(Codec::Json, bytes);
}
