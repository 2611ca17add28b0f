//! A rule that was broken: where, which, and what to do about it.

use std::fmt;
use std::path::PathBuf;

/// One place where a rule of the house does not hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Breach {
    /// The file, relative to the root of the project.
    pub(crate) file: PathBuf,
    /// The line, from 1.
    pub(crate) line: usize,
    /// The rule's name, as `--only` takes it.
    pub(crate) rule: &'static str,
    /// What is wrong.
    pub(crate) what: String,
    /// What to do.
    pub(crate) remedy: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, rule, what, remedy } = self;
        write!(f, "{}:{line}: {rule}: {what}\n    -> {remedy}", file.display())
    }
}
