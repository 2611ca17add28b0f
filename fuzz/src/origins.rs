//! Lists of origins, as an operator writes them, and what pages send.

use tidings_transports::Origins;

/// The list up to the first NUL, then an origin.
pub fn run(bytes: &[u8]) {
    let (list, origin) = bytes.split_at(bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len()));
    let Ok(list) = std::str::from_utf8(list) else { return };
    let origin = origin.get(1..).unwrap_or_default();
    match list.parse::<Origins>() {
        Ok(origins) => {
            assert!(origins.allows(None));
            let listed = |entry: &str| entry.as_bytes() == origin;
            let expected =
                list.split(',').map(str::trim).any(|entry| entry == "*" || (!entry.is_empty() && listed(entry)));
            assert_eq!(origins.allows(Some(origin)), expected);
            assert!(origins == Origins::any() || !origins.allows(Some(b"null")) || list.contains('*'));
        }
        Err(error) => assert!(error.to_string().contains("is not an origin")),
    }
}
