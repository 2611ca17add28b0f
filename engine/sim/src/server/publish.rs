//! Publications: known before, passed on, placed in memory, or on their way to the disk.

use super::Server;
use super::queue::{Hearer, Job, Told};
use super::turn::Turn;
use crate::bug::Bug;
use crate::fact::Fact;
use crate::name::StreamName;
use std::sync::Arc;
use tidings_core::keys::{Known, Placed};
use tidings_core::policy::Class;
use tidings_core::session::Effects;
use tidings_core::stream::{Append, Publication};
use tidings_core::time::Now;
use tidings_proto::code::Code;
use tidings_proto::command::Wait;
use tidings_proto::frame::{Level, Published, Sent};
use tidings_proto::id::{Epoch, Position};
use tidings_proto::kept::Entry;
use tidings_store::op::{KeptKey, Op};

/// A publication and who wants to hear of it.
struct Wanted<'p> {
    id: Option<u64>,
    stream: &'p StreamName,
    publication: &'p Publication<'p>,
}

impl Turn<'_> {
    pub(super) fn publish_to(&mut self, id: Option<u64>, stream: &StreamName, publication: &Publication<'_>) {
        let wanted = Wanted { id, stream, publication };
        let (publisher, now) = (publication.from.cloned(), self.now);
        let at_ms = self.server.steady_ms(now);
        if let Some(key) = publication.idempotency_key {
            match self.server.keys.note(publisher.as_deref(), key, at_ms) {
                Known::New => {}
                Known::Noted => return self.fail(id, Code::Busy, "the same publication is being placed"),
                Known::UnderWay(placed) => return self.answer_again(&wanted, &placed, false),
                Known::Done(placed) => return self.answer_again(&wanted, &placed, true),
            }
        }
        if let Err(code) = self.place_new(&wanted, at_ms) {
            if let Some(key) = publication.idempotency_key {
                self.server.keys.forget(publisher.as_deref(), key);
            }
            self.fail(id, code, "the publication was not taken");
        }
    }

    fn place_new(&mut self, wanted: &Wanted<'_>, at_ms: u64) -> Result<(), Code> {
        let Wanted { id, stream, publication } = *wanted;
        let now = self.now;
        self.server.load(stream, now)?;
        let class = self.server.plan.policy(stream).class;
        let Some((cell, mut fan)) = self.server.cell(stream) else { return Err(Code::Internal) };
        if publication.class == Class::Ephemeral && class != Class::Ephemeral {
            cell.stream.pass(publication, now, &mut fan);
            let placed = self.placed_at(stream, 0);
            self.tell_key(publication, Known::Done(placed));
            self.answer(id, stream, 0, Level::Accepted);
            return Ok(());
        }
        if class == Class::Durable {
            return self.append(wanted, at_ms);
        }
        let offset = cell.stream.publish(publication, now);
        let entry = entry_of(publication, offset, now);
        let Position { epoch, .. } = cell.stream.position();
        self.server.output.facts.push(Fact::Placed { stream: stream.clone(), epoch, entry });
        self.place(stream);
        let placed = self.placed_at(stream, offset);
        self.tell_key(publication, Known::Done(placed));
        self.answer(id, stream, offset, Level::Accepted);
        Ok(())
    }

    fn append(&mut self, wanted: &Wanted<'_>, at_ms: u64) -> Result<(), Code> {
        let Wanted { id, stream, publication } = *wanted;
        let now = self.now;
        let bytes = publication.data.bytes().len() + 200;
        if self.server.queue.failing {
            return Err(Code::Unavailable);
        }
        if self.server.queue.bytes() + bytes > self.server.plan.bounds.queue_bytes {
            return Err(Code::Busy);
        }
        let Some((cell, _)) = self.server.cell(stream) else { return Err(Code::Internal) };
        if cell.stream.is_full() {
            return Err(Code::Limit);
        }
        let Position { epoch, .. } = cell.stream.position();
        let Some(append) = cell.stream.append(publication, now) else { return Err(Code::Internal) };
        cell.queued += 1;
        let offset = append.entry.offset;
        self.server.output.facts.push(Fact::Placed { stream: stream.clone(), epoch, entry: append.entry.clone() });
        let ops = self.server.ops_of(stream, epoch, append, publication, at_ms);
        let placed = self.placed_at(stream, offset);
        self.tell_key(publication, Known::UnderWay(placed));
        let hearer = match publication.wait {
            Wait::Stored => self.hearer(id, stream, offset),
            Wait::Accepted => {
                self.answer(id, stream, offset, Level::Accepted);
                None
            }
        };
        let publisher = publication.from.cloned();
        let key = publisher.zip(publication.idempotency_key.map(Into::into));
        self.server.enqueue(Job { stream: stream.clone(), ops, up_to: offset, hearer, key, bytes });
        Ok(())
    }

    fn tell_key(&mut self, publication: &Publication<'_>, known: Known) {
        if let Some(key) = publication.idempotency_key {
            self.server.keys.tell(publication.from.map(|from| &**from), key, known);
        }
    }

    fn placed_at(&self, stream: &StreamName, offset: u64) -> Placed {
        let epoch = self.server.position(stream).map_or(Epoch(0), |position| position.epoch);
        let channel = (!stream.is_inbox()).then(|| Arc::clone(&stream.name));
        Placed { channel, epoch, offset }
    }

    fn answer(&mut self, id: Option<u64>, stream: &StreamName, offset: u64, level: Level) {
        if id.is_some() {
            let told = self.told(stream, offset, level);
            self.reply(id, &told.frame());
        }
    }

    fn told(&mut self, stream: &StreamName, offset: u64, level: Level) -> Told {
        let Some((cell, _)) = self.server.cell(stream) else { return Told::Sent(Sent { sessions: 0, level }) };
        if stream.is_inbox() {
            return Told::Sent(Sent { sessions: cell.stream.members(), level });
        }
        let (number, Position { epoch, .. }) = (cell.stream.number(), cell.stream.position());
        Told::Published(Published { stream: number, epoch, offset, level })
    }

    fn hearer(&mut self, id: Option<u64>, stream: &StreamName, offset: u64) -> Option<Hearer> {
        let told = self.told(stream, offset, Level::Stored);
        id.map(|id| Hearer { conn: self.conn, id, told })
    }

    /// The same publication again: the first answer again.
    fn answer_again(&mut self, wanted: &Wanted<'_>, placed: &Placed, is_done: bool) {
        let Wanted { id, stream, publication } = *wanted;
        self.server.output.facts.push(Fact::Known);
        self.server.output.note(Some(stream), format!("known key, done {is_done}: {placed:?}"));
        if let Err(code) = self.server.load(stream, self.now) {
            return self.fail(id, code, "the stream cannot be had now");
        }
        let told = match self.told(stream, placed.offset, Level::Accepted) {
            Told::Published(published) => Told::Published(Published { epoch: placed.epoch, ..published }),
            sent @ Told::Sent(_) => sent,
        };
        let stored = match told {
            Told::Published(published) => Told::Published(Published { level: Level::Stored, ..published }),
            Told::Sent(sent) => Told::Sent(Sent { level: Level::Stored, ..sent }),
        };
        match (publication.wait, is_done, id) {
            (_, _, None) => {}
            (Wait::Accepted, ..) => self.reply(id, &told.frame()),
            (Wait::Stored, true, _) => self.reply(id, &stored.frame()),
            (Wait::Stored, false, Some(id)) => {
                // Behind the job that it waits for.
                let hearer = Some(Hearer { conn: self.conn, id, told: stored });
                let (stream, up_to) = (stream.clone(), placed.offset);
                if let Some((cell, _)) = self.server.cell(&stream) {
                    cell.queued += 1;
                }
                self.server.enqueue(Job { stream, ops: Vec::new(), up_to, hearer, key: None, bytes: 0 });
            }
        }
    }
}

impl Server {
    /// What must be written for a publication, in the order in which a crash may cut it.
    fn ops_of(
        &self,
        stream: &StreamName,
        epoch: Epoch,
        append: Append,
        publication: &Publication<'_>,
        at_ms: u64,
    ) -> Vec<Op> {
        let Append { stream: number, entry, bytes_sum, head } = append;
        let (kind, name) = (stream.kind, &stream.name);
        let key = publication.idempotency_key.map(|key| {
            let publisher = publication.from.cloned();
            let (key, name) = (key.into(), Arc::clone(name));
            Op::Key(KeptKey { publisher, key, at: at_ms, kind, name, stream: number, epoch, offset: entry.offset })
        });
        let head = head.map(|head| Op::Head { kind, name: Arc::clone(name), head });
        let append = Op::Append { stream: number, entry, bytes_sum, share: None };
        if self.has(Bug::KeyBehindEntry) {
            return head.into_iter().chain([append]).chain(key).collect();
        }
        key.into_iter().chain(head).chain([append]).collect()
    }
}

/// The entry that a stream makes of a publication.
fn entry_of(publication: &Publication<'_>, offset: u64, now: Now) -> Entry {
    Entry {
        offset,
        event: publication.event.into(),
        data: publication.data.to_data(),
        from: publication.from.cloned(),
        key: publication.key.map(Into::into),
        at: now.wall_ms,
    }
}
