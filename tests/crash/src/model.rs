//! What must be there after a crash: pure, so that its own tests can plant every fault and see it found.
//!
//! A data directory has one [`Model`] for its whole life. After each crash it is given what happened before
//! ([`Past`]) and what was read back, and tells what should have been otherwise. What was read then counts as
//! delivered: from then on it stays where it is, for ever.
//!
//! * [`past`]: what happened, and up to which event it is certain to have come before the crash.
//! * [`ledger`]: what is known from earlier crashes. [`claims`]: what must be there because of this one's past.
//! * [`judge`]: compares the readings with both.

pub(crate) mod claims;
pub(crate) mod judge;
pub(crate) mod ledger;
pub(crate) mod past;
#[cfg(test)]
mod tests;

use crate::history::{Answer, Event};
use crate::publication::{Id, Publication, Stream, Wait};
use crate::reading::Reading;
use crate::violation::Violation;
use claims::Claims;
use ledger::Ledger;
use past::Past;
use std::collections::{BTreeMap, BTreeSet};

/// What is known of a data directory.
#[derive(Debug, Default)]
pub(crate) struct Model {
    ledger: Ledger,
}

/// What a crash left.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// What should have been otherwise.
    pub(crate) violations: Vec<Violation>,
    /// Publications that had been answered `stored` since the crash before.
    pub(crate) stored: usize,
    /// Entries that were read and compared.
    pub(crate) checked: usize,
}

impl Model {
    /// Compares what was read back after a crash with what must be there.
    pub(crate) fn check(&mut self, past: &Past, readings: &[Reading]) -> Verdict {
        let (claims, mut violations) = Claims::gather(&mut self.ledger, past);
        violations.extend(judge::judge(&self.ledger, &claims, readings));
        // Two readers of one stream find the same.
        let mut told = BTreeSet::new();
        violations.retain(|violation| told.insert(violation.to_string()));
        violations.sort_by_key(Violation::rank);
        self.ledger.settle(readings, |id| claims.must_be_there(id));
        let checked = readings.iter().map(|reading| reading.entries.len()).sum();
        Verdict { violations, stored: claims.stored, checked }
    }

    /// A stream's epoch, once an entry of it was read.
    pub(crate) fn epoch(&self, stream: Stream) -> Option<u64> {
        self.ledger.logs.get(&stream).and_then(|log| log.epoch)
    }

    /// The serial that a publisher's next publication gets.
    pub(crate) fn next_serial(&self, publisher: u16) -> u32 {
        self.ledger.next_serial(publisher)
    }
}

/// What to ask for again after a crash, always waiting for `stored`: every publication with a key of which it is not
/// known what became of it, and some of those that were answered `stored`, which must get the same answer again. All of
/// them are fresh: a daemon remembers keys for two minutes.
pub(crate) fn repeats(past: &Past) -> Vec<Publication> {
    const STORED_MAX: usize = 20;
    let mut asked: BTreeMap<Id, (Publication, Option<Answer>)> = BTreeMap::new();
    for (event, is_certain) in past.events().skip(past.fresh) {
        match event {
            Event::Asked(publication) if publication.is_keyed => {
                asked.insert(publication.id, (*publication, None));
            }
            Event::Answered(id, answer) if is_certain => {
                if let Some((_, known)) = asked.get_mut(id) {
                    *known = Some(*answer);
                }
            }
            _ => {}
        }
    }
    let again = |publication: &Publication| Publication { wait: Wait::Stored, ..*publication };
    let open = asked.values().filter(|(_, answer)| answer.is_none());
    let stored = asked.values().filter(|(_, answer)| matches!(answer, Some(Answer::Stored(_))));
    open.chain(stored.take(STORED_MAX)).map(|(publication, _)| again(publication)).collect()
}
