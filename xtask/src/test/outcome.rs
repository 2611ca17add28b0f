//! What became of a step.

use super::tally::Tally;

/// What became of a step that could be started.
pub(crate) enum Outcome {
    /// It ran: what its tests said, and whether all of it went well.
    Ran(Tally, bool),
    /// There was nothing to do, and why.
    Skipped(&'static str),
}

impl Outcome {
    /// A step without tests ran.
    pub(crate) fn done(good: bool) -> Self {
        Self::Ran(Tally::default(), good)
    }
}
