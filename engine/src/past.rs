//! Reads a part of what a stream keeps: from memory, or from the disk.

use crate::outbox::Outbox;
use crate::place::Failed;
use crate::shared::{Settled, Shared, Store};
use crate::streams::{NoStream, look};
use crate::wish::Wish;
use std::sync::Arc;
use tidings_core::limit::Limit;
use tidings_core::session::{Look, LookedAt};
use tidings_core::stream::{Begin, Past, PastPage, PastRead};
use tidings_proto::code::Code;
use tidings_proto::frame::{EntryFrame, GapReason, History, Missing, ServerFrame};
use tidings_proto::history::entry_bytes;
use tidings_proto::kept::{Entry, Kind};
use tidings_proto::wire;

/// When a client should ask again that does not read what waits for it.
const UNREAD_RETRY_MS: u64 = 1_000;

/// When a client should ask again that has asked for much already.
const WAITING_RETRY_MS: u64 = 100;

/// What a client has asked for, within the limits of one answer.
pub(crate) fn wish(settled: &Settled, look: &Look<'_>) -> Result<Wish, NoStream> {
    let (kind, name, policy) = match look.stream {
        LookedAt::Channel(channel) => {
            let policy = settled.rules.namespace(channel.namespace()).ok_or(NoStream::Undeclared)?;
            (Kind::Channel, channel.as_str().into(), policy)
        }
        LookedAt::Inbox(user) => (Kind::Inbox, Arc::clone(user), &settled.inbox_policy),
    };
    let limits = &settled.limits;
    let entries_max = look.entries_max.min(limits.history_page_entries_max as u64);
    // It is asked for when half of the outbox is free, and the answer is to fit.
    let bytes_max = limits.history_page_bytes_max.min(limits.outbox_bytes_max / 2);
    Ok(Wish { kind, name, policy: Arc::clone(policy), begin: look.begin, entries_max, bytes_max })
}

impl Wish {
    fn see(&self, shared: &Shared, begin: Begin) -> Result<Option<Past>, NoStream> {
        let now = shared.clock.now();
        look(shared, self.kind, &self.name, &self.policy, |stream| stream.past(begin, self.entries_max, now))
    }

    /// Reads it. `None` where nothing is known of the stream. May read the disk.
    pub(crate) fn read(&self, shared: &Shared) -> Result<Option<PastPage>, NoStream> {
        let begin = self.begin;
        let Some(past) = self.see(shared, begin)? else { return Ok(None) };
        let (Some(store), Some(stream)) = (&shared.store, past.disk) else {
            return Ok(Some(past.of_memory(begin, self.bytes_max)));
        };
        if past.from > past.to {
            return Ok(Some(past.of_memory(begin, self.bytes_max)));
        }
        let read = self.read_disk(shared, store, stream, &past)?;
        let first = self.see(shared, Begin::Newest)?.map_or(past.first, |past| past.first);
        Ok(Some(past.of_disk(begin, read, first)))
    }

    fn read_disk(&self, shared: &Shared, store: &Store, stream: u64, past: &Past) -> Result<PastRead, NoStream> {
        let read = |from| {
            store.disk.page(stream, from, past.to, self.bytes_max).map_err(|error| {
                store.cannot_be_read(&error);
                NoStream::Unreadable
            })
        };
        let mut page = read(past.from)?;
        let mut from = past.from;
        // The newest are wanted, and all do not fit into a page: as many as do, in several steps where they differ in size.
        while !self.begin.is_forward() && page.reached < past.to {
            from += (past.to - from).div_ceil(2);
            page = read(from)?;
        }
        if !page.damaged.is_empty() {
            shared.counters.damaged.add(page.damaged.len() as u64);
            let (stream, offsets) = (&self.name, &page.damaged);
            tracing::error!(%stream, ?offsets, "entries on disk are damaged; see `tidingsd store check`");
        }
        Ok(PastRead { from, entries: page.entries, reached: page.reached })
    }

    /// What was there of a stream in memory that nothing is known of is gone.
    pub(crate) fn missing_of_unknown(&self) -> Option<Missing> {
        let (Begin::Since(had) | Begin::Older(had)) = self.begin else { return None };
        (had.offset > 0).then_some(Missing { from: 1, to: 0, reason: GapReason::Epoch })
    }

    /// The answer to a client, in the form of its connection.
    ///
    /// # Errors
    /// As [`Wish::read`], and when the client does not read what waits for it already.
    pub(crate) fn answer(&self, shared: &Shared, to: &Outbox, id: u64) -> Result<Vec<u8>, Failed> {
        if !to.wants_more(shared.settled.outbox) {
            return Err(unread());
        }
        let form = to.link().form();
        let mut page = self.read(shared)?;
        if let Some(page) = &mut page {
            // Counted as it is written: a value may be five times as long in the other codec.
            page.fit(self.bytes_max, |entry| entry_bytes(form.codec(), &entry.frame(0)));
        }
        let mut out = Vec::new();
        self.render(page.as_ref(), |history| wire::render(form, Some(id), &ServerFrame::History(history), &mut out));
        Ok(out)
    }

    fn render(&self, page: Option<&PastPage>, render: impl FnOnce(History<'_>)) {
        let channel = (self.kind == Kind::Channel).then_some(&*self.name);
        let Some(page) = page else {
            let gaps: Vec<_> = self.missing_of_unknown().into_iter().collect();
            let none =
                History { channel, position: None, first: 1, from: 1, to: 0, entries: &[], gaps: &gaps, more: false };
            return render(none);
        };
        let frame = |entry| Entry::frame(entry, 0);
        let entries: Vec<EntryFrame<'_>> = page.entries.iter().map(frame).collect();
        let PastPage { position, first, from, to, missing, .. } = page;
        let (position, more) = (Some(*position), page.has_more());
        render(History {
            channel,
            position,
            first: *first,
            from: *from,
            to: *to,
            entries: &entries,
            gaps: missing,
            more,
        });
    }
}

/// A client that asks for more than it reads.
pub(crate) const fn unread() -> Failed {
    Failed {
        code: Code::Busy,
        text: "outbox_bytes_max: half of what may wait for this connection waits already; read it, then ask again",
        retry_after_ms: Some(UNREAD_RETRY_MS),
        limit: Some(Limit::Outbox),
    }
}

/// A client that asks without waiting for answers.
pub(crate) const fn too_many() -> Failed {
    Failed {
        code: Code::Busy,
        text: "history_waiting_max: as many histories of this session wait to be read as may; wait for their answers",
        retry_after_ms: Some(WAITING_RETRY_MS),
        limit: Some(Limit::HistoryWaiting),
    }
}
