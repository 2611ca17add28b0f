//! Compares what was read back with what must be there.

use super::claims::Claims;
use super::ledger::{Fate, Ledger};
use crate::publication::{Id, Stream};
use crate::reading::{Entry, Reading};
use crate::violation::{Claim, Violation};
use std::collections::BTreeMap;

/// Everything that `readings` show to be wrong.
pub(crate) fn judge(ledger: &Ledger, claims: &Claims, readings: &[Reading]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for reading in readings {
        Judge { ledger, claims, reading, violations: &mut violations }.reading();
    }
    missing_streams(ledger, claims, readings, &mut violations);
    violations
}

/// A stream that nobody read proves nothing: that would be a fault of the rig.
fn missing_streams(ledger: &Ledger, claims: &Claims, readings: &[Reading], violations: &mut Vec<Violation>) {
    let claimed = claims.must.values().map(|claimed| claimed.stream);
    let mut streams: Vec<Stream> = ledger.logs.keys().copied().chain(claimed).collect();
    streams.sort_unstable();
    streams.dedup();
    streams.retain(|stream| readings.iter().all(|reading| reading.stream != *stream));
    violations.extend(streams.iter().map(|stream| Violation::Conduct(format!("{stream} was not read back"))));
}

struct Judge<'a> {
    ledger: &'a Ledger,
    claims: &'a Claims,
    reading: &'a Reading,
    violations: &'a mut Vec<Violation>,
}

impl Judge<'_> {
    fn reading(&mut self) {
        let Reading { stream, epoch, last, gaps, .. } = self.reading;
        let stream = *stream;
        let known = self.ledger.logs.get(&stream).and_then(|log| log.epoch).or(self.claims.epoch(stream));
        if let Some(was) = known.filter(|was| was != epoch && *last > 0) {
            self.violations.push(Violation::Epoch { stream, was, is: *epoch });
        }
        self.violations.extend(gaps.iter().map(|gap| Violation::Gap { stream, gap: gap.clone() }));
        self.beginning();
        self.density();
        let places = self.entries();
        self.order();
        self.claims(&places);
        self.log(&places);
    }

    /// A device goes on behind what it acknowledged, never further on.
    fn beginning(&mut self) {
        let Reading { device: Some(device), after, .. } = self.reading else { return };
        let acknowledged = self.ledger.acknowledged(Some(device));
        if *after > acknowledged {
            self.violations.push(Violation::Skipped { device: device.clone(), acknowledged, delivered: *after });
        }
    }

    /// Offsets rise by one from where the reader stood to the last that the daemon told.
    fn density(&mut self) {
        let Reading { stream, device, after, last, entries, .. } = self.reading;
        let mut before = *after;
        for offset in entries.iter().map(|entry| entry.offset).chain([last + 1]) {
            if offset <= before {
                self.violations.push(Violation::Backward { stream: *stream, offset, after: before });
            } else if offset > before + 1 {
                let (reader, from, to) = (device.clone(), before + 1, offset - 1);
                self.violations.push(Violation::Hole { stream: *stream, reader, from, to });
            }
            before = before.max(offset);
        }
    }

    /// Looks at each entry for itself. Returns where each publication stands.
    fn entries(&mut self) -> BTreeMap<Id, u64> {
        let stream = self.reading.stream;
        let mut places = BTreeMap::new();
        for &Entry { offset, id, is_intact } in &self.reading.entries {
            let Some((id, known)) = id.and_then(|id| Some((id, self.ledger.publications.get(&id)?))) else {
                self.violations.push(Violation::Damaged { stream, offset, id: None });
                continue;
            };
            if !is_intact {
                self.violations.push(Violation::Damaged { stream, offset, id: Some(id) });
            }
            if known.publication.stream != stream {
                self.violations.push(Violation::Misplaced { id, asked: known.publication.stream, is: stream });
            }
            match known.fate {
                Fate::Refused(code) => self.violations.push(Violation::Refused { id, stream, code }),
                Fate::Gone => self.violations.push(Violation::Returned { id, stream }),
                Fate::Open | Fate::Kept => {}
            }
            if let Some(first) = places.insert(id, offset) {
                self.violations.push(Violation::Doubled { id, stream, offsets: [first, offset] });
                continue;
            }
            let said = self.claims.must.get(&id).and_then(|claimed| claimed.offset);
            if let Some(was) = said.or(self.claims.hints.get(&id).copied()).filter(|said| *said != offset) {
                self.violations.push(Violation::Moved { id, stream, was, is: offset });
            }
        }
        places
    }

    /// Each publisher's entries stand as it published them, those aside that it asked for again later.
    fn order(&mut self) {
        let mut last: BTreeMap<u16, Id> = BTreeMap::new();
        for id in self.reading.entries.iter().filter_map(|entry| entry.id) {
            if self.ledger.publications.get(&id).is_none_or(|known| known.is_repeated) {
                continue;
            }
            match last.get(&id.publisher) {
                Some(before) if before.serial > id.serial => {
                    let stream = self.reading.stream;
                    self.violations.push(Violation::Reordered { stream, earlier: id, later: *before });
                }
                _ => {
                    last.insert(id.publisher, id);
                }
            }
        }
    }

    /// What must be there is there, unless this reader has acknowledged it.
    fn claims(&mut self, places: &BTreeMap<Id, u64>) {
        let Reading { stream, device, .. } = self.reading;
        let acknowledged = self.ledger.acknowledged(device.as_ref());
        for (&id, claimed) in self.claims.must.iter().filter(|(_, claimed)| claimed.stream == *stream) {
            if places.contains_key(&id) {
                continue;
            }
            let offset = claimed.offset.or_else(|| self.ledger.offset(*stream, id));
            if offset.is_none_or(|offset| offset > acknowledged) {
                self.lost(id, claimed.claim, offset);
            }
        }
    }

    /// What was read after earlier crashes stands where it stood.
    fn log(&mut self, places: &BTreeMap<Id, u64>) {
        let Reading { stream, device, after, entries, .. } = self.reading;
        let stream = *stream;
        let acknowledged = self.ledger.acknowledged(device.as_ref());
        let Some(log) = self.ledger.logs.get(&stream) else { return };
        let held: BTreeMap<u64, Id> =
            entries.iter().filter_map(|entry| entry.id.map(|id| (entry.offset, id))).collect();
        for (&offset, &was) in log.entries.range(after + 1..) {
            match held.get(&offset) {
                Some(is) if *is == was => {}
                Some(is) => self.violations.push(Violation::Changed { stream, offset, was, is: *is }),
                None if offset <= acknowledged || places.contains_key(&was) || self.claims.must_be_there(was) => {}
                None => self.lost(was, Claim::Delivered, Some(offset)),
            }
        }
    }

    fn lost(&mut self, id: Id, claim: Claim, offset: Option<u64>) {
        let Reading { stream, device, .. } = self.reading;
        self.violations.push(Violation::Lost { id, stream: *stream, reader: device.clone(), claim, offset });
    }
}
