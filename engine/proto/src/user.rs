//! User ids and device names: the host's own words, compared byte for byte.

use crate::limit::{DEVICE_BYTES_MAX, USER_BYTES_MAX};

/// Whether a text can be a user id: 1 to [`USER_BYTES_MAX`] bytes of UTF-8 without control characters.
///
/// No Unicode form is folded into another: `sub` in a token names exactly the user whose id has the same bytes.
#[must_use]
pub fn is_user_id(text: &str) -> bool {
    (1..=USER_BYTES_MAX).contains(&text.len()) && !text.chars().any(breaks_a_line)
}

/// Whether a text can name a device: 1 to [`DEVICE_BYTES_MAX`] bytes of UTF-8 without control characters.
#[must_use]
pub fn is_device(text: &str) -> bool {
    (1..=DEVICE_BYTES_MAX).contains(&text.len()) && !text.chars().any(breaks_a_line)
}

/// Whether a text can be a user's own words beside its status: one line of UTF-8 without control characters.
#[must_use]
pub fn is_status_text(text: &str) -> bool {
    !text.chars().any(breaks_a_line)
}

/// Control characters and the two separators that some readers take for the end of a line.
pub(crate) fn breaks_a_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::{is_device, is_user_id};

    #[test]
    fn ids_are_words_not_lines() {
        for id in ["alice", ".*", "a|b", "%2e", "zo\u{eb}", "a b", "x."] {
            assert!(is_user_id(id), "{id:?}");
        }
        for id in ["", "a\nb", "a\rb", "\u{0}", "a\u{2028}b", &"x".repeat(129)] {
            assert!(!is_user_id(id), "{id:?}");
        }
        assert!(is_device("phone-1"));
        assert!(!is_device(&"x".repeat(65)));
    }
}
