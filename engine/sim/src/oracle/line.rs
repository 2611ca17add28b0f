//! What was placed in one stream.

use std::collections::BTreeMap;

/// One entry.
#[derive(Debug, Clone)]
pub(crate) struct Placement {
    /// Which publication.
    pub(crate) n: usize,
    pub(crate) at: u64,
    pub(super) taken_ms: u64,
    pub(super) disk_bytes: u64,
    pub(super) memory_bytes: u64,
    pub(super) key: Option<Box<str>>,
    /// Somebody has got it, or was told that it is stored: it must stay.
    pub(super) shown: bool,
}

/// All epochs of a stream.
#[derive(Debug, Default)]
pub(crate) struct Line {
    entries: BTreeMap<(u64, u64), Placement>,
    /// The epoch that was told last.
    pub(super) epoch: Option<u64>,
}

impl Line {
    pub(super) fn place(&mut self, epoch: u64, offset: u64, placement: Placement) -> Option<Placement> {
        self.entries.insert((epoch, offset), placement)
    }

    pub(super) fn at_mut(&mut self, epoch: u64, offset: u64) -> Option<&mut Placement> {
        self.entries.get_mut(&(epoch, offset))
    }

    pub(crate) fn at(&self, epoch: u64, offset: u64) -> Option<&Placement> {
        self.entries.get(&(epoch, offset))
    }

    /// Entries behind an offset.
    pub(super) fn behind(&self, epoch: u64, offset: u64) -> impl Iterator<Item = &Placement> {
        self.entries.range((epoch, offset + 1)..=(epoch, u64::MAX)).map(|(_, placement)| placement)
    }

    /// The last offset in the epoch that was told last.
    pub(super) fn last(&self) -> u64 {
        let epoch = self.epoch.unwrap_or_default();
        self.entries.range((epoch, 0)..=(epoch, u64::MAX)).next_back().map_or(0, |((_, offset), _)| *offset)
    }

    /// All places.
    pub(crate) fn all(&self) -> impl Iterator<Item = (u64, u64, &Placement)> {
        self.entries.iter().map(|((epoch, offset), placement)| (*epoch, *offset, placement))
    }
}
