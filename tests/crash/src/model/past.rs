//! What happened before a crash.

use crate::history::Event;

/// Events, and what is certain about them.
#[derive(Debug, Default)]
pub(crate) struct Past {
    /// In the order in which they were written down.
    pub(crate) all: Vec<Event>,
    /// So many of them are certain to have come before the crash. Of the others it is not known: what was answered in
    /// the moment of a power cut may have come after the picture of the disk was taken.
    pub(crate) certain: usize,
    /// What was asked before so many of them was asked again after an earlier crash, who knows how long ago.
    pub(crate) fresh: usize,
    /// Whether the daemon had been told to stop and had ended well by itself.
    pub(crate) is_clean: bool,
}

impl Past {
    /// The events, each with whether it is certain to have come before the crash.
    pub(crate) fn events(&self) -> impl Iterator<Item = (&Event, bool)> {
        self.all.iter().enumerate().map(|(at, event)| (event, at < self.certain))
    }
}
