//! Patterns of rights against a matcher that is too plain to be wrong.

use tidings_proto::pattern::Pattern;

/// What the plain matcher takes too long for.
const BYTES_MAX: usize = 200;

/// A pattern up to the first NUL, then a name.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(&bytes[..bytes.len().min(BYTES_MAX)]) else { return };
    let (pattern, name) = text.split_once('\0').unwrap_or((text, ""));
    assert_eq!(Pattern::new(pattern).covers(name), covers(pattern.as_bytes(), name.as_bytes()));
}

/// Row by row: which beginnings of the name the beginning of the pattern covers.
fn covers(pattern: &[u8], name: &[u8]) -> bool {
    let mut row: Vec<bool> = (0..=name.len()).map(|at| at == 0).collect();
    for wanted in pattern {
        let mut next = vec![false; name.len() + 1];
        for at in 0..=name.len() {
            next[at] = match wanted {
                b'*' => row[at] || (at > 0 && next[at - 1]),
                wanted => at > 0 && row[at - 1] && name[at - 1] == *wanted,
            };
        }
        row = next;
    }
    row[name.len()]
}
