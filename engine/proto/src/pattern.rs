//! Patterns of rights: `*` stands for any run of bytes, the empty one included; everything else is literal.

use serde::{Deserialize, Serialize};

/// A pattern over names, such as `messaging:*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pattern(Box<str>);

impl Pattern {
    /// Takes a text as a pattern. Every text is one.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text it was made of.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the pattern covers the whole of `name`.
    ///
    /// Greedy with one place to fall back to: at most pattern length times name length steps, and both are bounded.
    #[must_use]
    pub fn covers(&self, name: &str) -> bool {
        let (pattern, name) = (self.0.as_bytes(), name.as_bytes());
        let (mut p, mut n) = (0, 0);
        let mut fallback: Option<(usize, usize)> = None;
        while n < name.len() {
            if p < pattern.len() && pattern[p] == b'*' {
                fallback = Some((p, n));
                p += 1;
            } else if p < pattern.len() && pattern[p] == name[n] {
                p += 1;
                n += 1;
            } else if let Some((star, taken)) = fallback {
                fallback = Some((star, taken + 1));
                p = star + 1;
                n = taken + 1;
            } else {
                return false;
            }
        }
        pattern[p..].iter().all(|byte| *byte == b'*')
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;
    use proptest::prelude::*;

    fn naive(pattern: &[u8], name: &[u8]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some((b'*', rest)) => (0..=name.len()).any(|skip| naive(rest, &name[skip..])),
            Some((byte, rest)) => name.first() == Some(byte) && naive(rest, &name[1..]),
        }
    }

    #[test]
    fn everything_but_the_star_is_literal() {
        assert!(Pattern::new("messaging:*").covers("messaging:lobby"));
        assert!(Pattern::new("*").covers(""));
        assert!(!Pattern::new("").covers("a"));
        for text in [".*", "a|b", "^", ">", "#", "[a]", "?", "%2e", "a."] {
            assert_eq!(Pattern::new(text).covers("a"), text == "a", "{text}");
        }
        assert!(!Pattern::new("messaging:lobby").covers("messaging:lobby."));
        assert!(!Pattern::new("Messaging:*").covers("messaging:lobby"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 100_000, ..ProptestConfig::default() })]
        #[test]
        fn agrees_with_the_naive_matcher(pattern in "[ab*]{0,8}", names in prop::array::uniform10("[ab]{0,10}")) {
            let fast = Pattern::new(&pattern);
            for name in names {
                prop_assert_eq!(fast.covers(&name), naive(pattern.as_bytes(), name.as_bytes()));
            }
        }
    }
}
