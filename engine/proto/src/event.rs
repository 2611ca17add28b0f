//! Event and method names.

use crate::limit::{EVENT_BYTES_MAX, METHOD_BYTES_MAX};

/// Whether a text can be an event name: 1 to [`EVENT_BYTES_MAX`] bytes of printable ASCII without space, quotation
/// mark and backslash, so that it needs no escape in any wire form (`NEW_MESSAGE`, `notification:new`).
#[must_use]
pub fn is_event(text: &str) -> bool {
    (1..=EVENT_BYTES_MAX).contains(&text.len()) && text.bytes().all(plain)
}

/// Whether a text can name a method: as [`is_event`], up to [`METHOD_BYTES_MAX`] bytes.
#[must_use]
pub fn is_method(text: &str) -> bool {
    (1..=METHOD_BYTES_MAX).contains(&text.len()) && text.bytes().all(plain)
}

fn plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'"' && byte != b'\\'
}

#[cfg(test)]
mod tests {
    use super::is_event;

    #[test]
    fn names_need_no_escape() {
        assert!(is_event("NEW_MESSAGE"));
        assert!(is_event("notification:new"));
        for name in ["", "a b", "a\"b", "a\\b", "a\nb", "\u{e9}", &"x".repeat(65)] {
            assert!(!is_event(name), "{name:?}");
        }
    }
}
