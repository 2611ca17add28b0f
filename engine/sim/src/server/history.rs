//! Looks at the past: at what memory has at once, at what is on disk after a while.

use super::Server;
use super::inner::{Inner, Wanted};
use super::outbox::Member;
use super::turn::Turn;
use crate::bug::Bug;
use crate::name::StreamName;
use bytes::Bytes;
use std::sync::Arc;
use tidings_core::policy::Class;
use tidings_core::session::{Look, LookedAt};
use tidings_core::stream::{Begin, Delivery, Origin, Past, PastPage, PastRead, Stream};
use tidings_core::time::Now;
use tidings_proto::code::Code;
use tidings_proto::frame::{Failure, GapReason, History, Missing, ServerFrame};
use tidings_proto::history::entry_bytes;
use tidings_proto::kept::Entry;
use tidings_proto::wire;
use tidings_store::archive::Page;

impl Turn<'_> {
    pub(super) fn show_past(&mut self, id: u64, look: &Look<'_>) {
        let stream = match look.stream {
            LookedAt::Channel(channel) => StreamName::channel(channel.as_str()),
            LookedAt::Inbox(user) => StreamName::inbox(user),
        };
        let is_durable = self.server.plan.policy(&stream).class == Class::Durable;
        let wanted = Wanted { conn: self.conn, id, stream, begin: look.begin, entries_max: look.entries_max };
        if is_durable {
            let delay_ms = self.server.start.random.between(1, 60);
            return self.server.output.wish(delay_ms, Inner::History(wanted));
        }
        self.send_replies();
        self.server.show_past(&wanted, self.now);
    }
}

impl Server {
    /// Answers, or says why not.
    pub(super) fn show_past(&mut self, wanted: &Wanted, now: Now) {
        let (conn, room) = (wanted.conn, self.room());
        let Some(waiting) = self.outboxes.get(&conn).map(super::outbox::Outbox::bytes) else { return };
        let answered = if waiting * 2 >= room.bytes {
            Err(Code::Busy)
        } else {
            self.past_page(wanted, now).and_then(|page| {
                let frames = self.render_past(wanted, page);
                match self.fan().push(conn, Bytes::from(frames), room) {
                    Delivery::Taken => Ok(()),
                    Delivery::Full => Err(Code::Busy),
                }
            })
        };
        if let Err(code) = answered {
            let failure = Failure { code, message: "the past cannot be shown now", retry_after_ms: None };
            let mut frame = Vec::new();
            wire::render(self.member(conn).form, Some(wanted.id), &ServerFrame::Error(failure), &mut frame);
            self.fan().reply(conn, Bytes::from(frame));
        }
    }

    /// A stream is not brought into memory for a look.
    fn see(&mut self, stream: &StreamName, begin: Begin, entries_max: u64, now: Now) -> Result<Option<Past>, Code> {
        if let Some(cell) = self.cells.map.get_mut(stream) {
            return Ok(Some(cell.stream.past(begin, entries_max, now)));
        }
        let policy = Arc::clone(self.plan.policy(stream));
        let mut seen: Stream<Member> = if policy.class == Class::Durable {
            if self.queue.doubtful.contains(stream) {
                return Err(Code::Unavailable);
            }
            let kept = self.storage.archive.load(stream.kind, &stream.name).map_err(|_| Code::Unavailable)?;
            let new = || Origin::New { epoch: self.epoch_on_disk(stream), stream: 0 };
            Stream::on_disk(0, kept.map_or_else(new, Origin::Found), stream.kind, policy, now)
        } else {
            let Some(position) = self.cells.forgotten.get(&stream.name) else { return Ok(None) };
            Stream::at(0, *position, policy, now)
        };
        Ok(Some(seen.past(begin, entries_max, now)))
    }

    fn past_page(&mut self, wanted: &Wanted, now: Now) -> Result<Option<PastPage>, Code> {
        let Wanted { stream, begin, entries_max, .. } = wanted;
        let (begin, bytes_max) = (*begin, self.plan.bounds.page_bytes);
        let Some(past) = self.see(stream, begin, *entries_max, now)? else { return Ok(None) };
        let Some(number) = past.disk.filter(|_| past.from <= past.to) else {
            return Ok(Some(past.of_memory(begin, bytes_max)));
        };
        let to = past.to;
        let read = |from| self.storage.archive.page(number, from, to, bytes_max).map_err(|_| Code::Unavailable);
        let mut from = past.from;
        let mut page = read(from)?;
        while !begin.is_forward() && page.reached < to {
            from += (to - from).div_ceil(2);
            page = read(from)?;
        }
        let Page { entries, reached, .. } = page;
        let first = self.see(stream, Begin::Newest, 0, now)?.map_or(past.first, |past| past.first);
        Ok(Some(past.of_disk(begin, PastRead { from, entries, reached }, first)))
    }

    fn render_past(&mut self, wanted: &Wanted, page: Option<PastPage>) -> Vec<u8> {
        let Wanted { conn, id, stream, begin, .. } = wanted;
        let form = self.member(*conn).form;
        let bytes_max = self.plan.bounds.page_bytes.min(self.plan.bounds.outbox_bytes / 2);
        let channel = (!stream.is_inbox()).then_some(&*stream.name);
        let had = match begin {
            Begin::Since(had) | Begin::Older(had) => had.offset,
            _ => 0,
        };
        let epoch = Missing { from: 1, to: 0, reason: GapReason::Epoch };
        let unknown = if had > 0 { vec![epoch] } else { Vec::new() };
        let mut frames = Vec::new();
        let Some(mut page) = page else {
            let none = History {
                channel,
                position: None,
                first: 1,
                from: 1,
                to: 0,
                entries: &[],
                gaps: &unknown,
                more: false,
            };
            wire::render(form, Some(*id), &ServerFrame::History(none), &mut frames);
            return frames;
        };
        page.fit(bytes_max, |entry| entry_bytes(form.codec(), &entry.frame(0)));
        if self.has(Bug::HistorySkipsOne) && page.entries.len() > 2 {
            page.entries.remove(1);
        }
        let entries: Vec<_> = page.entries.iter().map(|entry: &Entry| entry.frame(0)).collect();
        let PastPage { position, first, from, to, missing, .. } = &page;
        let (position, more) = (Some(*position), page.has_more());
        let history =
            History { channel, position, first: *first, from: *from, to: *to, entries: &entries, gaps: missing, more };
        wire::render(form, Some(*id), &ServerFrame::History(history), &mut frames);
        frames
    }
}
