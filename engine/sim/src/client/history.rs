//! A client's looks at the past: what it is shown must be what was placed, and all of it, or told to be gone.

use super::Client;
use super::link::{Asked, Looking};
use crate::frames::{History, Reason};
use crate::name::StreamName;
use crate::oracle::Oracle;
use crate::trace::Violation;
use serde_json::json;
use tidings_core::policy::Class;
use tidings_proto::id::{Epoch, Position};

impl Client {
    /// Asks to see a part of a stream, from where it stands or from elsewhere.
    pub(super) fn look_back(&mut self, at: usize) {
        let mut streams: Vec<_> = self.plan.channels.iter().map(|channel| StreamName::channel(channel)).collect();
        streams.push(self.inbox());
        let stream = streams.swap_remove(self.random.index(streams.len()));
        let limit = self.random.index(20) + 1;
        let have = self.memory.streams.get(&stream).map(|have| (have.epoch, have.offset));
        let mut body = json!({ "limit": limit });
        if stream.is_inbox() {
            body["inbox"] = json!(true);
        } else {
            body["channel"] = json!(*stream.name);
        }
        let mut looking = Looking { stream, since: None, before: None, limit };
        if let Some((epoch, last)) = have {
            let offset = self.random.below(last + 1);
            let position = Position { epoch, offset };
            match self.random.below(5) {
                0..2 => {
                    looking.since = Some(position);
                    body["since"] = json!(position);
                }
                2..4 => {
                    looking.before = Some(position);
                    body["before"] = json!(position);
                }
                _ => {}
            }
        }
        self.ask(at, json!({ "history": body }), Asked::History(looking));
    }

    /// It is shown a part of the past.
    pub(super) fn seen(
        &mut self,
        at: usize,
        seen: &History,
        looking: &Looking,
        oracle: &mut Oracle,
    ) -> Result<(), Violation> {
        let stream = &looking.stream;
        oracle.tally.looks += 1;
        if !stream.is_inbox() && !self.plan.may_join(&self.who.user, &stream.name) {
            return self.violation(stream, "it is shown a channel that it may not be in");
        }
        let Some(epoch) = seen.epoch else {
            let is_nothing = seen.entries.is_empty() && !seen.more && oracle.class(stream) != Class::Durable;
            return if is_nothing { Ok(()) } else { self.violation(stream, "something is shown of an unknown stream") };
        };
        if oracle.class(stream) == Class::Durable {
            oracle.epoch_told(stream, epoch)?;
        }
        let mut last = 0;
        for entry in &seen.entries {
            if entry.offset <= last || entry.offset < seen.from || entry.offset > seen.to {
                return self.violation(stream, format!("offset {} is out of its place: {seen:?}", entry.offset));
            }
            last = entry.offset;
            oracle.tally.looked_past += 1;
            oracle.received(self.who.index, stream, epoch, (entry.offset, entry.data.n, entry.at))?;
            oracle.held_a_token((self.who.index, self.links[at].conn), stream, epoch, entry.offset)?;
        }
        if seen.entries.len() > looking.limit {
            return self.violation(stream, format!("{} entries, and {} at most", seen.entries.len(), looking.limit));
        }
        self.check_gaps(seen, stream, epoch, oracle)?;
        self.check_whole(seen, looking, epoch, oracle)
    }

    fn check_gaps(
        &self,
        seen: &History,
        stream: &StreamName,
        epoch: Epoch,
        oracle: &mut Oracle,
    ) -> Result<(), Violation> {
        for gap in &seen.gaps {
            let is_wrong = match gap.reason {
                Reason::Expired => false,
                Reason::Epoch => oracle.class(stream) == Class::Durable,
                Reason::Future | Reason::Lost => true,
            };
            if is_wrong {
                return self.violation(stream, format!("nothing of this is gone: {gap:?}"));
            }
            // What all devices have acknowledged is gone from an inbox, whatever the bounds.
            if !stream.is_inbox() {
                let who = (self.who.index, &self.who.user, &*self.who.device);
                oracle.gap(who, stream, epoch, (gap.from, gap.to))?;
            }
        }
        Ok(())
    }

    /// Nothing is left out between the ends, the ends are where they should be, and more is told where there is more.
    fn check_whole(&self, seen: &History, looking: &Looking, epoch: Epoch, oracle: &Oracle) -> Result<(), Violation> {
        let stream = &looking.stream;
        let is_told = |offset: u64| {
            let is_gone = seen.gaps.iter().any(|gap| (gap.from..=gap.to).contains(&offset));
            is_gone || seen.entries.iter().any(|entry| entry.offset == offset)
        };
        let may_be_out = |offset: u64| match oracle.class(stream) {
            Class::Ephemeral => true,
            Class::Latest => oracle.is_replaced(stream, epoch, offset),
            _ => false,
        };
        let since = looking.since.filter(|since| since.epoch == epoch).map(|since| since.offset);
        let begin = since.map_or(seen.from, |since| since + 1);
        if let Some(offset) = (begin..=seen.to).find(|offset| !is_told(*offset) && !may_be_out(*offset)) {
            return self.violation(stream, format!("offset {offset} is not shown, and nobody said why: {seen:?}"));
        }
        let more = if looking.since.is_some() { seen.to < seen.offset } else { seen.from > seen.first };
        if more != seen.more {
            return self.violation(stream, format!("more is told to be {}: {seen:?}", seen.more));
        }
        let last = match looking.before {
            Some(before) if before.epoch == epoch => seen.offset.min(before.offset.saturating_sub(1)),
            Some(_) => return Ok(()),
            None => seen.offset,
        };
        if looking.since.is_none() && last >= seen.first && seen.to != last {
            return self.violation(stream, format!("it ends at {}, and {last} was asked for: {seen:?}", seen.to));
        }
        Ok(())
    }
}
