//! Comparing secrets.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};

/// Whether two secrets are the same, in a time that tells nothing of where they differ, nor of their lengths.
#[must_use]
pub fn is_same_secret(given: &[u8], known: &[u8]) -> bool {
    let (given, known) = (digest(&SHA256, given), digest(&SHA256, known));
    verify_slices_are_equal(given.as_ref(), known.as_ref()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::is_same_secret;

    #[test]
    fn the_same_is_the_same_and_nothing_else_is() {
        assert!(is_same_secret(b"", b"") && is_same_secret(b"abc", b"abc"));
        for other in [&b""[..], b"ab", b"abd", b"abcd", b"Abc"] {
            assert!(!is_same_secret(other, b"abc"));
        }
    }
}
