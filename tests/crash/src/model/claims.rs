//! What must be there because of what happened since the crash before.

use super::ledger::{Fate, Ledger};
use super::past::Past;
use crate::history::{Answer, Event, Place};
use crate::publication::{Id, Stream, Wait};
use crate::violation::{Claim, Violation};
use std::collections::BTreeMap;

/// Refusals after which it is open what the store has: it was not there for the command, or did not tell in time. Every
/// other refusal has changed nothing.
const OPEN_REFUSALS: [u64; 3] = [2008, 2009, 2010];

/// A claim about one publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Claimed {
    /// In which stream it must be.
    pub(crate) stream: Stream,
    /// Why.
    pub(crate) claim: Claim,
    /// Where, as far as the daemon said it.
    pub(crate) offset: Option<u64>,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    /// By publication.
    pub(crate) must: BTreeMap<Id, Claimed>,
    /// Where a publication is if it is there, as the daemon said when it accepted it.
    pub(crate) hints: BTreeMap<Id, u64>,
    /// Publications that were answered `stored`.
    pub(crate) stored: usize,
    epochs: BTreeMap<Stream, u64>,
    held: BTreeMap<(Stream, u64), Id>,
}

impl Claims {
    /// Reads `past` into `ledger` and returns what must be there now, and what is wrong whatever is there.
    pub(crate) fn gather(ledger: &mut Ledger, past: &Past) -> (Self, Vec<Violation>) {
        let mut claims = Self::default();
        let mut violations = Vec::new();
        for (event, is_certain) in past.events() {
            match event {
                Event::Asked(publication) => ledger.asked(*publication),
                Event::Answered(id, answer) => {
                    violations.extend(claims.answered(ledger, (*id, *answer), is_certain, past.is_clean));
                }
                Event::Received { stream, place, id } => {
                    if matches!(stream, Stream::Inbox(_)) {
                        ledger.seen.insert(*id, place.offset);
                    }
                    if is_certain {
                        violations.extend(claims.add(ledger, *id, *stream, (Claim::Delivered, Some(*place))));
                    }
                }
                Event::Acknowledged { device, offset } => {
                    let up_to = ledger.acknowledged.entry(device.clone()).or_default();
                    *up_to = (*up_to).max(*offset);
                }
            }
        }
        claims.stored = claims.must.values().filter(|claimed| claimed.claim == Claim::Stored).count();
        (claims, violations)
    }

    /// Whether a publication must be there.
    pub(crate) fn must_be_there(&self, id: Id) -> bool {
        self.must.contains_key(&id)
    }

    fn answered(
        &mut self,
        ledger: &mut Ledger,
        (id, answer): (Id, Answer),
        is_certain: bool,
        is_clean: bool,
    ) -> Vec<Violation> {
        let Some(known) = ledger.publications.get_mut(&id) else {
            return vec![Violation::Conduct(format!("{id} was answered, and nobody had asked"))];
        };
        let stream = known.publication.stream;
        match answer {
            Answer::Refused(code) => {
                if !OPEN_REFUSALS.contains(&code) {
                    known.fate = Fate::Refused(code);
                }
                Vec::new()
            }
            Answer::Accepted(_) if known.publication.wait == Wait::Stored => vec![Violation::Weakened { id }],
            Answer::Accepted(place) if is_certain && is_clean => self.add(ledger, id, stream, (Claim::Flushed, place)),
            Answer::Accepted(place) => {
                if let (Some(place), false) = (place, known.is_repeated) {
                    self.hints.insert(id, place.offset);
                }
                Vec::new()
            }
            Answer::Stored(place) if is_certain => self.add(ledger, id, stream, (Claim::Stored, place)),
            Answer::Stored(_) => Vec::new(),
        }
    }

    /// Adds a claim; returns how it contradicts another.
    fn add(
        &mut self,
        ledger: &Ledger,
        id: Id,
        stream: Stream,
        (claim, place): (Claim, Option<Place>),
    ) -> Vec<Violation> {
        let mut violations = Vec::new();
        if let Some(Place { epoch, offset }) = place {
            let log = ledger.logs.get(&stream);
            let was = *self.epochs.entry(stream).or_insert_with(|| log.and_then(|log| log.epoch).unwrap_or(epoch));
            if was != epoch {
                violations.push(Violation::Epoch { stream, was, is: epoch });
            }
            let was = *self.held.entry((stream, offset)).or_insert(id);
            if was != id {
                violations.push(Violation::Changed { stream, offset, was, is: id });
            }
        }
        let offset = place.map(|place| place.offset);
        let claimed = self.must.entry(id).or_insert(Claimed { stream, claim, offset });
        if let (Some(was), Some(is)) = (claimed.offset, offset)
            && was != is
        {
            violations.push(Violation::Moved { id, stream, was, is });
        }
        claimed.offset = claimed.offset.or(offset);
        if claim == Claim::Stored {
            claimed.claim = claim;
        }
        violations
    }

    /// The epoch that a stream must have, if entries of it were answered or delivered.
    pub(crate) fn epoch(&self, stream: Stream) -> Option<u64> {
        self.epochs.get(&stream).copied()
    }
}
