//! What is known of a data directory from all that happened to it so far.

use crate::history::Device;
use crate::publication::{Id, Publication, Stream};
use crate::reading::Reading;
use std::collections::BTreeMap;

/// One stream, as it was read after earlier crashes.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// Its epoch, once an entry was seen.
    pub(crate) epoch: Option<u64>,
    /// Its entries by offset, those too that have been acknowledged since.
    pub(crate) entries: BTreeMap<u64, Id>,
}

/// What became of a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is under way, or nobody looked yet.
    Open,
    /// It was there, or had to be.
    Kept,
    /// It was refused with this code, and changed nothing.
    Refused(u64),
    /// It was not there after a crash.
    Gone,
}

/// A publication that was asked for.
#[derive(Debug)]
pub(crate) struct Known {
    /// What was asked.
    pub(crate) publication: Publication,
    /// Whether it was asked for more than once: its place among the publisher's others is then open.
    pub(crate) is_repeated: bool,
    /// What became of it.
    pub(crate) fate: Fate,
}

/// Everything that is known.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Streams.
    pub(crate) logs: BTreeMap<Stream, Log>,
    /// Publications.
    pub(crate) publications: BTreeMap<Id, Known>,
    /// Up to where each device ever acknowledged.
    pub(crate) acknowledged: BTreeMap<Device, u64>,
    /// Offsets in inboxes, as devices saw them, certain or not: they tell what an acknowledgement covered.
    pub(crate) seen: BTreeMap<Id, u64>,
}

impl Ledger {
    /// A publication is asked for.
    pub(crate) fn asked(&mut self, publication: Publication) {
        let Some(known) = self.publications.get_mut(&publication.id) else {
            let known = Known { publication, is_repeated: false, fate: Fate::Open };
            self.publications.insert(publication.id, known);
            return;
        };
        let fate = if known.fate == Fate::Kept { Fate::Kept } else { Fate::Open };
        *known = Known { publication, is_repeated: true, fate };
    }

    /// Up to where a device acknowledged: nothing for a subscriber, which reads its channel whole.
    pub(crate) fn acknowledged(&self, device: Option<&Device>) -> u64 {
        device.and_then(|device| self.acknowledged.get(device)).copied().unwrap_or(0)
    }

    /// The place that an entry had, as far as anybody saw it.
    pub(crate) fn offset(&self, stream: Stream, id: Id) -> Option<u64> {
        let log = self.logs.get(&stream)?;
        let read = || log.entries.iter().find(|(_, held)| **held == id).map(|(offset, _)| *offset);
        self.seen.get(&id).copied().or_else(read)
    }

    /// The serial that a publisher's next publication gets.
    pub(crate) fn next_serial(&self, publisher: u16) -> u32 {
        let all = Id { publisher, serial: 0 }..=Id { publisher, serial: u32::MAX };
        self.publications.range(all).next_back().map_or(0, |(id, _)| id.serial + 1)
    }

    /// Takes what was read as known from now on. What is neither there nor had to be is gone.
    pub(crate) fn settle(&mut self, readings: &[Reading], must_be_there: impl Fn(Id) -> bool) {
        for reading in readings.iter().filter(|reading| reading.last > 0) {
            let log = self.logs.entry(reading.stream).or_default();
            log.epoch = Some(reading.epoch);
            for entry in &reading.entries {
                let Some(id) = entry.id else { continue };
                log.entries.insert(entry.offset, id);
                if let Some(known) = self.publications.get_mut(&id) {
                    known.fate = Fate::Kept;
                }
            }
        }
        for (id, known) in &mut self.publications {
            if known.fate == Fate::Open {
                known.fate = if must_be_there(*id) { Fate::Kept } else { Fate::Gone };
            }
        }
    }
}
