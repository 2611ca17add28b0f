//! What a user may do of its own right.

use tidings_proto::pattern::Pattern;

/// Rights by pattern. What no pattern covers is a question for the host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Grants {
    /// Channels that may be subscribed to.
    pub subscribe: Vec<Pattern>,
    /// Channels that may be published to.
    pub publish: Vec<Pattern>,
    /// Users that may be sent to.
    pub send: Vec<Pattern>,
    /// Users that may be watched.
    pub watch: Vec<Pattern>,
}

impl Grants {
    /// The right to everything that the namespaces leave to users.
    #[must_use]
    pub fn all() -> Self {
        let all = || vec![Pattern::new("*")];
        Self { subscribe: all(), publish: all(), send: all(), watch: all() }
    }
}

/// Whether one of the patterns covers the name.
#[must_use]
pub fn covers(patterns: &[Pattern], name: &str) -> bool {
    patterns.iter().any(|pattern| pattern.covers(name))
}
