//! Close frames: which codes may travel, reading one, building one.

use super::{
    encode::{self, Kind},
    head::CONTROL_BYTES_MAX,
    violation::Violation,
};

/// The reason may take what a control frame leaves beside the code.
const REASON_BYTES_MAX: usize = CONTROL_BYTES_MAX - 2;

/// Whether an endpoint may send this close code (RFC 6455 7.4 and the IANA registry).
///
/// 1004, 1005, 1006 and 1015 are only ever local; what lies between 1016 and 2999 is reserved; from 5000 on nothing is defined.
#[must_use]
pub fn is_legal_close_code(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// Reads a close frame's payload.
pub(crate) fn parse(payload: &[u8]) -> Result<(Option<u16>, &str), Violation> {
    match payload {
        [] => Ok((None, "")),
        [_] => Err(Violation::CloseTooShort),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            if !is_legal_close_code(code) {
                return Err(Violation::CloseCode);
            }
            match std::str::from_utf8(reason) {
                Ok(reason) => Ok((Some(code), reason)),
                Err(_) => Err(Violation::CloseReason),
            }
        }
    }
}

/// Appends a close frame, header included. Without a code it has no payload. A reason that is too long for a
/// control frame is cut at the end of a character.
pub fn push_close_frame(out: &mut Vec<u8>, code: Option<u16>, reason: &str) {
    let Some(code) = code else {
        encode::push_frame(out, Kind::Close, &[]);
        return;
    };
    let reason = cut(reason, REASON_BYTES_MAX);
    out.extend_from_slice(encode::Header::new(Kind::Close, 2 + reason.len()).as_bytes());
    out.extend_from_slice(&code.to_be_bytes());
    out.extend_from_slice(reason.as_bytes());
}

fn cut(text: &str, bytes_max: usize) -> &str {
    let mut end = bytes_max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests;
